"""One network on several devices, compared with the same on one: `echo CASE | python -m tests.networks.on_devices`.

`XLA_FLAGS` says how many devices this process has; with `--process ADDRESS NUMBER COUNT` it is one of
several, each with as many. Answers each line, a case, with a line of JSON: whether what was recorded is equal to the
bit, and how much there was.
"""

import contextlib
import functools
import gc
import json
import operator
import re
import sys
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.connectivity.graph import SparseGraph
from jaxsnn.networks import sharding
from jaxsnn.networks.sharding import drawing, model, stacking
from jaxsnn.networks.sharding.learning import PlasticPart
from jaxsnn.networks.shards import Shards
from tests.laws.registry import DRIVES, N

STEPS, FIRST = 154, 77  # halves, which share a program that makes records, and no end of which is an exchange


class Listens(snn.drives.AbstractDrive):
    """A current that follows the spikes and membranes of the step before."""

    def step(self, d, t, signals, *, key):
        seen = 0.1 * signals.spikes["I"] + 0.02 * jnp.abs(signals.state["I"]["v"])
        return d, snn.simulation.Inputs(currents={"I": 8.0 + seen})


class Fading(snn.NestOrder):
    """NEST's order, but arrivals fade while they are pending: it matters in which step they were delivered."""

    arrivals = snn.NestOrder.arrivals

    def step(self, net, state, inputs, t, key):
        after, sent = super().step(net, state, inputs, t, key)
        return after._replace(ring=after.ring * 0.99), sent


def cell(n, **more):
    neuron = snn.LIF(tau=20.0, v_th=10.0, t_ref=2.0, **more)
    ports = {"exc": snn.Exponential(5.0), "inh": snn.Exponential(10.0)}
    start = lambda key: jax.random.uniform(key, (n,), maxval=10.0)
    return snn.Population(neuron, n, ports, init={"v": start})


def balanced(delay, *, order=None, via=snn.Sparse(), release=None):
    """300 excitatory neurons with noise, and 77 inhibitory ones that differ: neither number is whole words a device."""
    link = lambda pre, post, weight, **more: snn.Connection(
        pre, post, snn.FixedProb(0.1), weight=weight, delay=more.pop("delay", delay), via=via, **more
    )
    spread = snn.Uniform(delay, delay + 2.0) if isinstance(via, snn.Sparse) else delay
    return snn.network(
        dt=0.1,
        key=1,
        order=order,
        populations={"E": cell(300, noise=1.0, bias=6.0), "I": cell(77, bias=snn.Normal(5.0, 1.0, lo=1.0))},
        projections={
            "EE": link("E", "E.exc", snn.Uniform(0.2, 0.6), delay=spread, release=release),
            "EI": link("E", "I.exc", 0.8),
            "IE": link("I", "E.inh", -3.0),
        },
    )


def chain():
    """Parrots whose spikes have amplitudes, five populations that are advanced as one, and edges within the step."""
    small = {
        f"p{i}": snn.Population(snn.LIF(tau=9.0 + i, v_th=2.0), 40 + i, {"in": snn.Exponential(3.0)}) for i in range(5)
    }
    link = lambda pre, post, delay=0.3, **more: snn.Connection(
        pre, post, snn.FixedProb(0.3), weight=0.8, delay=delay, **more
    )
    return snn.network(
        dt=0.1,
        key=2,
        populations={"in": snn.SpikeSource(70), **small, "out": snn.Population(snn.LI(5.0), 3)},
        projections={
            **{f"in-{name}": link("in", name) for name in small},
            "p0-p1": snn.Connection(
                "p0", "p1", snn.AllToAll(), via=snn.Dense(), weight=snn.Uniform(0.1, 0.5), delay=0.4
            ),
            "in-out": link("in", "out", None, rule=snn.chain(snn.VogelsSprekeler(0.05, 30.0), snn.Bound(0.0, 1.0))),
            "in-out-drawn": link("in", "out", None, release=snn.connectivity.Bernoulli(0.5)),
        },
    )


def unreliable():
    """Synapses that draw: of a list, with a probability a sender; of a matrix, several sites each."""
    link = lambda pre, post, release, **more: snn.Connection(
        pre, post, snn.FixedProb(0.2), weight=snn.Uniform(0.2, 0.8), release=release, **more
    )
    each = snn.connectivity.Bernoulli(jax.random.uniform(jax.random.key(0), (75,)))
    several = snn.connectivity.Binomial(0.4, n=3)
    return snn.network(
        dt=0.1,
        key=5,
        populations={"E": cell(75, noise=3.0, bias=11.0), "I": cell(41, noise=3.0, bias=11.0)},
        projections={
            "list": link("E", "E.exc", each, delay=snn.Uniform(0.3, 0.9)),
            "matrix": link("I", "E.inh", several, via=snn.Dense(), delay=0.3),
        },
    )


