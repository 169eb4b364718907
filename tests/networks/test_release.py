"""Releases in networks: what travels is the amplitude of the spike that leaves, over any edge and in both orders."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.elsewhere import as_accelerators
from tests.refused import refused
from tests.simulation.toys import assert_same, differ

DT, STEPS, N = 0.1, 300, 5
KEY = jax.random.key(4)
RASTER = np.random.default_rng(6).random((STEPS, N)) < 0.04
RASTER[0] = False
DEPRESSING = dict(U=0.5, tau_rec=8.0, tau_fac=0.0)
FACILITATING = dict(U=np.linspace(0.1, 0.3, N), tau_rec=2.0, tau_fac=20.0)  # every sender another one


def released(train, U, tau_rec, tau_fac):
    """What one sender releases at each of its spikes, from spike to spike (Maass and Markram): amplitudes by step."""
    out, x, u, last = np.zeros(STEPS), 1.0, 0.0, None
    for k in np.flatnonzero(train):
        if last is None:
            u = U
        else:
            h = (k - last) * DT
            x = 1.0 + (x - x * u - 1.0) * np.exp(-h / tau_rec)
            u = U + (u * (1.0 - U) * np.exp(-h / tau_fac) if tau_fac else 0.0)
        out[k], last = u * x, k
    return out


def expected(raster, numbers):
    columns = [{name: np.broadcast_to(v, N)[i] for name, v in numbers.items()} for i in range(N)]
    return np.stack([released(raster[:, i], **numbers) for i, numbers in enumerate(columns)], axis=1)


WEIGHT = np.random.default_rng(7).integers(-16, 17, (N, 4)) / 8
DELAYS = {  # by name: ms, and steps for each pair
    "one": (1.5, np.full((N, 4), 15)),
    "each": (DT * (1 + np.arange(N * 4).reshape(N, 4) % 9), 1 + np.arange(N * 4).reshape(N, 4) % 9),
    "none": (None, np.zeros((N, 4), int)),
}


def arrivals(amplitudes, delay):
    out = np.zeros((STEPS, 4))
    for k, i in zip(*np.nonzero(amplitudes)):
        for j in range(4):
            if k + delay[i, j] < STEPS:
                out[k + delay[i, j], j] += amplitudes[k, i] * WEIGHT[i, j]
    return out


def links(via, order=None):
    """Static and facilitating synapses beside each other, over every kind of edge."""
    made, populations = {}, {"S": snn.SpikeSource(N)}
    for kind, release in RELEASES.items():
        for name, (delay, _) in DELAYS.items():
            if name == "none" and isinstance(order, snn.BrianOrder):
                continue
            made[f"{kind} {name}"] = snn.Connection(
                "S", f"at {kind} {name}", snn.AllToAll(), via=via, weight=WEIGHT, delay=delay, release=release()
            )
            populations[f"at {kind} {name}"] = snn.Population(snn.LI(tau=1e-4), 4)  # `v` is what arrived
    return snn.network(dt=DT, key=KEY, populations=populations, projections=made, order=order)


RELEASES = {
    "static": lambda: None,
    "facilitating": lambda: snn.TsodyksMarkram(**FACILITATING),
}


WAYS = [(snn.Sparse(), snn.NestOrder()), (snn.Dense(), snn.NestOrder()), (snn.Sparse(), snn.BrianOrder())]


@pytest.mark.parametrize(("via", "order"), WAYS, ids=["sparse-nest", "dense-nest", "sparse-brian2"])
def test_what_is_released_arrives(via, order, x64):
    """Sparse and dense, one delay, one each or none, static or not, out of one population: against brute force."""
    net = links(via, order)
    record = {name: snn.Trace(f"{name}.v") for name in net.populations if name != "S"}
    drive = snn.Replay(jnp.asarray(RASTER), into="S")
    seen = snn.simulate(net, drive, steps=STEPS, key=KEY, record=record, progress=snn.progress.Quiet()).record
    sent = np.roll(RASTER, 1, axis=0) if isinstance(order, snn.BrianOrder) else RASTER  # see `SpikeSource`
    by_kind = {
        "static": sent.astype(float),
        "facilitating": expected(sent, FACILITATING),
    }
    assert by_kind["facilitating"].max() > 0.45
    for name, v in seen.items():
        kind, which = name.split()[1:]
        np.testing.assert_allclose(v, arrivals(by_kind[kind], DELAYS[which][1]), rtol=0, atol=1e-12)
        late = arrivals(by_kind[kind], DELAYS[which][1] + 1)
        assert np.abs(v - late).max() > 0.1  # control: a step later


# --- law (f): bit for bit ---------------------------------------------------------------------------------------------


@cache
def looped():
    """Noisy neurons with depressing synapses among them, facilitating ones out, in float32."""
    cell = snn.LIF(tau=10.0, v_th=10.0, t_ref=1.0, noise=2.0, bias=9.0)
    return snn.network(
        dt=DT,
        key=KEY,
        populations={"E": snn.Population(cell, 20), "O": snn.Population(snn.LI(), 3)},
        projections={
            "EE": snn.Connection(
                "E",
                "E",
                snn.FixedProb(0.3),
                weight=2.0,
                delay=snn.Uniform(0.1, 2.0),
                release=snn.TsodyksMarkram(0.4, 60.0, 5.0),
            ),
            "EO": snn.Connection("E", "O", snn.AllToAll(), release=snn.TsodyksUzielMarkram(0.4, 2.0, 60.0, 50.0)),
        },
    )


def recurrent(U=0.4, tau_rec=60.0, steps=200, **how):
    net = looped()
    for edge in ("EE", "EO"):
        net = snn.set(snn.set(net, f"{edge}.release.U", U), f"{edge}.release.tau_rec", tau_rec)
    record = {"v": snn.Trace("O.v"), "u": snn.Trace("EE.release.u"), "y": snn.Trace("EO.release.y")}
    return snn.simulate(net, steps=steps, key=KEY, record=record, chunk=100, progress=snn.progress.Quiet(), **how)


def test_split_batched_or_alone():
    """A run in two parts, inside `jit` and as a point of a batch: the same numbers."""
    first = recurrent(steps=100)
    second = recurrent(steps=100, state=first.state)
    halves = {name: np.concatenate([first[name], second[name]]) for name in first.record}
    assert np.ptp(halves["u"]) > 0.3 and np.ptp(halves["y"]) > 0.05

    points = {"U": jnp.array([0.4, 0.2, 0.7]), "tau_rec": jnp.array([60.0, 20.0, 100.0])}

    def found(point):
        run = recurrent(**point)
        return run.record, run.state.model.projections

    batch, one = jax.jit(jax.vmap(found))(points), jax.jit(found)
    alone = [one(jax.tree.map(lambda x, i=i: x[i], points)) for i in range(3)]
    for i in range(3):
        assert_same(jax.tree.map(lambda x, i=i: x[i], batch), alone[i])
    assert_same(alone[0], (halves, second.state.model.projections))
    assert differ(alone[0][0], alone[1][0])


# --- what is refused, swept, set --------------------------------------------------------------------------------------


def one(release, **how):
    link = snn.Connection("S", "S", snn.OneToOne(), delay=DT, release=release, **how)
    return snn.network(dt=DT, key=KEY, populations={"S": snn.SpikeSource(N)}, projections={"p": link})


def test_bad_releases_are_refused():
    with refused("Connection.release is 0.5", "expected None or a release such as TsodyksMarkram()"):
        one(0.5)
    with refused("Projection 'p'", "TsodyksMarkram has shape (3,)", f"expected () or ({N},)"):
        one(snn.TsodyksMarkram(np.ones(3)))
    with refused("TsodyksMarkram.U is 1.5", "at most 1"):
        snn.TsodyksMarkram(1.5)
    with refused("TsodyksUzielMarkram.tau_psc is 0.0 ms", "more than 0"):
        snn.TsodyksUzielMarkram(tau_psc=0.0)
    with refused("'p.release.w'", "p.release has no 'w'", "it has u, x, z"):
        snn.simulate(one(snn.TsodyksMarkram()), steps=1, key=KEY, record=snn.Trace("p.release.w"))


def test_numbers_of_a_release_can_be_set():
    """And one that is out of its bounds while it is traced sets a bit of the status."""
    net = snn.set(one(snn.TsodyksMarkram()), "p.release.tau_rec", 3.0)
    assert net["p"].release.tau_rec == 3.0

    def status(tau):
        return snn.simulate(one(snn.TsodyksMarkram(tau_rec=tau)), steps=1, key=KEY).status

    assert jax.jit(jax.vmap(status))(jnp.array([1.0, 0.0])).tolist() == [0, snn.Status.PARAMETER_RANGE]


# --- by chance, in networks -------------------------------------------------------------------------------------------


@cache
def failing():
    """Synapses that fail, over lists and matrices, delayed or not: alone, and with others that fail beside them.

    Built inside `jit`, so that lists are padded, and both in one program, most of which they share.
    """
    sink = snn.Population(snn.LI(tau=1e-4), 4)
    graph = snn.FixedProb(0.6, most=1.0)
    links = {
        "list": snn.Connection("S", "A", graph, delay=snn.Uniform(0.1, 1.0), release=snn.connectivity.Bernoulli()),
        "matrix": snn.Connection("S", "B", graph, via=snn.Dense(), delay=0.3, release=snn.connectivity.Binomial(n=3)),
        "now": snn.Connection("S", "C", graph, release=snn.connectivity.Bernoulli()),
    }
    populations = {"S": snn.SpikeSource(N), **dict.fromkeys("ABC", sink)}
    beside = {
        "a_new_one": snn.Connection(
            "S", "S", snn.AllToAll(), weight=0.0, delay=0.1, release=snn.connectivity.Bernoulli(0.5)
        )
    }
    build = lambda key, links: snn.network(dt=DT, key=key, populations=populations, projections=links)
    with jax.ensure_compile_time_eval():
        return eqx.filter_jit(lambda key: (build(key, links), build(key, links | beside)))(jax.random.key(0))


def unreliable(p, weight, which=0):
    """`v` is what arrived."""
    net = failing()[which]
    for name in ("list", "matrix", "now"):
        net = snn.set(snn.set(net, f"{name}.weight", weight), f"{name}.release.p", p)
    drive = snn.Replay(jnp.asarray(RASTER), into="S")
    record = {name: snn.Trace(f"{name}.v") for name in "ABC"}
    return snn.simulate(net, drive, steps=60, key=KEY, record=record, progress=snn.progress.Quiet()).record


POINTS = {"p": jnp.array([0.5, 0.25, 0.8]), "weight": jnp.array([1.0, 2.0, 0.5])}
ALONE = jax.jit(unreliable)


def batched():
    return jax.jit(jax.vmap(unreliable))(POINTS["p"], POINTS["weight"])


def test_who_fails_does_not_depend_on_what_else_there_is():
    """Alone or in a batch, with another projection beside them that fails too: the same draws."""
    alone = [ALONE(POINTS["p"][i], POINTS["weight"][i]) for i in range(3)]
    batch = batched()
    for i in range(3):
        assert_same(jax.tree.map(lambda x, i=i: x[i], batch), alone[i])
    beside = jax.jit(lambda p, weight: unreliable(p, weight, which=1))
    assert_same(beside(POINTS["p"][0], POINTS["weight"][0]), alone[0])
    assert (
        0.3
        < sum(jnp.sum(v) for v in alone[0].values())
        / sum(jnp.sum(v) for v in ALONE(jnp.float32(1.0), jnp.float32(1.0)).values())
        < 0.7
    )


def test_accelerators_draw_the_same(monkeypatch):
    """The code that accelerators run, for a batch."""
    here = [ALONE(POINTS["p"][i], POINTS["weight"][i]) for i in range(3)]
    with monkeypatch.context() as patch:
        as_accelerators(patch)
        there = batched()
    for i in range(3):
        jax.tree.map(lambda a, b, i=i: np.testing.assert_allclose(a[i], b, rtol=1e-6), there, here[i])


def test_several_synapses_of_a_pair_need_a_list():
    with refused("Projection 'p'", "Got Bernoulli and several synapses between some pairs", "use via=Sparse()"):
        link = snn.Connection(
            "S", "S", snn.FixedInDegree(30), via=snn.Dense(), delay=DT, release=snn.connectivity.Bernoulli(0.5)
        )
        snn.network(dt=DT, key=KEY, populations={"S": snn.SpikeSource(N)}, projections={"p": link})


# --- law (e): derivatives ---------------------------------------------------------------------------------------------


def smooth(p, release=snn.TsodyksMarkram):
    """Fixed spikes through plastic synapses into read-outs: a list with a delay, a matrix without."""
    net = snn.network(
        dt=DT,
        key=KEY,
        populations={"S": snn.SpikeSource(N), "O": snn.Population(snn.LI(tau=5.0), 4)},
        projections={
            "list": snn.Connection(
                "S", "O", snn.AllToAll(), weight=p["weight"] * WEIGHT, delay=0.7, release=release(**p["r"])
            ),
            "now": snn.Connection("S", "O", snn.AllToAll(), via=snn.Dense(), weight=0.5, release=release(**p["r"])),
        },
    )
    v = snn.simulate(net, snn.Replay(jnp.asarray(RASTER), into="S"), steps=200, key=KEY, record=snn.Trace("O.v")).record
    return jnp.mean(jnp.square(v)) + jnp.mean(jnp.sin(v[-1]))


@pytest.mark.parametrize("release", [snn.TsodyksMarkram, snn.TsodyksUzielMarkram])
def test_derivatives_of_what_is_sent(release, x64):
    """By `U`, every time constant and the weights, against differences of sixth order; and none by a `tau_fac` of 0."""
    numbers = {"U": 0.3, "tau_rec": 9.0, "tau_fac": 6.0}
    if release is snn.TsodyksUzielMarkram:
        numbers["tau_psc"] = 9.0  # at `tau_rec`, where it is a limit
    point = jax.tree.map(jnp.float64, {"weight": 1.0, "r": numbers})
    both = jax.jit(jax.value_and_grad(lambda p: smooth(p, release)))
    _, gradient = both(point)
    leaves, structure = jax.tree.flatten(point)
    for i, (leaf, slope) in enumerate(zip(leaves, jax.tree.leaves(gradient))):
        h = 2e-3 * leaf
        at = lambda k, i=i, h=h: both(
            jax.tree.unflatten(structure, [x + k * h * float(j == i) for j, x in enumerate(leaves)])
        )[0]
        difference = sum(c * (at(k) - at(-k)) for k, c in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))) / h
        np.testing.assert_allclose(slope, difference, rtol=1e-7)
        assert abs(slope) > 1e-5
    none = both({**point, "r": {**point["r"], "tau_fac": jnp.float64(0.0)}})[1]
    assert none["r"]["tau_fac"] == 0.0 and all(np.isfinite(x) for x in jax.tree.leaves(none))


def test_derivatives_through_a_spike(x64):
    """What one spike more would change: the amplitudes sent, now and later, for a sender that fires by a threshold."""
    release = snn.TsodyksMarkram(U=0.4, tau_rec=10.0, tau_fac=5.0)

    def sent(spikes):
        start = release.init((), spikes.dtype)
        return jnp.sum(jax.lax.scan(lambda s, x: release.step(s, x, DT), start, spikes)[1])

    train = jnp.asarray(RASTER[:60, 0], float).at[jnp.array([5, 30])].set(1.0)
    slope = jax.grad(sent)(train)
    fire = jax.nn.one_hot(40, 60, dtype=train.dtype)
    quiet = train * (1 - fire)
    last = (jnp.arange(60) <= 40).astype(train.dtype)  # after it no spike: what one changes is linear in it
    np.testing.assert_allclose(
        jax.grad(sent)(quiet * last)[40], sent(quiet * last + fire) - sent(quiet * last), rtol=1e-12
    )
    assert slope[5] < sent(jax.nn.one_hot(5, 60, dtype=train.dtype))  # it costs those that follow


def test_the_derivative_of_chance_is_that_of_the_mean():
    """By `p`, of a sum of all that arrives: weights times amplitudes, for every draw; by weights, what did arrive."""

    def total(p, weight):
        seen = unreliable(p, weight)
        return sum(jnp.sum(v) for v in seen.values()), seen

    by, seen = jax.jit(jax.grad(total, (0, 1), has_aux=True))(jnp.float32(0.3), jnp.float32(2.0))
    assert_same(seen, ALONE(jnp.float32(0.3), jnp.float32(2.0)))  # the plain form, which is differentiated, is the same
    value = sum(jnp.sum(v) for v in seen.values())
    sure = sum(jnp.sum(v) for v in ALONE(jnp.float32(1.0), jnp.float32(2.0)).values())  # all synapses, all sites
    np.testing.assert_allclose(by, (sure, value / 2.0), rtol=1e-6)
    assert 0.1 < value / sure < 0.5


def test_plastic_synapses_send_what_is_released():
    """A rule that changes nothing delivers as if there were none; one that does is another network."""

    def arrived(rule):
        plastic = snn.Connection(
            "S",
            "D",
            snn.AllToAll(),
            weight=WEIGHT,
            delay=1.5,
            release=snn.TsodyksMarkram(**DEPRESSING),
            rule=rule,
        )
        populations = {"S": snn.SpikeSource(N), "D": snn.Population(snn.LIF(tau=5.0, v_th=1.5), 4)}
        net = snn.network(dt=DT, key=KEY, populations=populations, projections={"p": plastic})
        drive = snn.Replay(jnp.asarray(RASTER), into="S")
        return snn.simulate(
            net, drive, steps=STEPS, key=KEY, record=snn.Trace("D.v"), progress=snn.progress.Quiet()
        ).record

    nothing, still = arrived(snn.PairSTDP(a_plus=0.0, a_minus=0.0)), arrived(None)
    np.testing.assert_allclose(nothing, still, atol=1e-5)
    assert np.abs(still).max() > 1.0
    assert np.abs(arrived(snn.PairSTDP(a_plus=0.1, a_minus=0.1)) - still).max() > 1e-2


def test_what_is_released_travels_along_the_axon_of_a_plastic_synapse():
    """With a rule that changes nothing, and in `BrianOrder`, where delays are axonal, as without a rule."""

    def run(release, *, frozen=False):
        net = snn.network(
            dt=0.1,
            key=0,
            order=snn.BrianOrder(),
            populations={"in": snn.SpikeSource(4), "out": snn.Population(snn.LIF(v_th=99.0), 3)},
            projections={
                "io": snn.Connection(
                    "in", "out", snn.AllToAll(), weight=0.5, delay=0.7, release=release, rule=snn.PairSTDP(0.0, 0.0)
                )
            },
        )
        drive = snn.Poisson(rate=300.0, weight=1.0, into="in")
        return snn.simulate(net.frozen() if frozen else net, drive, steps=200, key=1, record=snn.Trace("out.v")).record

    depressing = snn.TsodyksMarkram(0.6, 100.0)
    np.testing.assert_allclose(run(depressing), run(depressing, frozen=True), rtol=1e-5, atol=1e-6)
    assert np.max(np.abs(run(depressing) - run(None))) > 0.1
