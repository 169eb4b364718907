"""A pole on a cart, balanced by a spiking network that learns by evolution strategies.

The world is a drive: every `pause` steps of the network it takes the action, left or right, whichever read-out is
higher, and shows the network where cart and pole are now: position, velocity, angle, angular velocity, as currents. An
episode ends at 12 degrees, at 2.4 m or after 500 actions; its return is the number of actions.

A generation is one batch of networks: weights `w + sigma e` and `w - sigma e` for `pairs` directions `e`, each through
`episodes` episodes; Adam follows `1/(2 pairs sigma) sum u e`, where `u` is the rank of a return, from -1/2 to 1/2. Then
100 episodes that were not seen before:

    jaxsnn run experiments/cartpole.py
    jaxsnn run experiments/cartpole.py --set velocities=false --set pairs=32 --set generations=200

In the second the network has to remember where the pole was.

References: Barto, Sutton and Anderson, IEEE Trans. SMC 13:834 (1983), with the constants of Gymnasium's CartPole-v1;
Salimans et al., arXiv:1703.03864 (2017).
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array

import jaxsnn as snn

SPACE = {
    "seed": snn.Seeds(5),
    "lr": snn.Axis(0.1),
    "sigma": snn.Axis(0.2),  # of the changes that are tried
    "velocities": snn.Static(True),  # whether the network is shown them
    "pause": snn.Static(2),  # steps of the network between two actions
    "hidden": snn.Static(16),
    "pairs": snn.Static(16),
    "episodes": snn.Static(2),  # of every network of a generation
    "generations": snn.Static(60),
}
REPEATS = ("seed",)
LONGEST, EXAM = 500, 100  # actions; episodes
SETTLE = 20  # steps of the network before the first action: what it sees first is no movement
GRAVITY, CART, POLE, HALF, FORCE, TAU = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02  # m/s^2, kg, kg, m, N, s
FAR, STEEP = 2.4, 12 * 2 * np.pi / 360  # m, rad
SCALE = np.array([FAR, 2.0, STEEP, 2.0], np.float32)  # of what the network is shown


def push(s, force):
    """`(x, dx, theta, dtheta)` after `TAU` seconds of a force on the cart, by Euler's method as in Gymnasium."""
    x, dx, theta, dtheta = s
    sin, cos, mass = jnp.sin(theta), jnp.cos(theta), CART + POLE
    pulled = (force + POLE * HALF * dtheta**2 * sin) / mass
    turned = (GRAVITY * sin - cos * pulled) / (HALF * (4.0 / 3.0 - POLE * cos**2 / mass))
    moved = pulled - POLE * HALF * turned * cos / mass
    return jnp.stack([x + TAU * dx, dx + TAU * moved, theta + TAU * dtheta, dtheta + TAU * turned])


def stands(s):
    """Whether the episode goes on."""
    return (jnp.abs(s[0]) <= FAR) & (jnp.abs(s[2]) <= STEEP)


class CartPole(snn.drives.AbstractDrive):
    """The world: acts on the read-outs of the step before, every `pause` steps, and shows itself in all.

    Its state is that of cart and pole, and the return so far; after the end both stay.

    **Arguments:** `start`: the state at the start, `(4,)`. `pause`: static. `velocities`: static.
    """

    start: Array
    pause: int = eqx.field(static=True)
    velocities: bool = eqx.field(static=True)

    def init(self, *, key):
        return self.start, jnp.zeros(())

    def step(self, d, t, signals, *, key):
        world, score = d
        left, right = signals.state["out"]["v"]
        acts = (t >= SETTLE) & ((t - SETTLE) % self.pause == 0) & stands(world)
        world = jnp.where(acts, push(world, jnp.where(right > left, FORCE, -FORCE)), world)
        seen = world / SCALE.astype(world.dtype)
        seen = seen if self.velocities else seen[::2]
        return (world, jnp.where(acts, score + 1.0, score)), snn.simulation.Inputs(arrivals={"in.in": seen})