def learning(order=None):
    """Rules that hear of neurons all there is: traces of either side, whose times differ; membranes, a reward, a
    release; modifiers that count all receivers, or sum over the synapses of one.
    """

    def link(pre, post, *parts, **more):
        rule, more = snn.chain(*parts, snn.Bound(0.0, 1.0)), {"delay": 0.9} | more
        return snn.Connection(pre, post, snn.FixedProb(0.2), rule=rule, weight=snn.Uniform(0.2, 0.8), **more)

    some = lambda key, n, lo, hi: jax.random.uniform(jax.random.key(key), (n,), minval=lo, maxval=hi)
    differ = snn.PairSTDP(0.1, 0.12, some(0, 75, 5.0, 15.0), some(1, 41, 5.0, 15.0))
    delays = {"delay": snn.Uniform(0.9, 1.5)} | ({"axonal": 0.3} if order is None else {})
    scaling = snn.Scaling(some(2, 75, 10.0, 90.0), 20.0, 20.0)
    clopath = snn.Clopath(0.1, 0.1, theta_minus=2.0, theta_plus=6.0)
    return snn.network(
        dt=0.1,
        key=4,
        order=order,
        populations={"E": cell(75, noise=3.0, bias=11.0), "I": cell(41, noise=3.0, bias=11.0)},
        projections={
            "differ": link("E", "I.exc", differ, **delays),
            "scaled": link("E", "E.exc", snn.PairSTDP(0.1, 0.12), scaling, release=snn.TsodyksMarkram(0.3, 100.0)),
            "rewarded": link("I", "E.inh", clopath, snn.Modulate("reward", 5.0)),
            "normal": link("I", "I.inh", snn.TripletSTDP(0.05, 0.1, 0.07), snn.Normalise(2.0, 1.3), via=snn.Dense()),
        },
    )


def fed():
    """Two populations of the registry's size, fed by every drive and seen by every probe."""
    cell = lambda: snn.Population(snn.LIF(tau=20.0, v_th=10.0, bias=11.0), N, {"in": snn.Exponential(5.0)})
    link = snn.Connection("P", "Q.in", snn.AllToAll(), weight=0.5, delay=1.0)
    net = snn.network(dt=0.1, key=0, populations={"P": cell(), "Q": cell()}, projections={"PQ": link})
    generator = snn.SpikeGenerator([0, 3], [1.0, 2.0], into="Q.in", weight=2.0)
    varying = snn.Poisson(lambda t: 3000.0 + 50.0 * t, 0.5, into="Q.in", most=1.0)
    drives = functools.reduce(operator.add, (make(1.0) for make in DRIVES.values()), generator + varying)
    of = snn.probes
    folded = {kind.__name__: kind("P.v") for kind in (of.Last, of.Sum, of.Mean, of.Max, of.Trace)}
    spikes = {kind.__name__: kind("P") for kind in (of.Count, of.Raster, of.FiringRate, of.ISI, of.FirstSpike)}
    timed = [of.Spikes("Q", capacity=400), of.PopulationRate("P", 1.0), of.Snapshots("Q.v", every=1.0)]
    return net, drives, [spikes, folded, timed]


def noise():
    return snn.Poisson(3000.0, 0.9, into="E.exc") + snn.Poisson(3000.0, 0.9, into="I.exc")


def learnt():
    """Spikes, and numbers of synapses and their neurons on the way; weights at the end are in the state."""
    return {
        "counts": snn.Count("E"),
        "weights": snn.Snapshots("differ.weight", every=3.0, index=range(50)),
        "scaled at": snn.Snapshots("scaled.scaled_at", every=4.0, index=range(50)),
        "eligibility": snn.Snapshots("rewarded.eligibility", every=3.0, index=range(50)),
        "of senders": snn.Trace("differ.pre.x", index=[0, 70]),
        "of receivers": snn.Trace("differ.post.y", index=[0, 40]),
        "u": snn.Trace("scaled.release.u", index=[0, 70]),
    }


