"""One network on several devices, compared with the same on one: `python -m tests.networks.on_devices CASE ...`.

`XLA_FLAGS` says how many devices this process has; with `--process ADDRESS NUMBER COUNT` it is one of
several, each with as many. Prints a line of JSON a case: whether what was recorded is equal to the bit, and how much
there was.
"""

import contextlib
import json
import re
import sys

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.connectivity.graph import SparseGraph
from jaxsnn.networks import sharding
from jaxsnn.networks.sharding.learning import PlasticPart
from jaxsnn.networks.shards import Shards

STEPS, FIRST = 150, 61


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
            "in-out": link("in", "out", None, rule=snn.chain(snn.PairSTDP(0.1, 0.12), snn.Bound(0.0, 1.0))),
            "in-out-drawn": link("in", "out", None, release=snn.connectivity.Bernoulli(0.5)),
        },
    )


def drawing():
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


def noise():
    return snn.Poisson(3000.0, 0.9, into="E.exc") + snn.Poisson(3000.0, 0.9, into="I.exc")


def learnt():
    """Spikes, weights at the end, and other numbers of synapses on the way."""
    return {
        "counts": snn.Count("E"),
        **{name: snn.Last(f"{name}.weight") for name in ("differ", "scaled", "rewarded", "normal")},
        "scaled at": snn.Snapshots("scaled.scaled_at", every=4.0, index=range(50)),
        "eligibility": snn.Trace("rewarded[0:50].eligibility"),
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
    "within a step": lambda: (
        chain(),
        snn.Poisson(100.0, 3.0, into="in"),
        {"counts": snn.Count("p1"), "v": snn.Trace("out.v"), "in-out": snn.Last("in-out.weight")},
    ),
    "drawing": lambda: (drawing(), noise(), WATCHED),
    "learning": lambda: (learning(), noise() + snn.Modulator("reward", 1.0), learnt()),
    "learning, listening": lambda: (learning(), noise() + Listens() + snn.Modulator("reward", 1.0), learnt()),
    "learning, Brian2's order": lambda: (learning(snn.BrianOrder()), noise() + snn.Modulator("reward", 1.0), learnt()),
}


def arrays(*trees):
    return [np.asarray(x) for x in jax.tree.leaves(trees)]


def equal(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b))


def weights(net, record):
    """The weights at the end of a record, without the places of lists that hold no synapse."""
    real = lambda p: p.graph.real if isinstance(p.graph, SparseGraph) else ...
    return {name: np.asarray(x)[real(net[name])] for name, x in record.items() if name in net.projections}


def compared(name):
    net, drive, record = CASES[name]()
    run = lambda model, steps, state=None: snn.simulate(
        model, drive, steps=steps, key=3, record=record, state=state, progress=snn.progress.Quiet()
    )
    alone, divided = run(net, STEPS), sharding.sharded(net)
    whole = run(divided, STEPS)
    second = run(divided, STEPS - FIRST, run(divided, FIRST))
    seen = lambda run: {name: x for name, x in run.record.items() if name not in net.projections}
    end = lambda run: arrays(run.state.spikes, weights(net, run.record))
    start = weights(net, {name: p.weight for name, p in net.projections.items() if p.weight.ndim})
    moved = [np.max(np.abs(x - start[name])) for name, x in weights(net, alone.record).items() if name in start]
    return {
        "case": name,
        "devices": len(jax.devices()),
        "equal": equal(arrays(seen(alone)) + end(alone), arrays(seen(whole)) + end(whole)),
        "continued": equal(end(whole), end(second)),
        "spikes": int(sum(np.sum(x) for x in arrays(alone.record)[:1])),
        "every": divided.exchange_every,
        "moved": float(min(moved, default=0.0)),
    }


def collectives(name):
    """Names and bytes of the collectives inside the loop over time."""
    net, drive, _ = CASES[name]()
    divided = sharding.sharded(net)
    run = lambda model, key: snn.simulate(model, drive, steps=STEPS, key=key, record="spikes", throw=False).record
    text = jax.jit(run).lower(divided, jax.random.key(0)).compile().as_text()
    found = re.findall(r"= (\w+\[[\d,]*\])\S* (all-\w+|collective-\w+|reduce-scatter)\(.*op_name=\"([^\"]*)\"", text)
    return {"case": name, "in the loop": [f"{kind} {shape}" for shape, kind, where in found if "while" in where]}


def swept(name):
    """What a sweep says of an experiment with a network that is divided."""
    divided = sharding.sharded(CASES[name]()[0])
    one = lambda point, key: {"n": jnp.sum(snn.simulate(divided, steps=5, key=key, record=snn.Count("E")).record)}
    try:
        snn.sweep(one, snn.product({"seed": snn.Seeds(2)}), key=0, progress=snn.progress.Quiet())
    except ValueError as error:
        return {"error": str(error)}


@contextlib.contextmanager
def broken(what):
    """What is wrong on purpose: neurons with the numbers of other ones, clocks of other neurons, draws of other
    synapses, synapses in another order, or an exchange that comes too late.
    """
    kept = Shards.first, sharding.model.shortest, PlasticPart.here, PlasticPart.everywhere
    whole = sharding.splitting.PartOfList
    if what == "numbers":
        Shards.first = lambda self, own: jnp.int32(0)
    elif what == "clocks":
        own = lambda self, x: x[: self.index.n_post] if x.shape == (self.n_post,) else x
        PlasticPart.here = lambda self, tree: jax.tree.map(lambda x: own(self, x), tree)
    elif what == "draws":
        sharding.splitting.PartOfList = lambda *numbers: SparseGraph(*numbers[:-1])
    elif what == "order":
        PlasticPart.everywhere = lambda self, x: kept[3](self, x if self.number is None else jnp.roll(x, 1))
    else:
        sharding.model.shortest = lambda net: kept[1](net) + 5
    jax.clear_caches()  # of programs that are right
    yield
    Shards.first, sharding.model.shortest, PlasticPart.here, PlasticPart.everywhere = kept
    sharding.splitting.PartOfList = whole


def main(words):
    if words[0] == "--process":
        address, number, count = words[1:4]
        jax.distributed.initialize(address, int(count), int(number))
        words = words[4:]
    for word in words:
        kind, _, name = word.partition(":")
        if kind == "collectives":
            print(json.dumps(collectives(name)), flush=True)
        elif kind == "swept":
            print(json.dumps(swept(name)), flush=True)
        elif kind in ("numbers", "clocks", "draws", "order", "late"):
            with broken(kind):
                try:
                    print(json.dumps(compared(name) | {"broken": kind}), flush=True)
                except snn.SimulationError as error:
                    print(json.dumps({"broken": kind, "error": str(error)}))
        else:
            print(json.dumps(compared(kind)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
