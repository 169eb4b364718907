"""Readers of event files, for `python -m experiments.bench.events`: `event_files.py NAME`, then questions on stdin.

A question is a JSON list on a line, the answer another one: `["read", path, kind]` gives seconds and the number of
events with the sums of their t, x, y and p; `["write", path, n]` writes a file of AEDAT 4 (dv); `["stream", path]`
gives MB before and at most, bins and events (jaxsnn).
"""

import json
import re
import sys
import time
from pathlib import Path


def jaxsnn(kind):
    import numpy as np

    from jaxsnn.data import read_events, to_raster

    def one(path):
        events = read_events(path)
        return events.t, events.x, events.y, events.p

    def frames(path):
        return (np.asarray(to_raster(read_events(path), 1.0)),)

    return frames if kind == "rasters" else one


def tonic(kind):
    import tonic

    def columns(events):
        return events["t"], events["x"], events["y"], events["p"]

    if kind == "rasters":
        framed = tonic.transforms.ToFrame(sensor_size=(34, 34, 2), time_window=1000, include_incomplete=True)
        read_one = lambda path: framed(tonic.io.read_mnist_file(path, dtype=tonic.io.events_struct))
        return lambda path: ((read_one(path) != 0).reshape(-1, 2312),)
    if kind.endswith("nmnist"):
        return lambda path: columns(tonic.io.read_mnist_file(path, dtype=tonic.io.events_struct))
    if kind == "aedat4":
        return lambda path: columns(dict(zip(("t", "x", "y", "p"), _on(tonic.io.read_aedat4(path)))))
    header = tonic.io.read_aedat_header_from_file
    tonic.io.read_aedat_header_from_file = lambda path: header(path)[:2]  # Tonic 1.7.0 expects two values of three
    read = tonic.io.read_dvs_128 if kind == "aedat2" else tonic.io.read_dvs_ibm

    def turned(path):
        t, x, y, p = columns(read(path)[1])
        return (t, y, x, p) if kind == "aedat2" else (t, x, y, p)

    return turned


def _on(events):
    return events["t"], events["x"], events["y"], events["on"]


def expelliarmus(kind):
    from expelliarmus import Wizard

    wizard = Wizard(encoding=kind)

    def one(path):
        events = wizard.read(path)
        return events["t"], events["x"], events["y"], events["p"]

    return one


def faery(kind):
    import faery
    import numpy as np

    def one(path):
        if kind == "dat":
            with faery.dat.Decoder(path, None, None) as decoder:
                parts = [*decoder]
        elif kind == "aedat4":
            with faery.aedat.Decoder(path) as decoder:
                parts = [packet for _, packet in decoder if isinstance(packet, np.ndarray)]
        else:
            with faery.evt.Decoder(path, None, None) as decoder:
                parts = [packet["events"] for packet in decoder if "events" in packet]
        events = np.concatenate(parts)
        polarity = next(name for name in ("payload", "p", "on") if name in (events.dtype.names or ()))
        return events["t"], events["x"], events["y"], events[polarity]

    return one


def evlib(kind):
    import evlib

    def one(path):
        frame = evlib.load_events(path, sort=False).collect()
        t = frame["t"].dt.total_microseconds().to_numpy()
        return t, frame["x"].to_numpy(), frame["y"].to_numpy(), frame["polarity"].to_numpy() > 0

    return one


def dv(kind):
    import dv_processing
    import numpy as np

    def one(path):
        reader, parts = dv_processing.io.MonoCameraRecording(path), []
        while reader.isRunning():
            if (batch := reader.getNextEventBatch()) is not None:
                parts.append(batch.numpy())
        events = np.concatenate(parts)
        return events["timestamp"], events["x"], events["y"], events["polarity"]

    return one


def write(path, n):
    import dv_processing
    import numpy as np

    rng = np.random.default_rng(1)
    config = dv_processing.io.MonoCameraWriter.EventOnlyConfig("camera", (128, 128))
    writer = dv_processing.io.MonoCameraWriter(path, config)
    for begin in range(0, n, 10_000):
        store = dv_processing.EventStore()
        size = min(10_000, n - begin)
        t = np.sort(rng.integers(begin, begin + size, size)) + 1_700_000_000_000_000
        x, y, p = (rng.integers(0, most, size) for most in (128, 128, 2))
        for event in zip(t.tolist(), x.tolist(), y.tolist(), p.astype(bool).tolist()):
            store.push_back(*event)
        writer.writeEvents(store)


def stream(path):
    from jaxsnn.data import stream_events, stream_rasters

    most = lambda: int(re.findall(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[0]) >> 10
    before, rows, events = most(), 0, 0

    def counted():
        nonlocal events
        for piece in stream_events(path):
            events += len(piece)
            yield piece

    for block in stream_rasters(counted(), 1.0, block=50):
        rows += len(block.words)
    return before, most(), rows, events


def main():
    name, readers = sys.argv[1], {}
    for line in sys.stdin:
        what, path, *rest = json.loads(line)
        if what == "read":
            read = readers[rest[0]] = readers.get(rest[0]) or globals()[name](rest[0])
            begin = time.perf_counter()
            if Path(path).is_dir():
                parts = [read(str(each)) for each in sorted(Path(path).iterdir())]
                seconds, count = time.perf_counter() - begin, sum(len(part[0]) for part in parts)
                sums = [sum(int(part[i].sum(dtype="int64")) for part in parts) for i in range(len(parts[0]))]
            else:
                columns = read(path)
                seconds, count = time.perf_counter() - begin, len(columns[0])
                sums = [int(column.astype("int64").sum()) for column in columns]
            answer = [seconds, [count, *sums]]
        else:
            answer = write(path, *rest) if what == "write" else stream(path)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
