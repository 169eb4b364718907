"""Reading files of events, beside the packages that read them: `python -m experiments.bench.events [--events 3000000]`.

Files are made on the spot, in a temporary folder; each reader is a process of its own, asked in turn (ours, peer, peer,
ours, ...). A line a file and reader: seconds (the median of `--repeat` rounds), events, and the ratio to ours; `agrees`
says whether the sums of t, x, y and p are ours. `--memory` streams a file larger than its limit instead, and prints the
most memory that was held.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from .environments import python_of

PEERS = {  # the reader of a peer, by the kind of file
    "nmnist": ("tonic",),
    "many-nmnist": ("tonic",),
    "rasters": ("tonic",),  # many files of N-MNIST as booleans in bins of 1 ms
    "aedat2": ("tonic",),
    "aedat3": ("tonic",),
    "dat": ("expelliarmus", "faery"),
    "evt2": ("expelliarmus", "faery", "evlib"),
    "evt3": ("faery", "evlib"),
    "evt3-vectors": ("faery", "evlib"),
    "aedat4": ("dv", "tonic", "faery"),
}
PERCENT = b"%% format EVT%d;height=720;width=1280\n%% geometry 1280x720\n%% evt %d.0\n%% end\n"


def write(kind, path, n):
    """A file of n events, about a million a second, but for AEDAT 4, which a peer writes."""
    rng = np.random.default_rng(1)
    t = np.sort(rng.integers(0, n, n))
    x, y, p = rng.integers(0, 128, n), rng.integers(0, 128, n), rng.integers(0, 2, n)
    if kind in ("nmnist", "many-nmnist", "rasters"):
        t = t * (2**23 - 1) // n
        entries = np.stack([x % 34, y % 34, p << 7 | t >> 16, t >> 8 & 255, t & 255], 1).astype(np.uint8)
        if kind == "nmnist":
            return path.write_bytes(entries.tobytes())
        path.mkdir()
        return [
            (path / f"{i:05}.bin").write_bytes(part.tobytes()) for i, part in enumerate(np.array_split(entries, 700))
        ]
    if kind == "aedat2":
        body = np.stack([x << 1 | y << 8 | p, t], 1).astype(">u4").tobytes()
        return path.write_bytes(b"#!AER-DAT2.0\r\n" + body)
    if kind == "aedat3":
        words = np.stack([x << 17 | y << 2 | p << 1 | 1, t], 1).astype("<u4")
        packets = []
        for part in np.array_split(words, max(1, n // 4000)):
            packets += [np.array([1, 8, 4, 0, *[len(part)] * 3], "<u4").tobytes(), part.tobytes()]
        return path.write_bytes(b"#!AER-DAT3.1\r\n#Format: RAW\r\n#!END-HEADER\r\n" + b"".join(packets))
    if kind == "dat":
        body = np.stack([t, x | y << 14 | p << 28], 1).astype("<u4").tobytes()
        return path.write_bytes(b"% Data file\n% Version 2\n% Height 720\n% Width 1280\n\x0c\x08" + body)
    if kind == "evt2":
        words = [p << 28 | (t & 63) << 22 | x << 11 | y, 8 << 28 | (t >> 6)]
        return path.write_bytes(PERCENT % (2, 2) + _with_clock(words[0], words[1], t >> 6, "<u4"))
    words = [2 << 12 | p << 11 | x] if kind == "evt3" else [3 << 12 | p << 11 | x]
    if kind == "evt3-vectors":
        words += [
            4 << 12 | rng.integers(0, 4096, n),
            4 << 12 | rng.integers(0, 4096, n),
            5 << 12 | rng.integers(0, 256, n),
        ]
    rows = np.stack([6 << 12 | t % 4096, y, *words], 1)
    return path.write_bytes(PERCENT % (3, 3) + _with_clock(rows, 8 << 12 | (t >> 12) % 4096, t >> 12, "<u2"))


def _with_clock(rows, highs, clock, dtype):
    """The words of each event, with a word of time before the first event of each reading of the clock."""
    rows = rows.reshape(len(clock), -1)
    new = np.flatnonzero(np.diff(clock, prepend=-1))
    return np.insert(rows.ravel(), new * rows.shape[1], highs[new]).astype(dtype).tobytes()


class Reader:
    """A process that reads a file when it is asked to."""

    def __init__(self, name):
        script = Path(__file__).parent / "peers" / "event_files.py"
        python = sys.executable if name == "jaxsnn" else python_of("events")
        command = [str(python), str(script), name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin is not None and self.process.stdout is not None
        self.questions, self.answers = self.process.stdin, self.process.stdout

    def __call__(self, *question):
        self.questions.write(json.dumps(question) + "\n")
        self.questions.flush()
        return json.loads(self.answers.readline() or "null")

    def close(self):
        self.questions.close()
        self.process.wait()


def compare(kind, folder, n, repeat):
    """Lines of all readers of a kind of file."""
    path = folder / kind
    readers = {name: Reader(name) for name in ("jaxsnn", *PEERS[kind])}
    suffix = {"nmnist": ".bin", "many-nmnist": "", "rasters": "", "dat": ".dat", "aedat4": ".aedat4"}
    path = path.with_name(kind + suffix.get(kind, ".aedat" if kind.startswith("aedat") else ".raw"))
    if kind == "aedat4":
        readers["dv"]("write", str(path), n)
    else:
        write(kind, path, n)
    found = {name: [] for name in readers}
    for _ in range(repeat + 1):
        for name in (*readers, *reversed(readers)):
            found[name].append(readers[name]("read", str(path), kind))
    for reader in readers.values():
        reader.close()
    ours = statistics.median(seconds for seconds, _ in found["jaxsnn"][2:])
    for name, answers in found.items():
        seconds = statistics.median(seconds for seconds, _ in answers[2:])
        yield {
            "workload": kind, "subject": name, "seconds": round(seconds, 4), "events": answers[-1][1][0],
            "ratio_to_jaxsnn": round(seconds / ours, 2), "agrees": answers[-1][1] == found["jaxsnn"][-1][1],
        }  # fmt: skip


def memory(folder, n):
    """The most memory held while a file is streamed into rasters of bits, and the size of the file."""
    path = folder / "large.raw"
    write("evt3", path, n)
    reader = Reader("jaxsnn")
    begin = time.perf_counter()
    before, most, rows, events = reader("stream", str(path))
    yield {
        "file_mb": path.stat().st_size >> 20, "events": events, "bins": rows, "mb_before": before,
        "mb_more": most - before, "seconds": round(time.perf_counter() - begin, 2),
    }  # fmt: skip
    reader.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=[*PEERS], help=", ".join(PEERS))
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for kind in ["memory"] if options.memory else options.kinds:
            lines = (
                memory(Path(folder), options.events)
                if options.memory
                else compare(kind, Path(folder), options.events, options.repeat)
            )
            for line in lines:
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
