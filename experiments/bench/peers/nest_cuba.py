"""CUBA-4k (the network of brian2_cuba.py, delay 0.1 ms) in NEST, iaf_psc_exp: one JSON line per repeat.

`us_per_step` is the wall time of nest.Run; making the network (`build_s`) is outside. With --sweep P: P points whose
weights are scaled by 0.99 .. 1.01, each with a seed of its own, in --processes worker processes that are already
started; `seconds` is the wall time of all points including their building. Made for NEST 3.10 in its own environment:

    python experiments/bench/peers/nest_cuba.py --seconds 10 --repeat 3 --threads 2 [--sweep 16 --processes 2]
"""

import argparse
import json
import multiprocessing
import os
import time

os.environ.setdefault("PYNEST_QUIET", "1")
import nest
import numpy as np


def run_once(job):
    """Build and run one network; return (seconds of building, seconds of running, spikes)."""
    seed, scale, seconds, threads = job
    start = time.perf_counter()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.set(resolution=0.1, local_num_threads=threads, rng_seed=seed)
    params = {
        "C_m": 200.0,
        "tau_m": 20.0,
        "E_L": -49.0,
        "V_th": -50.0,
        "V_reset": -60.0,
        "t_ref": 5.0,
        "tau_syn_ex": 5.0,
        "tau_syn_in": 10.0,
    }
    cells = nest.Create("iaf_psc_exp", 4000, params=params)
    cells.V_m = np.random.default_rng(seed).uniform(-60.0, -50.0, 4000)
    rule = {"rule": "pairwise_bernoulli", "p": 0.02}
    nest.Connect(cells[:3200], cells, rule, {"weight": 16.2 * scale, "delay": 0.1})
    nest.Connect(cells[3200:], cells, rule, {"weight": -90.0 * scale, "delay": 0.1})
    nest.Prepare()
    built = time.perf_counter()
    nest.Run(seconds * 1e3)
    ran = time.perf_counter()
    nest.Cleanup()
    return built - start, ran - built, nest.local_spike_counter


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0, help="model time")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sweep", type=int, default=0, help="points of the sweep; 0: one network")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--on-request", action="store_true", help="wait for a line of standard input before each run")
    args = parser.parse_args()
    steps = round(args.seconds / 1e-4)
    line = {"subject": "nest", "version": nest.__version__, "steps": steps, "threads": args.threads, "compile_s": 0.0}
    if not args.sweep:
        for _ in range(args.repeat):
            if args.on_request:
                input()
            build_s, run_s, spikes = run_once((1, 1.0, args.seconds, args.threads))
            rate = round(spikes / 4000 / args.seconds, 3)
            out = {
                "workload": "cuba",
                "build_s": round(build_s, 3),
                "us_per_step": round(run_s * 1e6 / steps, 3),
                "rate_hz": rate,
            }
            print(json.dumps(line | out), flush=True)
        return
    jobs = [(i + 1, s, args.seconds, args.threads) for i, s in enumerate(np.linspace(0.99, 1.01, args.sweep))]
    with multiprocessing.get_context("spawn").Pool(args.processes) as pool:
        pool.map(run_once, [(1, 1.0, 0.001, args.threads)] * args.processes, chunksize=1)  # start the workers
        for _ in range(args.repeat):
            if args.on_request:
                input()
            start = time.perf_counter()
            done = pool.map(run_once, jobs, chunksize=1)
            seconds = time.perf_counter() - start
            rates = [round(d[2] / 4000 / args.seconds, 3) for d in done]
            out = {
                "workload": "cuba-sweep",
                "points": args.sweep,
                "processes": args.processes,
                "seconds": round(seconds, 3),
            }
            out |= {"us_per_step": round(seconds * 1e6 / steps / args.sweep, 3), "rates_hz": rates}
            out |= {"rate_hz": round(float(np.mean(rates)), 3)}
            out |= {"loop_us_per_step": round(float(np.mean([d[1] for d in done])) * 1e6 / steps, 3)}
            print(json.dumps(line | out), flush=True)


if __name__ == "__main__":
    main()
