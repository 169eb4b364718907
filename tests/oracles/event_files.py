"""Files of events and what other packages read in them, into `tests/golden/events`.

Written by dv-processing 2.0.4 (AEDAT 4), Expelliarmus 1.1.12 (DAT, EVT 2.0) and Faery 0.7.1 (EVT 2.0, EVT 3.0, DAT).
Where no package writes a format, the bytes are laid out here as its documentation says, and read by Tonic 1.7.0
(N-MNIST, AEDAT 2.0 and 3.1), Faery and evlib 0.13.2 (EVT 3.0 with vectors). Tonic's transforms of the N-MNIST file are
kept, too.

    pip install tonic==1.7.0 expelliarmus==1.1.12 faery==0.7.1 evlib==0.13.2 dv-processing==2.0.4
    python tests/oracles/event_files.py
"""

import struct
from pathlib import Path

import dv_processing as dv
import evlib
import expelliarmus
import faery
import numpy as np
import tonic

FOLDER = Path(__file__).parents[1] / "golden" / "events"
WIDTH, HEIGHT, N = 128, 96, 600
EPOCH = 1_700_000_000_000_000
rng = np.random.default_rng(16)


def random_events(n=N, width=WIDTH, height=HEIGHT, gap=40.0):
    """Times (with pauses, so that counters begin again), places and polarities."""
    t = np.cumsum(np.where(rng.random(n) < 0.004, 3e6, rng.exponential(gap, n))).astype(np.int64) + 5000
    return t, rng.integers(0, width, n), rng.integers(0, height, n), rng.integers(0, 2, n)


def structured(t, x, y, p, dtype):
    found = np.zeros(len(t), dtype)
    for name, values in zip("txyp", (t, x, y, p)):
        found[name] = values
    return found


def by_dv(events):
    for name in ("NONE", "LZ4", "ZSTD"):
        config = dv.io.MonoCameraWriter.EventOnlyConfig("camera", (WIDTH, HEIGHT))
        config.compression = getattr(dv.CompressionType, name)
        writer = dv.io.MonoCameraWriter(str(FOLDER / f"dv_{name.lower()}.aedat4"), config)
        for part in np.array_split(np.arange(N), 3):
            store = dv.EventStore()
            for i in part:
                t, x, y, p = (int(values[i]) for values in events)
                store.push_back(EPOCH + t, x, y, bool(p))
            writer.writeEvents(store)
        del writer


def by_expelliarmus(events):
    array = structured(*events, [("t", "<i8"), ("x", "<i2"), ("y", "<i2"), ("p", "u1")])
    expelliarmus.Wizard(encoding="dat").save(FOLDER / "expelliarmus.dat", array)
    expelliarmus.Wizard(encoding="evt2").save(FOLDER / "expelliarmus_evt2.raw", array)


def by_faery(events):
    array = structured(*events, faery.EVENTS_DTYPE)
    for version in ("evt2", "evt3"):
        with faery.evt.Encoder(FOLDER / f"faery_{version}.raw", version, False, (WIDTH, HEIGHT), True) as encoder:
            encoder.write({"events": array})
    array = np.zeros(N, [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("payload", "u1")])
    array["t"], array["x"], array["y"], array["payload"] = events
    with faery.dat.Encoder(FOLDER / "faery.dat", "dat2", "cd", False, (WIDTH, HEIGHT)) as encoder:
        encoder.write(array)


def evt3_words(n=250):
    """A stream with single events, vectors of 32 pixels, triggers and messages, and times that begin again once.

    As a camera does, it says every high part of the time, also where nothing happens.
    """
    words, t = [], 15_000_000
    high = t >> 12
    for _ in range(n):
        later = t + int(1e6 if rng.random() < 0.015 else rng.exponential(800))
        words += [8 << 12 | passed % 4096 for passed in range(high, (later >> 12) + 1)]
        t, high = later, later >> 12
        words += [6 << 12 | t % 4096, 0 << 12 | int(rng.integers(0, 720))]
        kind = rng.integers(0, 4)
        if kind == 0:
            words += [2 << 12 | int(rng.integers(0, 2)) << 11 | int(x) for x in rng.integers(0, 1280, 3)]
        elif kind < 3:
            words.append(3 << 12 | int(rng.integers(0, 2)) << 11 | int(rng.integers(0, 1280 - 64)))
            for _ in range(kind):
                words += [(4 << 12) | int(rng.integers(0, 4096)), (4 << 12) | int(rng.integers(0, 4096))]
                words.append(5 << 12 | int(rng.integers(0, 256)))
        else:
            words += [10 << 12 | int(rng.integers(0, 2)), 14 << 12 | 20, 15 << 12 | 7, 15 << 12 | 1, 7 << 12 | 3]
    return words


def evt3_vectors():
    path = FOLDER / "vectors_evt3.raw"
    header = b"% evt 3.0\n% format EVT3;height=720;width=1280\n% geometry 1280x720\n% end\n"
    path.write_bytes(header + np.array(evt3_words(), "<u2").tobytes())
    with faery.evt.Decoder(path, None, None) as decoder:
        parts = [packet["events"] for packet in decoder if "events" in packet]
    theirs = np.concatenate(parts)
    frame = evlib.load_events(str(path), sort=False).collect()
    t = frame["t"].dt.total_microseconds().to_numpy()
    for name, other in zip("txyp", (t, frame["x"], frame["y"], (frame["polarity"].to_numpy() > 0))):
        same = np.asarray(other).astype(np.int64) == theirs[name if name != "p" else "on"].astype(np.int64)
        print(f"evlib and Faery agree on {name}: {same.mean():.3f} of {len(theirs)}")
    return {name: theirs[field].astype(np.int64) for name, field in zip("txyp", ("t", "x", "y", "on"))}


