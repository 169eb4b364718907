"""Random networks and damaged ones, for every importer: `python -m tests.interop.fuzz --kind nir --minutes 20`.

Each input is made from its seed alone. It has to become a network that runs two steps, in a finite state or with a
status that says what is not, or one sentence of the library. Whatever else is raised, takes longer than 20 s of a core,
needs more than 2 GiB, or ends the process, is printed with its seed; `--seed` makes it again, with its traceback.
"""

import argparse
import collections
import importlib
import json
import os
import resource
import selectors
import subprocess
import sys
import time
from pathlib import Path

from tests.interop.fuzz.outcomes import GOOD, outcome_of

ROOT = Path(__file__).parents[3]
KINDS = {"nir": "graphs", "nir-file": "files", "brian2": "descriptions", "brian2-live": "brian", "pynn": "scripts"}
ROOM, SECONDS, BATCH = 2 * 2**30, 20.0, 150


def work(kind, first, last):
    """Inputs of some seeds; a line on stdout for each that begins, and for each that ended."""
    maker = importlib.import_module(f"tests.interop.fuzz.{KINDS[kind]}")
    outcome_of(maker.tried, 0, maker.ERRORS)  # what is imported and compiled once
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + 2 * ROOM, held + 2 * ROOM))
    for seed in range(first, last):
        print(seed, end=" ", flush=True)
        before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        outcome = outcome_of(maker.tried, seed, maker.ERRORS)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        if grown > ROOM // 2 and outcome in GOOD:
            outcome = f"memory: {grown / 2**30:.1f} GiB and {outcome}"
        print(json.dumps([outcome, round(time.process_time() - begin, 2)]), flush=True)


def seconds_of(pid):
    """What a process has had of a core, s."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def batch(kind, first, last, end):
    """The lines of a worker, and the seed in which it ended or was ended, with the reason."""
    command = [sys.executable, "-m", "tests.interop.fuzz", "--kind", kind, "--work", str(first), str(last)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        waiting, text, since = selectors.DefaultSelector(), b"", 0.0
        waiting.register(process.stdout, selectors.EVENT_READ)
        while True:
            if waiting.select(timeout=1.0):
                if not (new := os.read(process.stdout.fileno(), 1 << 16)):
                    break
                text, since = text + new, seconds_of(process.pid)
            elif text and seconds_of(process.pid) - since > SECONDS:
                process.kill()
                return text.decode(), "hang"
            if time.time() > end:
                process.kill()
                return text.decode(), None
    return text.decode(), None if process.returncode == 0 else f"ended with {process.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--work", nargs=2, type=int)
    options = parser.parse_args()
    if options.work:
        return work(options.kind, *options.work)
    if options.seed is not None:
        return print(importlib.import_module(f"tests.interop.fuzz.{KINDS[options.kind]}").tried(options.seed))
    end, first = time.time() + 60 * options.minutes, options.first
    totals, wrong, slowest = collections.Counter(), collections.defaultdict(list), 0.0
    while time.time() < end:
        text, fault = batch(options.kind, first, first + BATCH, end)
        lines = [line.partition(" ") for line in text.splitlines()]
        for seed, _, answer in lines:
            if not answer.startswith("["):
                continue
            outcome, seconds = json.loads(answer)
            slowest = max(slowest, seconds)
            totals[outcome if outcome in GOOD else "memory" if outcome.startswith("memory") else "wrong"] += 1
            if outcome not in GOOD:
                wrong[outcome].append(int(seed))
        if fault is not None:
            totals[fault] += 1
            wrong[fault].append(int(lines[-1][0] or first) if lines else first)
            first = int(lines[-1][0] or first) + 1 if lines else first + BATCH
        else:
            first += BATCH
    report = {"kind": options.kind, "inputs": totals.total(), **totals, "slowest s": slowest, "faults": wrong}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
