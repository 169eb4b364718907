"""What NumPy computes has the bits of a compiled program: of every neuron, port, release, rule, drive, of many probes.

The parts of a kind stand in one network, side by side; one program computes all of it.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest

import jaxsnn as snn
from jaxsnn._host.inexact import Inexact
from jaxsnn._host.steps import Steps
from jaxsnn.simulation.parts import started
from tests.host.test_same_bits import bits
from tests.laws.registry import DRIVES, NEURONS, PORTS, RELEASES, N
from tests.plasticity.rules import LAZY, RULES

KEY = jax.random.key(0)


def network(parts, order=None):
    """Every part as a population or as a projection, behind three inputs."""
    populations, projections = {"in": snn.SpikeSource(3)}, {}
    for i, (population, more) in enumerate(parts):
        populations[f"p{i}"] = population
        link = {"delay": snn.Uniform(0.2, 0.6), "weight": snn.Uniform(0.1, 0.4), **more}
        projections[f"in-p{i}"] = snn.Connection("in", f"p{i}", snn.FixedProb(0.7), **link)
    return snn.network(dt=0.1, key=KEY, populations=populations, projections=projections, order=order)


def cell(neuron=None, port=None):
    neuron = snn.LIF(tau=5.0, v_th=1.0, t_ref=0.3) if neuron is None else neuron
    port = snn.Delta() if port is None else port
    return snn.Population(neuron, 2, ports={"in": port})


def one_each(registry):
    """One entry of each class: choices of a class do not change what it begins with."""
    kinds = {type(make(1.0)): (name, make) for name, make in reversed(registry.items()) if name != "Parrot"}
    return dict(kinds.values())


CASES = {
    **{
        f"neuron {name}": lambda make=make: network([(cell(make(1.0)), {})]) for name, make in one_each(NEURONS).items()
    },
    "ports": lambda: network([(cell(port=make(1.0)), {}) for make in PORTS.values()]),
    "releases": lambda: network([(cell(), dict(release=make(1.0))) for make in RELEASES.values()]),
    "rules": lambda: network([(cell(), dict(rule=snn.chain(*make(1.0)))) for make in (RULES | LAZY).values()]),
    "rules, Brian": lambda: network(
        [(cell(), dict(rule=snn.chain(*make(1.0)))) for make in RULES.values()], snn.BrianOrder()
    ),
    "drawn": lambda: network(
        [(snn.Population(snn.LIF(), 2, {"in": snn.Delta()}, init={"v": snn.Uniform(0.0, 1.0)}), {})]
    ),
    "dense": lambda: network([(cell(), dict(via=snn.Dense(), delay=0.3)), (cell(), dict(via=snn.Dense()))]),
}


def programs(net):
    """What a run needs beside its loop, as functions of the key and the arrays of the network."""
    numbers, rest = eqx.partition(net, eqx.is_array)
    whole = lambda numbers: eqx.combine(numbers, rest)
    drive = snn.Poisson(10.0, 0.5, into="in")
    probes = [
        snn.Raster("p0"),
        snn.ISI("p0"),
        snn.FiringRate("p0"),
        snn.Count("in"),
        snn.FirstSpike("p0"),
        snn.Last("p0.v"),
    ]
    return numbers, {
        "begin": lambda key, numbers: started(whole(numbers), drive, key),
        "derived": lambda key, numbers: whole(numbers).prepare(),
        "carries": lambda key, numbers: [probe.init(whole(numbers), 9, jnp.int32(3)) for probe in probes],
    }


def driven(make):
    """The tables and rows of a drive, as a function of its arrays."""
    net = snn.network(dt=0.1, key=0, populations={name: snn.Population(snn.LIF(), N) for name in "PQ"})
    numbers, rest = eqx.partition(make(1.0), eqx.is_array)
    return numbers, {"driven": lambda key, numbers: eqx.combine(numbers, rest).prepare(net, jnp.int32(0))}


@functools.cache
def made(name):
    return programs(CASES[name]()) if name in CASES else driven(DRIVES[name])


PROGRAMS = [(name, what) for name in CASES for what in ("begin", "derived", "carries")] + [
    (n, "driven") for n in DRIVES
]


def arrays_of(name, what):
    """The arrays that a program gives, as a function."""
    function = made(name)[1][what]
    return lambda key, numbers: jax.tree.leaves(eqx.filter(function(key, numbers), eqx.is_array))


@pytest.fixture(scope="module")
def compiled():
    """What one compiled program gives of all of them."""
    every = lambda key, given: {case: arrays_of(*case)(key, given[case[0]]) for case in PROGRAMS}
    return jax.jit(every)(KEY, {name: made(name)[0] for name, _ in PROGRAMS})


@functools.cache
def by_numpy(name, what):
    """What NumPy gives; None where it leaves the program to XLA."""
    given = KEY, made(name)[0]
    try:
        return Steps(jax.make_jaxpr(arrays_of(name, what))(*given))(jax.tree.leaves(given))
    except Inexact:
        return None


@pytest.mark.parametrize(("name", "what"), PROGRAMS)
def test_the_same_bits(name, what, compiled):
    ours = by_numpy(name, what)
    assert ours is None or [*map(bits, ours)] == [*map(bits, compiled[name, what])]


def test_numpy_computes_most_of_it():
    """Negative control: otherwise nothing would have been compared. What is left needs roots, exponentials or times."""
    left = {case for case in PROGRAMS if by_numpy(*case) is None}
    assert len(left) < len(PROGRAMS) / 4 and not {what for _, what in left} & {"carries"}
    assert not left & {("releases", "derived"), ("rules", "derived"), ("rules, Brian", "derived"), ("dense", "begin")}
