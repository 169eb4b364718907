"""CUBA-4k (Brette et al. 2007, Brian2's examples/CUBA.py) in Brian2 C++ standalone: one JSON line per repeat.

4000 neurons, p = 0.02, dt 0.1 ms, exact integration, delay 0, default compile flags, spikes only counted.
`us_per_step` is the wall time of the run loop, taken by two inserted lines; `cpu_us_per_step` is the device's own
`_last_run_time`, which with one thread is processor time, so that a busy machine does not show in it. Outside are
compiling (`compile_s`) and making synapses and initial values (`build_s`, with the start of the process).

With --sweep P: P points whose weights are scaled by 0.99 .. 1.01, each with a graph of its own (Brian2 draws a fresh
seed at every start), the binary run in --processes processes at a time. `seconds` is the wall time of all points
including their building, `us_per_step` is seconds / (points * steps), `loop_us_per_step` the mean of the loops alone.

Made for Brian2 2.9 in its own environment (brian2, numpy<2.4, a C++ compiler):

    python experiments/bench/peers/brian2_cuba.py --seconds 10 --repeat 3 --threads 1 [--sweep 16 --processes 2]
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


def build(seconds, threads, sweep, directory):
    """Compile the model once; return the seconds that took."""
    start = time.perf_counter()
    b2.set_device("cpp_standalone", build_on_run=False, directory=None)
    b2.prefs.devices.cpp_standalone.openmp_threads = 0 if threads == 1 else threads
    b2.defaultclock.dt = 0.1 * ms
    if not sweep:
        b2.seed(1)
    eqs = """dv/dt = (ge + gi - (v + 49*mV))/(20*ms) : volt (unless refractory)
             dge/dt = -ge/(5*ms) : volt
             dgi/dt = -gi/(10*ms) : volt"""
    eqs, factor = (eqs + "\nscale : 1 (shared, constant)", "scale_post*") if sweep else (eqs, "")
    cells = b2.NeuronGroup(4000, eqs, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="exact")
    cells.v = "-60*mV + rand()*10*mV"
    if sweep:
        cells.scale = 1.0
        b2.device.apply_run_args()
    exc = b2.Synapses(cells[:3200], cells, on_pre=f"ge += {factor}1.62*mV")
    inh = b2.Synapses(cells[3200:], cells, on_pre=f"gi -= {factor}9*mV")
    exc.connect(p=0.02)
    inh.connect(p=0.02)
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


def run_once(job):
    """Run the compiled binary; return (wall seconds of its loop, Brian2's own seconds, spikes)."""
    index, scale = job
    args = {} if scale is None else {PARTS["cells"].scale: scale}
    b2.device.run(results_directory=f"results_{index}", run_args=args)
    wall = float((pathlib.Path(b2.device.project_dir) / f"results_{index}" / "wall").read_text())
    return wall, b2.device._last_run_time, int(PARTS["count"].num_spikes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0, help="model time")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="OpenMP threads of one binary")
    parser.add_argument("--sweep", type=int, default=0, help="points of the sweep; 0: one network")
    parser.add_argument("--processes", type=int, default=2, help="binaries at a time in a sweep")
    parser.add_argument("--on-request", action="store_true", help="wait for a line of standard input before each run")
    args = parser.parse_args()
    steps = round(args.seconds / 1e-4)
    with tempfile.TemporaryDirectory() as directory:
        compile_s = build(args.seconds, args.threads, args.sweep, directory)
        scales = list(enumerate(np.linspace(0.99, 1.01, args.sweep))) if args.sweep else [(0, None)]
        for _ in range(args.repeat):
            if args.on_request:
                input()
            start = time.perf_counter()
            if args.sweep:
                with multiprocessing.get_context("fork").Pool(args.processes) as pool:
                    done = pool.map(run_once, scales, chunksize=1)
            else:
                done = [run_once(scales[0])]
            seconds = time.perf_counter() - start
            loop, own, spikes = zip(*done, strict=True)
            rates = [round(s / 4000 / args.seconds, 3) for s in spikes]
            line = {"subject": "brian2", "version": b2.__version__, "steps": steps, "threads": args.threads}
            line |= {"cpu_us_per_step": round(float(np.mean(own)) * 1e6 / steps, 3)}
            line |= {"compile_s": round(compile_s, 2), "rate_hz": round(float(np.mean(rates)), 3)}
            if args.sweep:
                line |= {"workload": "cuba-sweep", "points": args.sweep, "processes": args.processes, "rates_hz": rates}
                line |= {"seconds": round(seconds, 3), "us_per_step": round(seconds * 1e6 / steps / args.sweep, 3)}
                line |= {"loop_us_per_step": round(float(np.mean(loop)) * 1e6 / steps, 3)}
            else:
                line |= {"workload": "cuba", "us_per_step": round(loop[0] * 1e6 / steps, 3)}
                line |= {"build_s": round(seconds - loop[0], 3)}
            print(json.dumps(line), flush=True)
        os.chdir(os.path.dirname(directory))


if __name__ == "__main__":
    main()