def nmnist():
    """Entries of five bytes with marks of overflow; times within 23 bits."""
    path, n = FOLDER / "nmnist.bin", N
    x, y = rng.integers(0, 34, n), rng.integers(0, 34, n)
    t, p = np.sort(rng.integers(0, 2**16, n)), rng.integers(0, 2, n)
    for i in (100, 101, 400):
        y[i] = 240
    packed = np.stack([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255], 1).astype(np.uint8)
    path.write_bytes(packed.tobytes())
    return tonic.io.read_mnist_file(str(path), dtype=tonic.io.events_struct)


def two_values(read):
    """Tonic 1.7.0's readers of DVS128 expect two values of its reader of headers, which returns three."""

    def reader(path):
        header = tonic.io.read_aedat_header_from_file
        tonic.io.read_aedat_header_from_file = lambda path: header(path)[:2]
        try:
            return read(path)
        finally:
            tonic.io.read_aedat_header_from_file = header

    return reader


def aedat2(events, name, address, read, signals):
    """Addresses and times, the highest byte first; `signals` are entries that are no events of contrast."""
    path = FOLDER / f"{name}.aedat"
    t, x, y, p = (values[:300] for values in events)
    header = b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n# AEChip: eu.seebetter.ini.chips.%s\r\n"
    header = header % (b"davis.DAVIS346B" if "davis" in name else b"DVS128")
    plain = np.stack([address(x, y, p), t % 2**32], 1).astype(">u4")
    path.write_bytes(header + plain.tobytes())
    theirs = read(str(path))[-1]
    path.write_bytes(header + np.insert(plain, [5, 50], [[signals, 7000]], axis=0).astype(">u4").tobytes())
    return theirs


def aedat3(events):
    """Three packets of contrast, one of them in the second round of the clock, and one of another type."""
    path, parts = FOLDER / "gesture.aedat", np.array_split(np.arange(N), 3)
    body, t = b"", events[0].copy()
    for k, part in enumerate(parts):
        _, x, y, p = (values[part] for values in events)
        word = x << 17 | y << 2 | p << 1 | 1
        header = struct.pack("<HHIIIIII", 1, 0, 8, 4, int(k == 2), len(part), len(part), len(part))
        body += header + np.stack([word, t[part]], 1).astype("<u4").tobytes()
    head = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n"
    path.write_bytes(head + body)
    theirs = two_values(tonic.io.read_dvs_ibm)(str(path))[1]
    special = struct.pack("<HHIIIIII", 0, 0, 8, 4, 0, 2, 2, 2) + bytes(16)
    first = 28 + 8 * len(parts[0])
    path.write_bytes(head + body[:first] + special + body[first:])
    return theirs, len(parts[0]) + len(parts[1])


def transforms(events):
    """What Tonic makes of the N-MNIST file, 50 ms later: its filter keeps all events of the first ones."""
    late, size = events.copy(), (34, 34, 2)
    late["t"] += 50_000
    late = late[np.argsort(late["t"], kind="stable")]
    functional = tonic.transforms
    found = {
        "denoise": functional.Denoise(filter_time=3000)(late),
        "denoise_long": functional.Denoise(filter_time=20000)(late),
        "down": functional.Downsample(spatial_factor=0.5)(late),
        "merged": functional.MergePolarities()(late.copy()),
    }
    time = functional.ToFrame(sensor_size=size, time_window=5000, include_incomplete=True)(late)
    number = functional.ToFrame(sensor_size=size, event_count=100, include_incomplete=True)(late)
    arrays = {f"{name}_{field}": x[field].astype(np.int64) for name, x in found.items() for field in "txyp"}
    return (
        arrays | {f"late_{field}": late[field].astype(np.int64) for field in "txyp"} | {"time": time, "number": number}
    )


def main():
    FOLDER.mkdir(exist_ok=True)
    events = random_events()
    by_dv(events)
    by_expelliarmus(events)
    by_faery(events)
    arrays = dict(zip("txyp", events))

    def keep(name, theirs):
        arrays.update({f"{name}_{field}": np.asarray(theirs[field]).astype(np.int64) for field in "txyp"})

    keep("vectors", evt3_vectors())
    small = nmnist()
    keep("nmnist", small)
    dvs128 = lambda x, y, p: x << 1 | y << 8 | p
    davis = lambda x, y, p: x << 12 | y << 22 | p << 11
    keep("dvs128", aedat2(events, "dvs128", dvs128, two_values(tonic.io.read_dvs_128), 1 << 15))
    keep("davis346", aedat2(events, "davis346", davis, tonic.io.read_davis_346, 1 << 31))
    theirs, second = aedat3(events)
    keep("gesture", theirs)
    arrays["gesture_second_round"] = second
    np.savez_compressed(FOLDER / "read.npz", **arrays)
    np.savez_compressed(FOLDER / "tonic.npz", **transforms(small))


if __name__ == "__main__":
    main()