def policy(point, key):
    """A recurrent layer of spiking neurons, from slow to fast, between what is seen and two leaky read-outs."""
    hidden = point["hidden"]
    cell = snn.LIF(
        tau=jnp.geomspace(2.0, 20.0, hidden),
        v_th=1.0,
        bias=0.1,
        gain=snn.gains.PerStep(),
        reset_mechanism=snn.resets.Subtract(),
    )
    dense = functools.partial(snn.Connection, topology=snn.AllToAll(), via=snn.Dense())
    return snn.network(
        dt=1.0,
        key=key,
        populations={
            "in": snn.SpikeSource(4 if point["velocities"] else 2),
            "hid": snn.Population(cell, hidden),
            "out": snn.Population(snn.LI(tau=2.0), 2),
        },
        projections={
            "in-hid": dense("in", "hid", weight=snn.Normal(0.0, 1.0)),
            "hid-hid": dense("hid", "hid", weight=snn.Normal(0.0, 0.5 * hidden**-0.5), delay=1.0),
            "hid-out": dense("hid", "out", weight=snn.Normal(0.0, 1.0)),
        },
    )


def beginnings(key, n):
    """Nearly upright, nearly still."""
    return jax.random.uniform(key, (n, 4), minval=-0.05, maxval=0.05)


def ranks(scores):
    """From -1/2 for the lowest to 1/2 for the highest; equal returns have equal ranks."""
    mine, others = scores[:, None], scores[None]
    below = jnp.mean(jnp.where(mine == others, 0.5, jnp.where(mine > others, 1.0, 0.0)), axis=1)  # itself, half
    return (below * len(scores) - 0.5) / (len(scores) - 1) - 0.5


def experiment(point, key):
    """Evolve, then 100 new episodes."""
    start, exam, key = jax.random.split(key, 3)
    net = policy(point, start)
    first, unravel = ravel_pytree({name: p.weight for name, p in net.projections.items()})
    optimiser, pairs = optax.adam(point["lr"]), point["pairs"]

    def episode(weights, begin):
        grown = net
        for name, weight in unravel(weights).items():
            grown = snn.set(grown, f"{name}.weight", weight)
        world = CartPole(begin, point["pause"], point["velocities"])
        steps = SETTLE + (LONGEST - 1) * point["pause"] + 1
        run = snn.simulate(grown, world, steps=steps, key=jax.random.key(0))  # nothing is drawn
        return run.state.drive[1], run.status

    def generation(carry, number):
        weights, state = carry
        directions, seen = jax.random.split(jax.random.fold_in(key, number))
        e = jax.random.normal(directions, (pairs, len(weights)))
        starts = beginnings(seen, point["episodes"])
        tried = weights[None] + point["sigma"] * jnp.concatenate([e, -e])
        every = jnp.repeat(tried, len(starts), axis=0), jnp.tile(starts, (2 * pairs, 1))
        scores, statuses = jax.vmap(episode)(*every)
        scores = jnp.mean(scores.reshape(2 * pairs, -1), axis=1)
        u = ranks(scores)
        uphill = (u[:pairs] - u[pairs:]) @ e / (2 * pairs * point["sigma"])
        with jax.numpy_dtype_promotion("standard"):  # optax mixes types
            updates, state = optimiser.update(-uphill, state, weights)
        return (weights + updates, state), (jnp.mean(scores), jnp.bitwise_or.reduce(statuses))

    numbers = jnp.arange(point["generations"], dtype=jnp.uint32)
    (weights, _), (course, statuses) = jax.lax.scan(generation, (first, optimiser.init(first)), numbers)
    scores, last = jax.vmap(lambda begin: episode(weights, begin))(beginnings(exam, EXAM))
    status = jnp.bitwise_or.reduce(statuses) | jnp.bitwise_or.reduce(last)
    return {"returns": scores, "course": course, "status": status}


def summary(ds):
    """Mean return of every seed over 100 episodes, and the worst episode."""
    scores = ds.returns.values.reshape(-1, EXAM)
    lines = [
        f"seed {i}: mean return {x.mean():.1f} over {EXAM} new episodes, the shortest {x.min():.0f}"
        for i, x in enumerate(scores)
    ]
    return "\n".join([*lines, f"return: {scores.mean():.1f}, of the worst seed {scores.mean(axis=1).min():.1f}"])


def plot(ds, path):
    """Mean return of a generation, one line a seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    ax = figure.subplots()
    ax.plot(ds.course.values.reshape(-1, ds.course.shape[-1]).T, color="C0", alpha=0.6)
    ax.set(xlabel="generation", ylabel="return, mean of all that were tried", ylim=(0, LONGEST))
    figure.savefig(path, dpi=150)
