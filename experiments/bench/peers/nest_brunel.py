"""brunel-sweep in NEST: the network of tests/oracles/nest_brunel.py at points (g, eta), one JSON line per repeat.

2500 neurons, in-degree 1000 + 250, delay 1.5 ms, dt 0.1 ms, iaf_psc_delta. --processes worker processes, already
started, of --threads threads take the points in turn. `seconds` is the wall time of all points, making the networks
included; `us_per_step` is seconds / (points * steps); `loop_us_per_step` is the mean of nest.Run. Made for NEST 3.10:

    python experiments/bench/peers/nest_brunel.py --seconds 1 --points 3:2,5:2,6:4,4.5:0.9 [--processes 2 --threads 1]
"""

import argparse
import json
import multiprocessing
import os
import time

os.environ.setdefault("PYNEST_QUIET", "1")
import nest
import numpy as np


def run_point(job):
    """Build and run one point; return (seconds of nest.Run, spikes)."""
    seed, (g, eta), seconds, threads = job
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.set(resolution=0.1, local_num_threads=threads, rng_seed=seed)
    params = {"C_m": 1.0, "tau_m": 20.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 10.0, "t_ref": 2.0}
    cells = nest.Create("iaf_psc_delta", 2500, params=params)
    cells.V_m = np.random.default_rng(seed).uniform(0.0, 20.0, 2500)
    for pre, indegree, weight in ((cells[:2000], 1000, 0.1), (cells[2000:], 250, -0.1 * g)):
        nest.Connect(pre, cells, {"rule": "fixed_indegree", "indegree": indegree}, {"weight": weight, "delay": 1.5})
    source = nest.Create("poisson_generator", params={"rate": 1000 * 10.0 * eta})  # nu_thr is 10 Hz
    nest.Connect(source, cells, syn_spec={"weight": 0.1, "delay": 1.5})
    nest.Prepare()
    start = time.perf_counter()
    nest.Run(seconds * 1e3)
    ran = time.perf_counter() - start
    nest.Cleanup()
    return ran, nest.local_spike_counter


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0, help="model time of a point")
    parser.add_argument("--points", default="3:2,6:4,5:2,4.5:0.9", help="g:eta,g:eta,...")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="threads of one process")
    parser.add_argument("--on-request", action="store_true", help="wait for a line of standard input before each run")
    args = parser.parse_args()
    points = [tuple(map(float, p.split(":"))) for p in args.points.split(",")]
    steps = round(args.seconds / 1e-4)
    jobs = [(i + 1, p, args.seconds, args.threads) for i, p in enumerate(points)]
    with multiprocessing.get_context("spawn").Pool(args.processes) as pool:
        pool.map(run_point, [(1, (5.0, 0.1), 0.001, args.threads)] * args.processes, chunksize=1)  # start the workers
        for _ in range(args.repeat):
            if args.on_request:
                input()
            start = time.perf_counter()
            done = pool.map(run_point, jobs, chunksize=1)
            seconds = time.perf_counter() - start
            line = {
                "workload": "brunel-sweep",
                "subject": "nest",
                "version": nest.__version__,
                "points": len(points),
                "steps": steps,
            }
            line |= {
                "processes": args.processes,
                "threads": args.threads,
                "compile_s": 0.0,
                "seconds": round(seconds, 3),
            }
            line |= {"us_per_step": round(seconds * 1e6 / steps / len(points), 3)}
            line |= {"loop_us_per_step": round(float(np.mean([d[0] for d in done])) * 1e6 / steps, 3)}
            print(json.dumps(line | {"rates_hz": [round(d[1] / 2500 / args.seconds, 3) for d in done]}), flush=True)


if __name__ == "__main__":
    main()
