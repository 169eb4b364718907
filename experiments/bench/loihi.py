"""Our side of `loihi`: the network of `peers/loihi_network.py` as a program for the chip, alone and as 256 programs."""

import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.chips import loihi
from jaxsnn.chips.loihi.cells import CubaCells
from jaxsnn.chips.loihi.cores import LavaCore
from jaxsnn.chips.loihi.learning.rounding import LavaRounding
from jaxsnn.chips.loihi.synapses import Synapses

from .peers import loihi_network as network

Line = dict[str, Any]


def program(synapses: Any, **registers: Any) -> snn.lowering.Program:
    """The cells, with Lava's arithmetic."""
    numbers: dict[str, Any] = dict(
        decay_u=network.DECAY_U, decay_v=network.DECAY_V, bias=network.biases(), bias_exponent=6
    )
    return loihi.program({"E": CubaCells(network.N, **numbers | registers)}, {"S": synapses}, LavaCore())


def learning_synapses(steps: int) -> Any:
    """All learn, with Lava's random numbers."""
    trace = snn.chips.loihi.LoihiTrace(network.IMPULSE, network.TAU)
    rounding = LavaRounding(network.SEED, steps)
    rule = snn.chips.loihi.LoihiRule(network.RULE, x1=trace, y1=trace, epoch=network.EPOCH, rounding=rounding)
    return snn.chips.loihi.LearningSynapses("E", "E", network.weights(), rule=rule)


def measure_loihi(compiler: Any, seconds: float, *, busy: bool = False, learning: bool = False) -> Iterator[Line]:
    """Wall time of `simulate`, its start and end included."""
    steps = round(seconds * 1000)
    synapses = learning_synapses(steps) if learning else Synapses("E", "E", network.weights())
    made = program(synapses, threshold=network.threshold(busy))

    def run() -> tuple[float, float, snn.simulation.Run]:
        wall, cpu = time.perf_counter(), time.process_time()
        out = snn.simulate(
            made,
            steps=steps,
            key=jax.random.key(0),
            record=snn.Count("E"),
            progress=snn.progress.Quiet(),
            compiler=compiler,
        )
        jax.block_until_ready(out)
        return time.perf_counter() - wall, time.process_time() - cpu, out

    first, _, _ = run()
    while True:
        wall, cpu, out = run()
        state = out.state.model
        learned = [state.synapses["S"].w] if learning else []
        line = {"steps": steps, "threads": 1, "us_per_step": wall * 1e6 / steps, "cpu_us_per_step": cpu * 1e6 / steps}
        line |= {"compile_s": first - wall, "spikes_per_step": float(jnp.sum(out.record)) / steps}
        yield line | {"fingerprint": network.fingerprint(state.cells["E"].u, state.cells["E"].v, *learned)}


def measure_loihi_batch(compiler: Any, seconds: float, programs: int = 256, threads: int = 2) -> Iterator[Line]:
    """Programs with other weights, decays and thresholds but much the same rate; the first is the network."""
    steps = round(seconds * 1000)
    weights = network.weights()

    def experiment(point: Any, key: Any) -> Line:
        synapses = Synapses("E", "E", jnp.roll(weights, point["shift"], axis=0))
        made = program(synapses, decay_u=point["decay_u"], decay_v=point["decay_v"], threshold=point["threshold"])
        run = snn.simulate(made, steps=steps, key=key, record=snn.Count("E"), compiler=compiler)
        cells = run.state.model.cells["E"]
        return {"u": cells.u, "v": cells.v, "spikes": jnp.sum(run.record), "status": run.status}

    i = np.arange(programs)
    space = {
        "shift": i,
        "decay_u": network.DECAY_U + i % 7 * 10,
        "decay_v": network.DECAY_V + i % 5 * 4,
        "threshold": network.threshold(False) + i % 9,
    }
    axes = {name: snn.Axis(int(values[0]), values=values.tolist()) for name, values in space.items()}
    while True:
        ds = snn.sweep(
            experiment, snn.zipped(axes), key=jax.random.key(0), threads=threads, progress=snn.progress.Quiet()
        )
        wall = ds.attrs["wall_s"] - ds.attrs["compile_s"]
        every = steps * programs
        line = {"steps": steps, "points": programs, "threads": threads, "us_per_step": wall * 1e6 / every}
        line |= {"compile_s": ds.attrs["compile_s"], "spikes_per_step": float(ds.spikes.mean()) / steps}
        yield line | {"fingerprint": network.fingerprint(ds.u.values[0], ds.v.values[0])}