WATCHED = {"counts": snn.Count("E"), "v": snn.Trace("E[0:5].v"), "raster": snn.Raster("I")}
CASES = {
    "plain": lambda: (balanced(1.0), noise(), WATCHED),
    "lists": lambda: (
        balanced(1.0, release=snn.TsodyksMarkram(0.3, 100.0)),
        noise(),
        WATCHED | {"u": snn.Trace("EE.release.u")},
    ),
    "matrices": lambda: (balanced(0.1, via=snn.Dense()), noise(), WATCHED),
    "listening": lambda: (balanced(1.0), noise() + Listens(), WATCHED),
    "an order of one's own": lambda: (balanced(1.0, order=Fading()), noise(), WATCHED),
    "Brian2's order, listening": lambda: (balanced(0.0, order=snn.BrianOrder()), noise() + Listens(), WATCHED),
    "every drive and probe": fed,
    "within a step": lambda: (
        chain(),
        snn.Poisson(100.0, 3.0, into="in"),
        {"counts": snn.Count("p1"), "v": snn.Trace("out.v")},
    ),
    "unreliable": lambda: (unreliable(), noise(), WATCHED),
    "learning": lambda: (learning(), noise() + snn.Modulator("reward", 1.0), learnt()),
    "learning, counted": lambda: (learning(), noise() + snn.Modulator("reward", 1.0), {"counts": snn.Count("E")}),
    "learning, listening": lambda: (learning(), noise() + Listens() + snn.Modulator("reward", 1.0), learnt()),
    "learning, Brian2's order": lambda: (learning(snn.BrianOrder()), noise() + snn.Modulator("reward", 1.0), learnt()),
}


def arrays(*trees):
    return [np.asarray(x) for x in jax.tree.leaves(trees)]


def equal(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b))


def real(p, x):
    """The places of a number of each synapse that hold one."""
    x = np.broadcast_to(x, p.graph.shape)
    return x[p.graph.real] if isinstance(p.graph, SparseGraph) else x


@eqx.filter_jit
def weights_of(names, model, state):
    seen = model.view(state)
    return {name: seen[name]["weight"] for name in names}


def end(net, model, run):
    """Spikes, and weights that learn, at the end of a run of `model`, which is `net` or its parts."""
    learn = tuple(name for name, p in net.projections.items() if p.plastic is not None)
    found = weights_of(learn, model, run.state.model)
    return run.state.spikes, {name: real(net[name], x) for name, x in found.items()}


def run(model, drive, record, steps, state=None, compiler=snn.compilers.XLA()):
    given = dict(record=record, state=state, compiler=compiler, progress=snn.progress.Quiet())
    return snn.simulate(model, drive, steps=steps, key=3, **given)


@functools.cache
def alone(name, compiler=snn.compilers.XLA()):
    """A case, and its run on one device: what is wrong on purpose is wrong in parts only, and is compared with this."""
    net, drive, record = CASES[name]()
    whole = run(net, drive, record, STEPS, compiler=compiler)
    return net, drive, record, arrays(whole.record), end(net, net, whole)


def compared(name, compiler=snn.compilers.XLA()):
    net, drive, record, records, (spikes, weights) = alone(name, compiler)
    divided = sharding.sharded(net)
    steps = functools.partial(run, divided, drive, record, compiler=compiler)
    whole = steps(STEPS)
    found, learnt = end(net, divided, whole)
    fired = equal(records + arrays(spikes), arrays(whole.record, found))
    far = lambda a, b: max((float(np.max(np.abs(a[name] - b[name]))) for name in a), default=0.0)
    same = fired and far(weights, learnt) == 0.0
    changed = (np.max(np.abs(x - real(net[name], net[name].weight))) for name, x in weights.items())
    return {
        "case": name,
        "devices": len(jax.devices()),
        "equal": same,
        "fired": fired,
        "apart": far(weights, learnt),
        "continued": same
        and equal(arrays(found, learnt), arrays(end(net, divided, steps(STEPS - FIRST, steps(FIRST))))),
        "spikes": int(sum(np.sum(x) for x in records[:1])),
        "every": divided.exchange_every,
        "moved": float(min(changed, default=0.0)),
    }


def by_c(name):
    return compared(name, snn.compilers.C(required=True))


def parts_of_all_kinds():
    """The arguments of a network of all topologies, with numbers that are drawn, given and computed."""
    places = lambda n: jax.random.uniform(jax.random.key(n), (n, 2))
    population = lambda n: snn.Population(snn.LIF(), n, positions=places(n))

    def link(pre, post, topology, **more):
        numbers = {"weight": snn.Uniform(0.1, 0.9), "delay": snn.Uniform(0.5, 1.5)}
        return snn.Connection(pre, post, topology, **(numbers | more))

    far = snn.connectivity.ByDistance(lambda d: 1.0 + d)
    learns = snn.chain(snn.PairSTDP(), snn.Bound(0.0, 1.0))
    return dict(
        dt=0.1,
        key=jax.random.key(0),
        populations={"E": population(90), "I": population(41)},
        projections={
            "probable": link("E", "E", snn.FixedProb(0.2, autapses=False)),
            "in": link("E", "I", snn.FixedInDegree(7), weight=snn.Normal(1.0, 0.2)),
            "in, once": link("E", "E", snn.FixedInDegree(7, multapses=False, autapses=False)),
            "out": link("I", "E", snn.FixedOutDegree(5)),
            "total": link("I", "E", snn.connectivity.FixedTotal(300), delay=0.7),
            "all": link("I", "I", snn.AllToAll(autapses=False), weight=0.3),
            "one": link("E", "E", snn.OneToOne()),
            "near": link("E", "I", snn.connectivity.Spatial(snn.connectivity.GaussianKernel(0.9, 0.3)), weight=far),
            "learns": link("E", "I", snn.FixedProb(0.2), rule=learns, axonal=snn.Uniform(0.0, 0.4)),
            "learns, in": link("E", "I", snn.FixedInDegree(6), rule=learns),
            "draws": link("I", "I", snn.FixedInDegree(6), release=snn.connectivity.Bernoulli(0.4)),
            "matrix": link("I", "I", snn.FixedProb(0.3), via=snn.Dense(), delay=0.5),
            "chosen": link("E[3:40]", "I", snn.FixedProb(0.3)),
            "given": link("E", "I", snn.connectivity.FromArrays([3, 2, 80], [40, 1, 0]), weight=jnp.arange(3.0)),
        },
    )


