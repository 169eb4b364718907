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
from jaxsnn.networks import sharding
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
            "in-out": link("in", "out", None),
        },
    )


def noise():
    return snn.Poisson(3000.0, 0.9, into="E.exc") + snn.Poisson(3000.0, 0.9, into="I.exc")


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
        {"counts": snn.Count("p1"), "v": snn.Trace("out.v")},
    ),
}


def arrays(*trees):
    return [np.asarray(x) for x in jax.tree.leaves(trees)]


def equal(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b))


def compared(name):
    net, drive, record = CASES[name]()
    run = lambda model, steps, state=None: snn.simulate(
        model, drive, steps=steps, key=3, record=record, state=state, progress=snn.progress.Quiet()
    )
    alone, divided = run(net, STEPS), sharding.sharded(net)
    whole = run(divided, STEPS)
    second = run(divided, STEPS - FIRST, run(divided, FIRST))
    return {
        "case": name,
        "devices": len(jax.devices()),
        "equal": equal(arrays(alone.record, alone.state.spikes), arrays(whole.record, whole.state.spikes)),
        "continued": equal(arrays(whole.state.spikes), arrays(second.state.spikes)),
        "spikes": int(sum(np.sum(x) for x in arrays(alone.record)[:1])),
        "every": divided.exchange_every,
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
    """What is wrong on purpose: neurons with the numbers of other ones, or an exchange that comes too late."""
    kept = Shards.first, sharding.model.shortest
    if what == "numbers":
        Shards.first = lambda self, own: jnp.int32(0)
    else:
        sharding.model.shortest = lambda net: kept[1](net) + 5
    yield
    Shards.first, sharding.model.shortest = kept


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
        elif kind in ("numbers", "late"):
            with broken(kind):
                try:
                    print(json.dumps(compared(name) | {"broken": kind}), flush=True)
                except snn.SimulationError as error:
                    print(json.dumps({"broken": kind, "error": str(error)}))
        else:
            print(json.dumps(compared(kind)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
