"""brunel-sweep in Brian2 C++ standalone: the network of tests/oracles/nest_brunel.py at points (g, eta); JSON lines.

2500 neurons, in-degree 1000 + 250, delay 1.5 ms, dt 0.1 ms. Compiled once with g and the external rate as parameters
(`run_args`), then the binary is run for each point, --processes at a time, with one graph and a fresh seed each.
The external input is a Poisson count a neuron and step (as PoissonInput, whose rate cannot be a parameter). `seconds`
is the wall time of all points, making the synapses included and compiling (`compile_s`) not; `us_per_step` is seconds /
(points * steps); `loop_us_per_step` is the mean wall time of the run loop alone, and `cpu_us_per_step` the
device's own `_last_run_time`, which is processor time. Made for Brian2 2.9:

    python experiments/bench/peers/brian2_brunel.py --seconds 1 --points 3:2,5:2,6:4,4.5:0.9 [--processes 2 --repeat 1]
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import tempfile
import time

import brian2 as b2
import numpy as np
from brian2 import ms

PARTS = {}  # what forked workers inherit: the built device's groups


def build(seconds, directory):
    """Compile the model once; return the seconds that took."""
    start = time.perf_counter()
    b2.set_device("cpp_standalone", build_on_run=False, directory=None)
    b2.defaultclock.dt = 0.1 * ms
    eqs = """dv/dt = -v/(20*ms) : 1 (unless refractory)
             g : 1 (shared, constant)
             arrivals : 1 (shared, constant)"""
    cells = b2.NeuronGroup(2500, eqs, threshold="v > 20", reset="v = 10", refractory=2.1 * ms, method="exact")
    cells.v = "20*rand()"
    cells.g, cells.arrivals = 5.0, 2.0
    b2.device.apply_run_args()
    cells.run_regularly("v += 0.1*poisson(arrivals)", when="synapses")
    rng = np.random.default_rng(1)
    exc = b2.Synapses(cells[:2000], cells, on_pre="v += 0.1", delay=1.5 * ms)
    inh = b2.Synapses(cells[2000:], cells, on_pre="v -= 0.1*g_post", delay=1.5 * ms)
    for link, n, indegree in ((exc, 2000, 1000), (inh, 500, 250)):
        link.connect(i=rng.integers(0, n, 2500 * indegree), j=np.repeat(np.arange(2500), indegree))
    count = b2.SpikeMonitor(cells, record=False)
    b2.prefs.codegen.cpp.headers += ["<chrono>"]
    b2.device.insert_code("before_network_run", "auto wall_start = std::chrono::steady_clock::now();")
    b2.device.insert_code(
        "after_network_run",
        'std::ofstream(brian::results_dir + "wall") << std::chrono::duration<double>('
        "std::chrono::steady_clock::now() - wall_start).count();",
    )
    b2.run(seconds * b2.second)
    b2.device.build(directory=directory, compile=True, run=False)
    PARTS.update(cells=cells, exc=exc, inh=inh, count=count)
    return time.perf_counter() - start


def run_point(job):
    """Run the compiled binary at one point; return (wall seconds of its loop, Brian2's own seconds, spikes)."""
    index, (g, eta) = job
    args = {PARTS["cells"].g: g, PARTS["cells"].arrivals: eta}  # nu_thr C_E dt = 10 Hz * 1000 * 0.1 ms = 1 spike a step
    b2.device.run(results_directory=f"results_{index}", run_args=args)
    wall = float((pathlib.Path(b2.device.project_dir) / f"results_{index}" / "wall").read_text())
    return wall, b2.device._last_run_time, int(PARTS["count"].num_spikes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0, help="model time of a point")
    parser.add_argument("--points", default="3:2,6:4,5:2,4.5:0.9", help="g:eta,g:eta,...")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--on-request", action="store_true", help="wait for a line of standard input before each run")
    args = parser.parse_args()
    points = [tuple(map(float, p.split(":"))) for p in args.points.split(",")]
    steps = round(args.seconds / 1e-4)
    with tempfile.TemporaryDirectory() as directory:
        compile_s = build(args.seconds, directory)
        for _ in range(args.repeat):
            if args.on_request:
                input()
            start = time.perf_counter()
            with multiprocessing.get_context("fork").Pool(args.processes) as pool:
                done = pool.map(run_point, list(enumerate(points)), chunksize=1)
            seconds = time.perf_counter() - start
            loop, own, spikes = zip(*done, strict=True)
            line = {
                "workload": "brunel-sweep",
                "subject": "brian2",
                "version": b2.__version__,
                "points": len(points),
                "steps": steps,
            }
            line |= {"processes": args.processes, "compile_s": round(compile_s, 2), "seconds": round(seconds, 3)}
            line |= {"us_per_step": round(seconds * 1e6 / steps / len(points), 3)}
            line |= {"cpu_us_per_step": round(float(np.mean(own)) * 1e6 / steps, 3)}
            line |= {"loop_us_per_step": round(float(np.mean(loop)) * 1e6 / steps, 3)}
            print(json.dumps(line | {"rates_hz": [round(s / 2500 / args.seconds, 3) for s in spikes]}), flush=True)
        os.chdir(os.path.dirname(directory))


if __name__ == "__main__":
    main()
