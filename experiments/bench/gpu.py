"""`gpu`: what `accelerator` predicts, measured on a card that is here, in at most eight minutes."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn.connectivity.batch import Delivery, for_a_batch
from jaxsnn.connectivity.ring import Ring

from .ahead.__main__ import counts
from .ahead.programs import Size, program
from .ahead.reading import loops
from .ahead.targets import TARGETS

MINUTES = 8.0
NAMES = ("sparse", "brunel", "cuba", "plasticity", "loihi", "train", "cuba-64", "chunk")
FEW, MANY = 499, 4990  # steps; what is left of a difference is the loop alone


def delivered(size: int = 8, senders: int = 256, row: int = 100) -> str:
    """Whether lists are delivered exactly, against NumPy: weights are eighths, whose sums are exact in any order."""
    rng, ring = np.random.default_rng(0), Ring(20, 300)
    start = np.arange(senders + 1, dtype=np.int32) * row
    place = rng.integers(0, ring.size, (size, senders * row)).astype(np.int32)
    weight = (rng.integers(-40, 41, place.shape) / 8).astype(np.float32)
    spikes = (rng.random((size, senders)) < 0.05).astype(np.float32)
    words = np.packbits(spikes.astype(bool), axis=1, bitorder="little").view(np.uint32)
    empty, slot = jnp.zeros((size, ring.size)), jnp.zeros(1, jnp.int32)
    put = jnp.asarray
    given = Delivery(empty, put(spikes), put(words), slot, put(start[None]), put(place), put(weight))
    found = jax.jit(lambda given: for_a_batch(given, size, ring=ring, width=row))(given)
    expected = np.zeros((size, ring.size))
    for b in range(size):
        np.add.at(expected[b], place[b], np.repeat(spikes[b], row) * weight[b])
    return "exact" if np.array_equal(found, expected) else f"wrong by {np.max(np.abs(found - expected)):g}"


def same_spikes(name: str, device: Any, cpu: Any, points: int) -> dict[str, Any]:
    """What some points come to in 20 ms (spikes, of `cuba` their rate, of `plasticity` all changes of weights), summed,
    here and on the CPU.
    """
    totals = [np.asarray(program(name, [d], Size(points, 200)).run()[0][0]) for d in (device, cpu)]
    apart = np.abs(totals[0].astype(float) - totals[1]) / np.maximum(totals[1], 1.0)
    return {"found": float(totals[0].sum()), "on_cpu": float(totals[1].sum()), "apart": float(apart.max())}


def same_in_chunks(device: Any, cpu: Any, points: int) -> dict[str, Any]:
    """The same of `chunk`, two kernels of 100 steps, and of `cuba` by steps on the CPU: a rate of 4 000 neurons."""
    found = np.asarray(program("chunk", [device], Size(points, 2)).run()[0][0])
    rate = np.asarray(program("cuba", [cpu], Size(points, 200)).run()[0][0])
    expected = np.round(rate.astype(float) * 4000 * 0.02)
    apart = float(np.max(np.abs(found - expected) / np.maximum(expected, 1.0)))
    return {"found": float(found.sum()), "on_cpu": float(expected.sum()), "apart": apart}


def seconds(run: Callable[[], Any], repeat: int = 3) -> float:
    """The shortest of some runs, after one that compiles."""
    run()
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return min(times)


def measured(name: str, device: Any, points: int | None, steps: tuple[int, int]) -> dict[str, Any]:
    """Microseconds a step of all points, without what is done once; beside it the prediction for an H100."""
    made = program(name, [device], Size(points, steps[0]))
    short = seconds(made.run)
    if name == "train":
        return {"seconds": short, "us_per_step": short * 1e6 / made.steps}
    long = seconds(program(name, [device], Size(points, steps[1])).run)
    kernels = [k for loop in loops(made.lowered.compile().as_text() or "", steps[0]) for k in loop]
    line = counts(kernels, made.events, made.large, TARGETS["h100"])
    return {
        "points": made.points,
        "us_per_step": (long - short) * 1e6 / (steps[1] - steps[0]) / made.each,
        "once_s": short - (long - short) * steps[0] / (steps[1] - steps[0]),
        "predicted_us": line["predicted_us"] / made.each,
        "kernels": line["kernels"] / made.each,
    }


def main(arguments: list[str], told: Callable[[dict[str, Any]], None]) -> None:
    """`python -m experiments.bench gpu [--rehearse]`: correctness first, then speed; a JSON line each."""
    parser = argparse.ArgumentParser(prog="python -m experiments.bench gpu", description=__doc__)
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, with two points and few steps")
    parser.add_argument("--out", type=Path, help="a file for all lines, as JSON")
    given = parser.parse_args(arguments)
    cpu, device = jax.devices("cpu")[0], jax.devices()[0]
    if device.platform == "cpu" and not given.rehearse:
        raise SystemExit("There is no accelerator here; expected one, or --rehearse for the same on the CPU.")
    begin, lines = time.monotonic(), []
    points, steps = (2, (49, 98)) if given.rehearse else (None, (FEW, MANY))

    def tell(workload: str, line: dict[str, Any]) -> None:
        rounded = {k: round(x, 6) if isinstance(x, float) else x for k, x in line.items()}
        lines.append({"workload": f"gpu-{workload}", "subject": device.device_kind} | rounded)
        (print if given.rehearse else told)(lines[-1])

    tell("delivery", {"delivery": delivered()})
    # the chip's integers are equal, the others' floats round otherwise; three networks learn by a kernel, two densely
    for name, few in {"loihi": 2, "sparse": 2, "brunel": 2, "cuba": 2, "plasticity": 3}.items():
        tell(f"{name}-correct", same_spikes(name, device, cpu, few))
    tell("chunk-correct", same_in_chunks(device, cpu, 2))
    for name in NAMES:
        if time.monotonic() - begin > 60.0 * (MINUTES - 1.0):
            print(f"no time is left for {', '.join(NAMES[NAMES.index(name) :])}", file=sys.stderr)
            break
        turns = (steps[0] // 49, steps[1] // 49) if name == "chunk" else steps  # each of many steps
        tell(name, measured(name, device, points, turns))
    if given.out is not None:
        given.out.write_text(json.dumps(lines, indent=1) + "\n")
