"""Our side of `cores`: one large network on one core, and on two devices of the host, a core each."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

import jaxsnn as snn

from .growth import DT, Size, network

Line = dict[str, Any]
SIZES = {  # steps are about half a second's
    "cores-100k": (Size(neurons=100_000, fan_out=100, rate=10.0), 1_000),
    "cores-400k": (Size(neurons=400_000, fan_out=100, rate=5.0), 250),
    "cores-1m": (Size(neurons=1_000_000, fan_out=20, rate=5.0), 80),
}
DELAY = snn.Uniform(2.0, 6.0)  # ms: the shortest is how often devices exchange spikes
TWO = "-on-two"  # behind the name of a workload: the same, sharded


def measure_cores(compiler: snn.compilers.AbstractCompiler, name: str, seconds: float) -> Iterator[Line]:
    """A step, by the difference of two runs that record nothing; `seconds` scales their number of steps.

    The fingerprint is of the number of spikes of each neuron, in a run that is not timed: every device would count
    those of all.
    """
    size, some = SIZES[name.removesuffix(TWO)]
    steps = max(round(some * seconds), 1)
    net: Any = network(size, DELAY)
    if name.endswith(TWO):
        if len(jax.devices()) != 2:
            raise SystemExit(f"Got {len(jax.devices())} devices, expected two: see VARIABLES of the bench.")
        net = snn.networks.sharded(net)

    def run(count: int, record: Any = None) -> snn.simulation.Run:
        given = dict(record=record, compiler=compiler, progress=snn.progress.Quiet())
        return jax.block_until_ready(snn.simulate(net, steps=count, key=jax.random.key(1), **given))

    begin = time.perf_counter()
    run(steps), run(3 * steps)
    first = time.perf_counter() - begin
    counts = np.asarray(run(3 * steps, snn.Count("E")).record)
    while True:
        wall, cpu = [time.perf_counter()], [time.process_time()]
        for count in (steps, 3 * steps):
            run(count)
            wall.append(time.perf_counter())
            cpu.append(time.process_time())
        us = lambda marks: (marks[2] - 2 * marks[1] + marks[0]) * 1e6 / (2 * steps)
        line = {"neurons": size.neurons, "synapses": size.neurons * size.fan_out, "steps": 3 * steps}
        line |= {"devices": len(jax.devices()), "us_per_step": us(wall), "cpu_us_per_step": us(cpu)}
        line |= {"first_s": first, "rate_hz": float(counts.mean()) / (3 * steps * DT * 1e-3)}
        yield line | {"fingerprint": zlib.crc32(counts.astype(np.int32).tobytes())}
