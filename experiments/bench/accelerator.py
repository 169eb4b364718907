"""`accelerator`: what a step costs on a GPU or TPU that is not there, by the program that is compiled for it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .ahead.targets import TARGETS
from .environments import python_of

ROOT = Path(__file__).parents[2]
LEARNING = ("plasticity", "plasticity-large", "plasticity-one", "song", "song-one", "train")
PROGRAMS = {  # by target
    "h100": (
        *("sparse", "sparse-one-graph", "sparse-in-order", "brunel", "brunel-one-graph", "cuba", "loihi", *LEARNING),
        *("cuba-64", "cuba-132", "chunk", "chunk-132"),
    ),
    "v5e": ("sparse", "sparse-sharded", "network-sharded", "brunel", "cuba", "loihi", *LEARNING),
}
COLUMNS = {  # of the table: name of a number, and its format
    "kernels": "g",
    "written_MB": ".2f",
    "moved_MB": ".2f",
    "needed_MB": ".2f",
    "copies": "g",
    "collectives": "g",
    "temp_MB_a_point": ".2f",
    "lower_cpu_s": ".1f",
    "compile_cpu_s": ".1f",
    "predicted_us": ".1f",
}


def lines(python: Path, target: str, programs: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The counts of each program, compiled in another environment."""
    command = [str(python), "-m", "experiments.bench.ahead", target, *programs]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            yield json.loads(line)
    if process.wait() != 0:
        raise SystemExit(f"Compiling for {target} ended with code {process.returncode}; see above.")


def table(found: list[dict[str, Any]]) -> str:
    """The counts as a table in Markdown."""
    rows = [("program", *COLUMNS), ("---",) * (1 + len(COLUMNS))]
    rows += [(line["program"], *(f"{line[name]:{form}}" for name, form in COLUMNS.items())) for line in found]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(arguments: list[str], told: Callable[[dict[str, Any]], None]) -> None:
    """`python -m experiments.bench accelerator [--target h100|v5e] [PROGRAM ...]`"""
    parser = argparse.ArgumentParser(prog="python -m experiments.bench accelerator", description=__doc__)
    parser.add_argument("program", nargs="*", help=f"of {', '.join(dict.fromkeys(sum(PROGRAMS.values(), ())))}")
    parser.add_argument("--target", choices=TARGETS, default="h100")
    given = parser.parse_args(arguments)
    known = PROGRAMS[given.target]
    for name in given.program:
        if name not in known:
            parser.error(f"Got program {name!r}, expected some of {', '.join(known)}.")
    found = []
    for line in lines(python_of(given.target), given.target, given.program or known):
        told({"workload": f"accelerator-{line['program']}", "subject": given.target} | line)
        found.append(line)
    print(table(found), file=sys.stderr)
