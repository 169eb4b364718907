"""Compiles programs ahead of time for a device that is not there, and prints a JSON line for each.

    python -m experiments.bench.ahead h100 PROGRAM ... [--texts FOLDER] [--kernels]

It runs in an environment that has the compiler of the device: `python -m experiments.bench accelerator` makes one.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .reading import COLLECTIVES, Kernel, loops
from .resources import dumped_to, resources
from .targets import TARGETS, Target


def counts(kernels: list[Kernel], events: float, large: float, target: Target) -> dict[str, Any]:
    """What a step costs on a device: its kernels, and bytes besides those of spikes."""
    number = sum(kernel.times for kernel in kernels)
    read, written = (sum(k.times * getattr(k, way) for k in kernels) for way in ("read", "written"))
    moved = read + written + (events if any(kernel.spiking for kernel in kernels) else 0.0)
    return {
        "kernels": number,
        "written_MB": written / 1e6,
        "moved_MB": moved / 1e6,
        "copies": sum(k.times for k in kernels if k.written >= large and not k.spiking),
        "collectives": sum(k.times for k in kernels if COLLECTIVES.match(k.operation.kind)),
        "predicted_us": (moved / target.bandwidth + number * target.launch) * 1e6,
    }


def compiled(name: str, target: Target, devices: list[Any], texts: Path | None, listed: bool) -> dict[str, Any]:
    """A program, compiled and counted."""
    from .programs import program as made

    begin = time.process_time(), time.perf_counter()
    program = made(name, devices)
    lowered = time.process_time(), time.perf_counter()
    executable = program.lowered.compile()
    end = time.process_time(), time.perf_counter()
    text = executable.as_text() or ""
    if texts is not None:
        (texts / f"{name}.txt").write_text(text)
    kernels = [kernel for loop in loops(text, program.steps) for kernel in loop]
    for kernel in kernels if listed else []:
        operation = kernel.operation
        print(f"{kernel.times:3d} x {kernel.read:12.0f} {kernel.written:12.0f}  {operation.name}", file=sys.stderr)
    line = counts(kernels, program.events, program.large, target)
    memory = executable.memory_analysis()
    line |= {"needed_MB": (program.state + program.events) / 1e6}
    line = {what: number / program.each if program.each > 1 else number for what, number in line.items()}
    line |= {"points": program.points}
    line |= {"temp_MB_a_point": getattr(memory, "temp_size_in_bytes", 0) / program.points / 1e6}
    line |= {"lower_s": lowered[1] - begin[1], "compile_s": end[1] - lowered[1]}
    line |= {"lower_cpu_s": lowered[0] - begin[0], "compile_cpu_s": end[0] - lowered[0]}
    return {name: round(x, 3) if isinstance(x, float) else x for name, x in line.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.bench.ahead")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("program", nargs="+")
    parser.add_argument("--texts", type=Path, help="a folder for the texts of the compiled programs")
    parser.add_argument("--kernels", action="store_true", help="list what every kernel of the loop reads and writes")
    arguments = parser.parse_args()
    target = TARGETS[arguments.target]
    target.prepare()
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) if any(name.startswith("chunk") for name in arguments.program) else None
        if dump is not None:
            dumped_to(dump)
        devices = target.devices()
        for name in arguments.program:
            line = compiled(name, target, devices, arguments.texts, arguments.kernels)
            if dump is not None and name.startswith("chunk"):
                line |= resources(dump, "chunk", line["points"])
            print(json.dumps({"target": arguments.target, "program": name} | line), flush=True)


if __name__ == "__main__":
    main()
