"""The workload `train`, for the scripts beside it: 1 024 spike trains into Linear and LIF of 1 024 units, forward and
backward. Batch 16, 500 steps, 5 % of the inputs fire, weights N(0, 1/1 024), a membrane that keeps 0.95 a step.

The loss is the cross-entropy of the spike counts. All arrays are made by NumPy from one seed, so that every subject is
given the same. `seconds` is the wall time of a gradient that is there when the clock stops.
"""

import argparse
import json
import time

import numpy as np

UNITS, BATCH, STEPS, BETA, THRESHOLD = 1024, 16, 500, 0.95, 1.0


def data():
    """Input (steps, batch, units), weights (in, out), labels (batch,)."""
    rng = np.random.default_rng(0)
    x = (rng.random((STEPS, BATCH, UNITS), np.float32) < 0.05).astype(np.float32)
    weight = rng.standard_normal((UNITS, UNITS), np.float32) / np.float32(UNITS**0.5)
    return x, weight, np.arange(BATCH)


def measure(subject, version, gradient):
    """A JSON line a run of `gradient()`, which returns the loss and the size of the gradient as numbers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, help="(of other workloads)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--on-request", action="store_true", help="wait for a line of standard input before each run")
    args = parser.parse_args()
    begin = time.perf_counter()
    gradient()
    first = time.perf_counter() - begin
    gradient()
    for _ in range(args.repeat):
        if args.on_request:
            input()
        wall, cpu = time.perf_counter(), time.process_time()
        loss, size = gradient()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        out = {"workload": "train", "subject": subject, "version": version, "seconds": round(wall, 4)}
        out |= {"steps": STEPS, "us_per_step": round(wall * 1e6 / STEPS, 3)}
        out |= {"cpu_us_per_step": round(cpu * 1e6 / STEPS, 3), "first_s": round(first, 2)}
        print(json.dumps(out | {"loss": round(loss, 4), "gradient": round(size, 5)}), flush=True)
