"""Files of events that other packages wrote or read (`tests/oracles/event_files.py`): the same events here, whatever
the size of the pieces; and one error with its place for what is cut off or damaged."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.data import formats, read_events, stream_events
from jaxsnn.data.arrays import joined

FOLDER = Path(__file__).parents[1] / "golden" / "events"
READ = dict(np.load(FOLDER / "read.npz"))
EPOCH = 1_700_000_000_000_000  # of the times in AEDAT 4


def wanted(name, late=0):
    return {field: READ[f"{name}_{field}" if name else field] + late * (field == "t") for field in "txyp"}


def turned(name, width, height):
    """Tonic shows the sensor of the DAVIS346 turned by 180 degrees, and that of the DVS128 mirrored."""
    found = wanted(name)
    if name == "dvs128":
        return found | {"x": found["y"], "y": found["x"]}
    return found | {"x": width - 1 - found["x"], "y": height - 1 - found["y"]}


def gesture():
    """Tonic leaves out in which round of its clock (2^31 microseconds) a packet lies."""
    found = wanted("gesture")
    return found | {"t": found["t"] + (np.arange(len(found["t"])) >= READ["gesture_second_round"]) * 2**31}


FILES = {  # the file: its events by another package, its sensor
    "dv_none.aedat4": (wanted("", EPOCH), (128, 96)),
    "dv_lz4.aedat4": (wanted("", EPOCH), (128, 96)),
    "dv_zstd.aedat4": (wanted("", EPOCH), (128, 96)),
    "expelliarmus.dat": (wanted(""), (1280, 720)),
    "expelliarmus_evt2.raw": (wanted(""), (1280, 720)),
    "faery.dat": (wanted(""), (128, 96)),
    "faery_evt2.raw": (wanted(""), (128, 96)),
    "faery_evt3.raw": (wanted(""), (128, 96)),
    "vectors_evt3.raw": (wanted("vectors"), (1280, 720)),
    "nmnist.bin": (wanted("nmnist"), (34, 34)),
    "dvs128.aedat": (turned("dvs128", 128, 128), (128, 128)),
    "davis346.aedat": (turned("davis346", 346, 260), (346, 260)),
    "gesture.aedat": (gesture(), (128, 128)),
}


def same(events, want):
    return {field: np.array_equal(getattr(events, field), want[field]) for field in "txyp"}


ALL = dict.fromkeys("txyp", True)


@pytest.mark.parametrize("name", FILES)
def test_the_events_of_another_package(name):
    want, sensor = FILES[name]
    events = read_events(FOLDER / name)
    assert same(events, want) == ALL and events.sensor_size == (*sensor, 2)
    for chunk in (11, 1000):
        parts = [*stream_events(FOLDER / name, chunk=chunk)]
        assert same(joined(parts, events.sensor_size), want) == ALL
    assert len(parts) > 1
    off = {field: values + (field == "t") for field, values in want.items()}
    assert same(events, off) == ALL | {"t": False}  # negative control


def test_formats_and_sensors_that_are_said():
    path = FOLDER / "nmnist.bin"
    large = read_events(path, format=formats.NMNIST(sensor=(240, 180)))
    assert same(large, wanted("nmnist")) == ALL and large.sensor_size == (240, 180, 2)
    with pytest.raises(snn.files.FileError, match=r"lies outside the sensor of 30 x 20; .* NMNIST\(sensor="):
        read_events(path, format=formats.NMNIST(sensor=(30, 20)))
    other = read_events(FOLDER / "dvs128.aedat", format=formats.AEDAT2(address=formats.DAVIS()))
    assert same(other, FILES["dvs128.aedat"][0]) != ALL
    with pytest.raises(ValueError, match=r"Got format = 'evt3' \(str\), expected one of formats"):
        read_events(path, format="evt3")


def test_the_format_is_found_by_the_first_bytes(tmp_path):
    for name in ("dv_none.aedat4", "faery_evt3.raw", "expelliarmus_evt2.raw", "faery.dat", "gesture.aedat"):
        path = shutil.copy(FOLDER / name, tmp_path / "events")
        assert same(read_events(path), FILES[name][0]) == ALL
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    with pytest.raises(snn.files.FileError, match=r"it begins with b'.x89PNG.*say which: format="):
        read_events(tmp_path / "picture.png")
    with pytest.raises(snn.files.FileError, match="There is no file"):
        read_events(tmp_path / "none.bin")


# --- damage -----------------------------------------------------------------------------------------------------------

PLACE = re.compile(r"^'.*' at byte (\d+): .*\.$", re.DOTALL)


def place(path):
    """The place that the error names; the number of events where there is none."""
    try:
        return None, len(read_events(path))
    except snn.files.FileError as error:
        found = PLACE.match(str(error))
        assert found or "holds no event" in str(error), error
        return int(found[1]) if found else 0, 0


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_off_is_one_error_with_its_place(name, tmp_path):
    whole, path = (FOLDER / name).read_bytes(), tmp_path / name
    rng, wrong = np.random.default_rng(len(whole)), 0
    for size in [*range(40), *rng.integers(40, len(whole), 40).tolist()]:
        path.write_bytes(whole[:size])
        at, _ = place(path)
        assert at is None or 0 <= at <= size
        wrong += at is not None
    assert wrong > 25  # the others end with a whole event


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_gives_events_or_one_error(name, tmp_path):
    whole, path = np.frombuffer((FOLDER / name).read_bytes(), np.uint8), tmp_path / name
    rng = np.random.default_rng(7)
    for _ in range(60):
        damaged, some = whole.copy(), rng.integers(1, 9)
        damaged[rng.integers(0, len(whole), some)] = rng.integers(0, 256, some)
        path.write_bytes(damaged.tobytes())
        at, _ = place(path)
        assert at is None or 0 <= at <= len(whole)


def test_room_is_taken_for_what_is_there(tmp_path):
    """Headers that claim a thousand million events; the last one is that of AEDAT 3.1."""
    path = tmp_path / "claims.aedat"
    head = (FOLDER / "gesture.aedat").read_bytes().partition(b"#!END-HEADER\r\n")
    packet = np.array([1 | 0 << 16, 8, 4, 0, 10**9, 10**9, 10**9], "<u4").tobytes()
    path.write_bytes(head[0] + head[1] + packet + bytes(80))
    with pytest.raises(snn.files.FileError, match=r"holds 1000000000 events .* and 80 bytes are left"):
        read_events(path)
    large = (FOLDER / "dv_none.aedat4").read_bytes()
    at = large.index(b"EVTS", 2000) - 4 - 4  # the size of the first packet of events stands before it
    path = tmp_path / "claims.aedat4"
    path.write_bytes(large[: at - 4] + np.int32(2**31 - 1).tobytes() + large[at:])
    assert place(path)[0] is not None