def drawn():
    """The projections that differ, drawn in parts and divided when they are built."""
    given = parts_of_all_kinds()
    divided = sharding.sharded(snn.network(**given)), sharding.sharded_network(**given)
    both = ({name: jax.tree.leaves(p) for name, p in net.parts.items()} for net in divided)
    same = jax.jit(lambda a, b: jax.tree.map(jnp.array_equal, a, b))(*both)
    return {"drawn": sorted(same), "differ": [name for name, each in same.items() if not all(map(bool, each))]}


def collectives(name):
    """Names and bytes of the collectives inside the loop over time."""
    net, drive, *_ = alone(name)
    divided = sharding.sharded(net)
    spikes = lambda model, key: snn.simulate(model, drive, steps=STEPS, key=key, record="spikes", throw=False).record
    text = jax.jit(spikes).lower(divided, jax.random.key(0)).compile().as_text()
    found = re.findall(r"= (\w+\[[\d,]*\])\S* (all-\w+|collective-\w+|reduce-scatter)\(.*op_name=\"([^\"]*)\"", text)
    return {"case": name, "in the loop": [f"{kind} {shape}" for shape, kind, where in found if "while" in where]}


def swept(name):
    """What a sweep says of an experiment with a network that is divided."""
    divided = sharding.sharded(CASES[name]()[0])
    one = lambda point, key: {"n": jnp.sum(snn.simulate(divided, steps=5, key=key, record=snn.Count("E")).record)}
    snn.sweep(one, snn.product({"seed": snn.Seeds(2)}), key=0, progress=snn.progress.Quiet())


def first_part(self, tree):
    own = lambda x: x[: self.index.n_post] if x.shape == (self.n_post,) else x
    return jax.tree.map(own, tree)


def turned(self, x, everywhere=PlasticPart.everywhere):
    return everywhere(self, x if self.number is None else jnp.roll(x, 1))


def by_place_here(law, key, places, numbers=drawing._numbers):
    return numbers(law, key, np.arange(places.size))


BROKEN = {  # what is wrong on purpose
    "numbers": (Shards, "first", lambda self, own: jnp.int32(0)),  # random numbers of other neurons
    "clocks": (PlasticPart, "here", first_part),  # clocks of other neurons
    "order": (PlasticPart, "everywhere", turned),  # weights of other synapses
    "draws": (stacking, "PartOfList", lambda *numbers: SparseGraph(*numbers[:-1])),  # draws of other synapses
    "places": (drawing, "_numbers", by_place_here),  # weights and delays of other synapses
    "late": (model, "shortest", lambda *given, shortest=model.shortest: shortest(*given) + 5),  # an exchange too late
}


@contextlib.contextmanager
def broken(kind):
    """With what is wrong on purpose, and without programs of what is right, nor the other way round afterwards."""
    jax.clear_caches()
    with mock.patch.object(*BROKEN[kind]):
        yield
    jax.clear_caches()


def answered(word):
    """`lists`, `C:lists`, or with what is wrong on purpose: `numbers:lists`, `numbers:C:lists`."""
    *kinds, name = word.split(":")
    ways = {"collectives": collectives, "swept": swept, "C": by_c, "drawn": lambda name: drawn()}
    way = next((ways[kind] for kind in (*kinds, name) if kind in ways), compared)
    with contextlib.ExitStack() as stack:
        for kind in kinds:
            if kind in BROKEN:
                stack.enter_context(broken(kind))
        try:
            return way(name)
        except (snn.SimulationError, ValueError) as error:
            return {"error": str(error)}


def main(words):
    gc.set_threshold(100_000, 20, 20)  # as in conftest.py
    if words:
        _, address, number, count = words  # --process
        jax.distributed.initialize(address, int(count), int(number))
    for word in map(str.strip, sys.stdin):
        print(json.dumps(answered(word)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
