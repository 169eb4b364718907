"""A Brian2 network as a C++ program that says how long its loop took; shared by the scripts beside it."""

import json
import os
import pathlib
import tempfile
import time

import brian2 as b2


def start():
    """A device of its own, to be built by `measure`."""
    b2.set_device("cpp_standalone", build_on_run=False, directory=None)
    b2.prefs.devices.cpp_standalone.openmp_threads = 0
    b2.prefs.codegen.cpp.headers += ["<chrono>"]
    b2.device.insert_code("before_network_run", "auto wall_start = std::chrono::steady_clock::now();")
    b2.device.insert_code(
        "after_network_run",
        'std::ofstream(brian::results_dir + "wall") << std::chrono::duration<double>('
        "std::chrono::steady_clock::now() - wall_start).count();",
    )


def measure(args, steps, line, read):
    """Build the network that has been made and run; then a JSON line a run: `line` and what `read()` says of it."""
    with tempfile.TemporaryDirectory() as directory:
        begin = time.perf_counter()
        b2.device.build(directory=directory, compile=True, run=False)
        compile_s = time.perf_counter() - begin
        for _ in range(args.repeat):
            if args.on_request:
                input()
            b2.device.run(results_directory="results")
            wall = float((pathlib.Path(b2.device.project_dir) / "results" / "wall").read_text())
            out = {"subject": "brian2", "version": b2.__version__, "steps": steps, "threads": 1, **line}
            out |= {"us_per_step": round(wall * 1e6 / steps, 3), "compile_s": round(compile_s, 2)}
            out |= {"cpu_us_per_step": round(b2.device._last_run_time * 1e6 / steps, 3), **read()}
            print(json.dumps(out), flush=True)
        os.chdir(os.path.dirname(directory))
