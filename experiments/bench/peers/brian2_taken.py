"""CUBA (Brette et al. 2007, Brian2's examples/CUBA.py) as one Brian2 `Network` with a given graph and start.

    python experiments/bench/peers/brian2_taken.py describe FILE     the network, for jaxsnn's `from_brian2`
    python experiments/bench/peers/brian2_taken.py spikes FILE       its spikes at three time constants, in C++
    python experiments/bench/peers/brian2_taken.py run --seconds 0.2 --repeat 3 [--processes 2]

4000 neurons, p = 0.02, dt 0.1 ms, exact integration, delay 0, float64. `run`: `POINTS` membrane time constants, of a
C++ program that is compiled once (`compile_s`) and started for each point, `--processes` at a time: the fastest way
that Brian2 2.9 has, with spikes only counted. `seconds` is the wall time of all points, each of which reads the graph
anew; `loop_us_per_step` is the mean of the loops alone.

Needs Brian2 and, for `describe`, jaxsnn in one environment, and a C++ compiler.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import pathlib
import tempfile
import time

import brian2 as b2
import numpy as np
from brian2 import ms, mV

POINTS = np.linspace(15.0, 25.0, 32)  # ms
CHECKED = (0, 16, 31)
PARTS = {}  # what forked workers inherit


def network(record):
    """The network and its monitor. Graph and membranes are drawn by NumPy, so that every device has the same."""
    rng = np.random.default_rng(7)
    b2.defaultclock.dt = 0.1 * ms
    names = {"taue": 5 * ms, "taui": 10 * ms, "Vt": -50 * mV, "Vr": -60 * mV, "El": -49 * mV}
    P = b2.NeuronGroup(
        4000,
        """dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
        dge/dt = -ge/taue : volt
        dgi/dt = -gi/taui : volt
        taum : second (shared, constant)""",
        threshold="v > Vt", reset="v = Vr", refractory=5 * ms, method="exact", name="P", namespace=names,
    )  # fmt: skip
    P.v, P.taum = rng.uniform(-60.0, -50.0, 4000) * mV, 20 * ms
    synapses = []
    for name, first, last, code in (("Ce", 0, 3200, "ge += 1.62*mV"), ("Ci", 3200, 4000, "gi -= 9*mV")):
        S = b2.Synapses(P, P, on_pre=code, name=name)
        pre, post = np.nonzero(rng.random((last - first, 4000)) < 0.02)
        S.connect(i=pre + first, j=post)
        synapses.append(S)
    spikes = b2.SpikeMonitor(P, record=record, name="spikes")
    return b2.Network(P, *synapses, spikes), P, spikes


def build(seconds, directory, record):
    """Compile the C++ program; return the seconds that took."""
    start = time.perf_counter()
    b2.set_device("cpp_standalone", build_on_run=False, directory=None)
    b2.prefs.devices.cpp_standalone.openmp_threads = 0
    net, group, spikes = network(record)
    b2.prefs.codegen.cpp.headers += ["<chrono>"]
    b2.device.insert_code("before_network_run", "auto wall_start = std::chrono::steady_clock::now();")
    b2.device.insert_code(
        "after_network_run",
        'std::ofstream(brian::results_dir + "wall") << std::chrono::duration<double>('
        "std::chrono::steady_clock::now() - wall_start).count();",
    )
    b2.device.apply_run_args()
    net.run(seconds * b2.second)
    b2.device.build(directory=directory, compile=True, run=False)
    PARTS.update(net=net, group=group, spikes=spikes)
    return time.perf_counter() - start


def run_once(index):
    """One point: the wall seconds of its loop, and its spikes of every neuron."""
    b2.device.run(results_directory=f"results_{index}", run_args={PARTS["group"].taum: POINTS[index] * ms})
    wall = float((pathlib.Path(b2.device.project_dir) / f"results_{index}" / "wall").read_text())
    return wall, np.asarray(PARTS["spikes"].count[:]).astype(np.int64)


def fingerprint(counts):
    return hashlib.sha256(np.ascontiguousarray(counts, np.int64).tobytes()).hexdigest()[:16]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=("describe", "spikes", "run"))
    parser.add_argument("file", nargs="?")
    parser.add_argument("--seconds", type=float, default=0.2, help="model time")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2, help="programs at a time")
    parser.add_argument("--on-request", action="store_true", help="wait for a line of standard input before each run")
    parser.add_argument("--network", help="of the other side; not read here")
    args = parser.parse_args()
    if args.task == "describe":
        from jaxsnn.interop import describe_brian2, store_brian2

        b2.prefs.codegen.target = "numpy"
        store_brian2(describe_brian2(network(True)[0], namespace={}), args.file)
        return
    with tempfile.TemporaryDirectory() as directory:
        compile_s = build(args.seconds, directory, args.task == "spikes")
        if args.task == "spikes":
            found = {}
            for index in CHECKED:
                run_once(index)
                found[f"step_{index}"] = np.round(np.asarray(PARTS["spikes"].t[:] / (0.1 * ms))).astype(np.int32)
                found[f"neuron_{index}"] = np.asarray(PARTS["spikes"].i[:], np.int32)
            np.savez(args.file, taum=POINTS[list(CHECKED)], **found)
        for _ in range(args.repeat if args.task == "run" else 0):
            if args.on_request:
                input()
            start = time.perf_counter()
            with multiprocessing.get_context("fork").Pool(args.processes) as pool:
                walls, counts = zip(*pool.map(run_once, range(len(POINTS)), chunksize=1), strict=True)
            seconds, steps = time.perf_counter() - start, round(args.seconds / 1e-4)
            line = {"subject": "brian2", "version": b2.__version__, "steps": steps, "points": len(POINTS)}
            line |= {"processes": args.processes, "seconds": round(seconds, 3), "compile_s": round(compile_s, 2)}
            line |= {"us_per_step": round(seconds * 1e6 / steps / len(POINTS), 3)}
            line |= {"loop_us_per_step": round(float(np.mean(walls)) * 1e6 / steps, 3)}
            rates = [round(float(x.sum()) / 4000 / args.seconds, 3) for x in counts]
            print(json.dumps(line | {"rates_hz": rates, "fingerprint": fingerprint(np.stack(counts))}), flush=True)
        os.chdir(os.path.dirname(directory))


if __name__ == "__main__":
    main()
