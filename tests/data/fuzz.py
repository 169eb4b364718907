"""Random damage to every kind of file that is read: `python -m tests.data.fuzz [--minutes 10] [--kinds .bin .h5]`.

Each input is a golden file with some bytes changed, cut, doubled, moved or taken from another, or its numbers replaced
by extreme ones. Readers run in a process of its own with bounded memory; whatever is neither a result nor a
`FileError`, what takes longer than five seconds, and what ends the process, is printed with the seed that makes it.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parents[1] / "golden"
KINDS = {path.name: path for folder in ("events", "data") for path in sorted((GOLDEN / folder).iterdir())}
KINDS = {name: path for name, path in KINDS.items() if path.suffix not in (".npz", ".npy", ".json", ".parquet")}
EXTREME = [0, 1, 0x7F, 0x80, 0xFF, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 10**9, 2**63 - 1, 2**64 - 1]
ROOM, SECONDS, BATCH = 3 * 2**30, 5.0, 400


def damaged(whole, rng, others):
    """One input."""
    data = np.frombuffer(whole, np.uint8).copy()
    for _ in range(rng.integers(1, 4)):
        if not len(data):
            break
        at, kind = int(rng.integers(0, len(data))), rng.integers(0, 7)
        if rng.random() < 0.5:
            at = min(at, int(rng.integers(0, 256)))  # headers are short
        if kind == 0:
            data[rng.integers(0, len(data), rng.integers(1, 9))] ^= np.uint8(1 << rng.integers(0, 8))
        elif kind == 1:
            data = data[:at]
        elif kind == 2:
            size = int(rng.choice([1, 2, 4, 8]))
            number = np.frombuffer(np.uint64(rng.choice(np.array(EXTREME, np.uint64))).tobytes()[:size], np.uint8)
            number = number[::-1] if rng.random() < 0.3 else number
            data[at : at + size] = number[: len(data) - at]
        elif kind == 3:
            data = np.concatenate([data[:at], data[at // 2 :]])
        elif kind == 4:
            data = np.delete(data, slice(at, at + int(rng.integers(1, 20))))
        elif kind == 5:
            other = np.frombuffer(others[rng.integers(0, len(others))], np.uint8)
            data = np.concatenate([data[:at], other[int(rng.integers(0, len(other))) :]])
        else:
            data[at : at + 16] = rng.integers(0, 256, len(data[at : at + 16]))
    return data.tobytes()


def reader(name):
    """What reads a kind of file, to its end."""
    from jaxsnn import data

    if name.endswith(".h5"):
        return lambda path: [*data.read_shd(path)]
    found = {".nwb": data.read_nwb, ".csv": data.read_spikes}.get(Path(name).suffix)
    if found is None and "idx" in name:
        found = data.read_idx
    return found or (lambda path: data.to_frames(data.read_events(path, filters=[data.Denoise(1.0)]), 50.0, steps=2))


def work(name, first, last):
    """Inputs of some seeds; a line on stdout for each that begins, and for each that went wrong."""
    from jaxsnn.files import FileError

    read, whole = reader(name), KINDS[name].read_bytes()
    others = [path.read_bytes() for path in KINDS.values()]
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + ROOM, held + ROOM))
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, last):
            path = Path(folder) / f"{seed}_{name}"
            path.write_bytes(damaged(whole, np.random.default_rng([seed, len(whole)]), others))
            print(seed, end=" ", flush=True)
            begin, outcome = time.perf_counter(), "read"
            try:
                read(path)
            except FileError:
                outcome = "refused"
            except Exception as error:
                outcome = f"{type(error).__name__}: {str(error)[:200]}"
            seconds = time.perf_counter() - begin
            print(json.dumps([outcome, round(seconds, 2)]), flush=True)
            path.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--kinds", nargs="*", default=[""], help="parts of names")
    parser.add_argument("--work", nargs=3)
    options = parser.parse_args()
    if options.work:
        return work(options.work[0], *map(int, options.work[1:]))
    kinds = [name for name in KINDS if any(part in name for part in options.kinds)]
    end, first, totals, wrong = time.time() + 60 * options.minutes, 0, {}, []
    while time.time() < end:
        for name in kinds:
            command = [sys.executable, "-m", "tests.data.fuzz", "--work", name, str(first), str(first + BATCH)]
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, timeout=600, cwd=Path(__file__).parents[2]
                )
                out, code = done.stdout, done.returncode
            except subprocess.TimeoutExpired as error:
                out, code = (error.stdout or b"").decode(), "hang"
            lines = out.strip().split("\n")
            if code:
                wrong.append([name, lines[-1].split()[0], f"the process ended with {code}"])
            for line in lines:
                seed, _, answer = line.partition(" ")
                if not answer:
                    continue
                outcome, seconds = json.loads(answer)
                outcome = outcome if outcome in ("read", "refused") else "wrong"
                totals[outcome] = totals.get(outcome, 0) + 1
                if outcome == "wrong" or seconds > SECONDS:
                    wrong.append([name, seed, *json.loads(answer)])
        first += BATCH
    print(json.dumps({"kinds": len(kinds), "inputs": sum(totals.values()), **totals, "wrong": wrong[:40]}, indent=1))


if __name__ == "__main__":
    main()
