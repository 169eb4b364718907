"""Populations of one kind are advanced as one, with the numbers that they have alone."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.models import Forward, Inputs, Reverse, silent
from jaxsnn.networks.groups import FEWEST
from tests.laws.registry import NEURONS, conducting

KEY = jax.random.key(0)
STEPS = 60
PORTS = {  # kinds of populations: neuron, and ports that suit it
    "LIF keeps": lambda u: {"exc": snn.Exponential(2.0 * u), "in": snn.Delta()},
    "ALIF": lambda u: {"in": snn.Alpha(2.0 * u)},
    "CobaLIF ExponentialEuler": lambda u: {"exc": snn.Conductance(2.0 * u, 3.0 * u)},
    "QIF": lambda u: {"in": snn.UnlessRefractory(snn.Exponential(2.0 * u))},
}
OWN = {"CobaLIF ExponentialEuler": conducting}
SIZES = (3, 32, 1, 5)
FACTORS = (1.0, np.linspace(0.9, 1.1, 32), 1.1, 0.95)  # of parameters: numbers, or one for each neuron


def of_many_kinds(order, kinds):
    """Four populations of each kind, in an order in which no two of a kind are neighbours."""
    make = lambda kind, n, u: snn.Population((OWN | NEURONS)[kind](u), n, ports=PORTS[kind](u))
    populations = {
        f"{i}{kind.replace(' ', '')}": make(kind, n, jnp.asarray(u, jnp.float32))
        for i, (n, u) in enumerate(zip(SIZES, FACTORS))
        for kind in kinds
    }
    names = sorted(populations)
    ends = list(zip(names, names[3:] + names[:3]))[::3]
    port = lambda name: f"{name}.{next(iter(populations[name].ports))}"
    among = {f"{a}-{b}": snn.Connection(a, port(b), snn.AllToAll(), weight=0.3, delay=0.5) for a, b in ends}
    a, b = ends[0]
    more = {
        "learns": snn.Connection(a, port(b), snn.AllToAll(), weight=0.3, delay=0.5, rule=snn.PairSTDP()),
        "tires": snn.Connection(b, port(a), snn.AllToAll(), weight=0.3, delay=0.5, release=snn.TsodyksMarkram()),
    }
    return snn.network(dt=0.1, populations=populations, projections=among | more, key=KEY, order=order)


def whole_run(net, fused):
    """State, spikes and all membranes of a run in which some populations are driven and others are not."""
    paths = [path for i, (path, _) in enumerate(net.layout.ports) if i % 3]
    driven = list(net.populations)[::2]
    t0 = jax.random.key(3)

    def feed(side, signals, t):
        arrivals = {p: jax.random.normal(jax.random.fold_in(t0, t), net.port(p)[1:]) ** 2 for p in paths}
        return side, Inputs(
            arrivals, {name: 2.0 + 0.1 * t.astype(jnp.float32) * jnp.ones(net.sizes[name]) for name in driven}
        )

    observe = lambda side, signals, t: (side, (dict(signals.spikes), dict(signals.words)))

    @jax.jit
    def run(net):
        stepper = net.prepare(Forward(fused=fused))
        carry = (net.init(key=KEY), silent(net.sizes, jnp.float32), ())
        return stepper.run(carry, jnp.int32(0), STEPS, feed=feed, observe=observe, key=KEY)

    return run(net)


@pytest.mark.parametrize(
    ("order", "kinds"), [(snn.NestOrder(), tuple(PORTS)), (snn.BrianOrder(), ("LIF keeps",))], ids=["nest", "brian"]
)
def test_every_kind_has_the_numbers_that_it_has_alone(order, kinds):
    """Every spike; membranes to rounding, since XLA divides by one number otherwise than by one for each neuron."""
    net = of_many_kinds(order, kinds)
    together, apart = whole_run(net, True), whole_run(net, False)
    assert jax.tree.structure(together) == jax.tree.structure(apart)
    jax.tree.map(np.testing.assert_array_equal, together[1], apart[1])
    jax.tree.map(partial(np.testing.assert_allclose, rtol=2e-6, atol=1e-6), together[0], apart[0])
    spikes = together[1][0]
    fired = {kind for kind in kinds if any(np.any(x) for name, x in spikes.items() if kind.replace(" ", "") in name)}
    assert fired == set(kinds)


def alike(k):
    """`k` populations of one kind, all connected with all."""
    ports = lambda: {"exc": snn.Exponential(), "inh": snn.Exponential(10.0)}
    cell = lambda: snn.Population(snn.LIF(tau=5.0, v_th=2.0), 8, ports=ports())
    names = [f"P{i}" for i in range(k)]
    link = lambda a, b: snn.Connection(a, f"{b}.exc", snn.FixedProb(0.5), weight=0.5, delay=0.1)
    return snn.network(
        dt=0.1,
        key=KEY,
        populations={name: cell() for name in names},
        projections={f"{a}{b}": link(a, b) for a in names for b in names},
    )


def test_integrate_and_fire_populations_have_the_same_bits():
    """Five populations of LIF neurons with exponential ports; also a step outside of a run."""
    net = alike(5)
    together, apart = whole_run(net, True), whole_run(net, False)
    assert sum(np.sum(x) for x in together[1][0].values()) > 100
    jax.tree.map(np.testing.assert_array_equal, together, apart)
    state, inputs = together[0][0], Inputs({}, {name: jnp.full(n, 50.0) for name, n in net.sizes.items()})
    one = lambda net: net.prepare().step(state, inputs, jnp.int32(STEPS), key=KEY)[0]
    assert jax.tree.structure(jax.eval_shape(one, net)) == jax.tree.structure(state)


def operations(jaxpr):
    """Arithmetic and loops of a program, whatever they are nested in; what moves numbers is not counted."""
    moves = {"slice", "concatenate", "broadcast_in_dim", "squeeze", "reshape", "pad", "convert_element_type"}
    total = 0
    for eqn in jaxpr.eqns:
        inner = [
            x.jaxpr for p in eqn.params.values() for x in (p if isinstance(p, tuple) else (p,)) if hasattr(x, "jaxpr")
        ]
        total += sum(map(operations, inner)) if inner else eqn.primitive.name not in moves
    return total


def test_eight_populations_are_one_set_of_operations():
    def of_a_step(k, fused):
        net = alike(k)
        stepper, state = net.prepare(Forward(fused=fused)), net.init(key=KEY)
        carried = stepper.joined(state, silent(net.sizes, jnp.float32))
        step = lambda carried: stepper.advanced(carried, Inputs(), jnp.int32(0), key=KEY)[0]
        return operations(jax.make_jaxpr(step)(carried).jaxpr)

    one = of_a_step(1, True)
    assert of_a_step(8, True) < 1.05 * one
    assert of_a_step(8, False) > 3 * one  # control


def test_which_populations_form_a_group():
    """Classes, choices and ports decide; noise, and edges within a step, stand against it."""
    lif = lambda **choices: snn.Population(snn.LIF(**choices), 2)
    others = {
        "noisy": lambda: lif(noise=1.0),
        "above": lambda: lif(comparator=snn.thresholds.Greater()),
        "parrot": lambda: snn.Population(snn.Parrot(), 2),
        "port": lambda: snn.Population(snn.LIF(), 2, ports={"other": snn.Delta()}),
        "at an edge": lif,
    }
    populations = {f"{name}{i}": make() for name, make in {"lif": lif, **others}.items() for i in range(FEWEST)}
    edge = {
        f"edge{i}": snn.Connection(f"at an edge{i}", f"at an edge{(i + 1)}", snn.AllToAll(), delay=None)
        for i in range(FEWEST - 1)
    }
    net = snn.network(dt=0.1, key=KEY, populations=populations, projections=edge)
    groups = [tuple(name for name, _ in group.members) for group in net.prepare().layout.groups]
    assert sorted(name for group in groups for name in group) == sorted(populations)
    assert {group[0][:-1] for group in groups if len(group) > 1} == {"lif", "above", "parrot", "port"}
    assert {len(group) for group in groups} == {1, FEWEST}
    assert all(len(group.members) == 1 for group in net.prepare(Reverse()).layout.groups)
