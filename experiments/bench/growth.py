"""`growth`: how the cost of a step grows with neurons, rate, fan-out, delays and instances, and what is kept of each.

    python -m experiments.bench growth [--most 1e6] [--repeat 3]

Every neuron fires regularly, whatever arrives: its bias sets the rate, and the weights, an array, are 0. So the axes do
not depend on each other. A line of JSON a network, with processor time a step, beyond what a call costs: the difference
of two runs; and one an axis, with the exponent fitted to it (1: twice as much costs twice as much).
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

DT, TAU, QUIET = 0.1, 1_000.0, snn.progress.Quiet()  # ms
WAYS: dict[str, Any] = {"XLA": snn.compilers.XLA(), "C": snn.compilers.C()}


class Size(NamedTuple):
    """A network and its batch."""

    neurons: int = 10_000
    rate: float = 10.0  # Hz
    fan_out: int = 100
    delays: int = 15  # steps: the longest
    instances: int = 1

    @property
    def steps(self) -> int:
        """Of the shorter of two runs: about 2 * 10^8 updates of neurons or synapses."""
        events = self.rate * 1e-3 * DT * self.fan_out
        return int(np.clip(2e8 / (self.neurons * self.instances * (1.0 + events)), 40, 20_000))


AXES: dict[str, tuple[float, ...]] = {
    "neurons": (1e3, 4e3, 1e4, 1e5, 1e6),
    "rate": (1.0, 10.0, 100.0),
    "fan_out": (10, 100, 1_000, 10_000),
    "delays": (1, 15, 500),
    "instances": (1, 16, 256, 1_024),
}
BASE = {"neurons": Size(fan_out=80), "instances": Size(neurons=1_000)}


def network(size: Size, delay: Any = None) -> snn.Network:
    """Neurons that fire at `size.rate`, out of phase. `delay`: other delays than those of `size`."""
    interval = 1e3 / size.rate
    bias = 1.0 / -math.expm1(-interval / TAU)  # what takes the membrane from 0 to 1 in that time
    neuron = snn.LIF(tau=TAU, v_th=1.0, v_reset=0.0, bias=bias)
    phase = lambda key: -bias * jnp.expm1(-interval * jax.random.uniform(key, (size.neurons,)) / TAU)
    cells = snn.Population(neuron, size.neurons, {"in": snn.Exponential(5.0)}, init={"v": phase})
    if delay is None:
        delay = DT if size.delays == 1 else snn.Uniform(DT, size.delays * DT)
    nothing = lambda key, shape: jnp.zeros(shape)
    link = snn.Connection("E", "E", snn.FixedOutDegree(size.fan_out), weight=nothing, delay=delay)
    return snn.network(dt=DT, key=jax.random.key(0), populations={"E": cells}, projections={"EE": link})


def run_of(net: snn.Network, size: Size, compiler: Any) -> Callable[[int], int]:
    """A run of so many steps, which gives the number of spikes."""
    record = snn.Count("E")
    if size.instances == 1:
        once = lambda steps: snn.simulate(
            net, steps=steps, key=jax.random.key(1), record=record, compiler=compiler, progress=QUIET
        )
        return lambda steps: int(np.sum(np.asarray(once(steps).record)))
    programs: dict[int, Any] = {}

    def batch(steps: int) -> int:
        if steps not in programs:
            one = lambda net, key: jnp.sum(
                snn.simulate(net, steps=steps, key=key, record=record, compiler=compiler).record
            )
            programs[steps] = jax.jit(jax.vmap(one, (None, 0)))
        return int(np.sum(programs[steps](net, jax.random.split(jax.random.key(1), size.instances))))

    return batch


def measured(size: Size, way: str, repeat: int) -> dict[str, Any]:
    """Processor time a step, and bytes."""
    net, steps = network(size), size.steps
    run = run_of(net, size, WAYS[way])
    spikes = run(steps), run(3 * steps)  # compiled
    times = []
    for _ in range(repeat):
        marks = [time.process_time()]
        for count in (steps, 3 * steps):
            run(count)
            marks.append(time.process_time())
        times.append((marks[2] - 2 * marks[1] + marks[0]) / (2 * steps))
    us = statistics.median(times) * 1e6 / size.instances
    bytes_of = lambda tree: sum(x.nbytes for x in jax.tree.leaves(tree) if hasattr(x, "nbytes") and x.size > 1)
    rate = (spikes[1] - spikes[0]) / (2 * steps * DT * 1e-3 * size.neurons * size.instances)
    return size._asdict() | {
        "compiler": way,
        "cpu_us_per_step": round(us, 3),
        "ns_per_neuron": round(us * 1e3 / size.neurons, 4),
        "measured_rate": round(rate, 2),
        "bytes_per_synapse": round(bytes_of(net.projections) / (size.neurons * size.fan_out), 2),
        "state_bytes_per_neuron": round(bytes_of(net.init(key=jax.random.key(0)).populations) / size.neurons, 2),
    }


def exponent(axis: str, lines: list[dict[str, Any]]) -> float:
    """Of the time of all instances, by least squares in logarithms."""
    x = np.log([line[axis] for line in lines])
    y = np.log([line["cpu_us_per_step"] * line["instances"] for line in lines])
    return round(float(np.polyfit(x, y, 1)[0]), 3)


def lines(most: float, repeat: int) -> Iterator[dict[str, Any]]:
    for way in WAYS:
        for axis, values in AXES.items():
            found = []
            for value in values:
                size = BASE.get(axis, Size())._replace(**{axis: value if axis == "rate" else int(value)})
                if size.neurons * size.fan_out <= 100 * most:
                    found.append(measured(size, way, repeat))
                    yield {"workload": "growth", "axis": axis} | found[-1]
            yield {"workload": "growth", "axis": axis, "compiler": way, "exponent": exponent(axis, found)}


def main(arguments: list[str], told: Callable[[dict[str, Any]], None]) -> None:
    """`python -m experiments.bench growth`"""
    parser = argparse.ArgumentParser(prog="python -m experiments.bench growth", description=__doc__)
    parser.add_argument("--most", type=float, default=1e6, help="a hundredth of the largest number of synapses")
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args(arguments)
    if hasattr(os, "sched_setaffinity"):  # one thread: on two, XLA splits work of microseconds
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for line in lines(given.most, given.repeat):
        told(line)
