"""Properties of readers, for any input (hypothesis): what is written is read, whole and in pieces of any size; bytes of
any kind are data or one sentence; bins hold the events that lie in them.

Writers follow the byte layouts of the formats' own publications, not the readers.
"""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsnn.data import CountBins, EventArray, TimeBins, read_events, read_spikes, stream_events, to_raster
from jaxsnn.data.arrays import joined
from jaxsnn.files import FileError

ANY = settings(max_examples=40, deadline=None, derandomize=True, database=None)
WIDTH, HEIGHT = 30, 20
EVENTS = st.lists(
    st.tuples(st.integers(0, 5_000), st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.integers(0, 1)),
    min_size=1,
    max_size=60,
).map(sorted)


def nmnist(events):
    """Orchard et al. (2015): x, y, and polarity with 23 bits of time, the highest byte first."""
    return b"".join(bytes([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255]) for t, x, y, p in events)


def dat(events):
    head = f"% Width {WIDTH}\n% Height {HEIGHT}\n% Version 2\n".encode() + bytes([12, 8])
    return head + np.array([(t, p << 28 | y << 14 | x) for t, x, y, p in events], "<u4").tobytes()


def evt2(events):
    words, high = [], None
    for t, x, y, p in events:
        if t >> 6 != high:
            high = t >> 6
            words.append(8 << 28 | high)
        words.append(p << 28 | (t & 63) << 22 | x << 11 | y)
    return f"% evt 2.0\n% geometry {WIDTH}x{HEIGHT}\n% end\n".encode() + np.array(words, "<u4").tobytes()


WRITERS = {"a.bin": nmnist, "a.dat": dat, "a.raw": evt2}


def table(events):
    return np.stack([np.asarray(getattr(events, name), np.int64) for name in "txyp"], axis=1).tolist()


@pytest.mark.parametrize("name", WRITERS)
@ANY
@given(events=EVENTS, chunk=st.integers(1, 200))
def test_what_is_written_is_read_whole_and_in_pieces(name, events, chunk):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(WRITERS[name](events))
        whole, pieces = read_events(path), [*stream_events(path, chunk=chunk)]
    assert table(whole) == [list(event) for event in events]
    assert table(joined(pieces, whole.sensor_size)) == table(whole)


@pytest.mark.parametrize("name", [*WRITERS, "a.aedat", "a.aedat4", "a.csv"])
@ANY
@given(
    content=st.binary(max_size=300),
    head=st.sampled_from([b"", b"#!AER-DAT2.0\r\n", b"#!AER-DAT3.1\r\n", b"% evt 3.0\n"]),
)
def test_any_bytes_are_data_or_one_sentence(name, content, head):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(head + content)
        try:
            read_spikes(path) if name == "a.csv" else read_events(path)
        except FileError as error:
            assert "\n" not in str(error)


@ANY
@given(
    trains=st.dictionaries(
        st.integers(0, 10**6), st.lists(st.floats(0.0, 1e6, allow_subnormal=False), max_size=8), min_size=1, max_size=5
    ),
    unit=st.sampled_from([("ms", 1.0), ("s", 1e3)]),
)
def test_a_table_of_spikes_is_read(trains, unit):
    rows = [f"{neuron},{time!r}" for neuron, times in trains.items() for time in times]
    if not rows:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        path.write_text("\n".join(["neuron,time", *rows]))
        found = read_spikes(path, unit=unit[0])
    for i, name in enumerate(found.names):
        np.testing.assert_allclose(np.sort(found.time[found.neuron == i]), np.sort(trains[name]) * unit[1], rtol=1e-12)
    assert len(found.time) == len(rows)


@ANY
@given(events=EVENTS, ms=st.integers(1, 4), each=st.integers(1, 9))
def test_bins_hold_the_events_that_lie_in_them(events, ms, each):
    t, x, y, p = np.array(events).T
    array, address = EventArray(t, x, y, p, (WIDTH, HEIGHT, 2)), (p * HEIGHT + y) * WIDTH + x
    for raster, row in (
        (to_raster(array, TimeBins(float(ms))), (t - t[0]) // (1000 * ms)),
        (to_raster(array, CountBins(each)), np.arange(len(t)) // each),
    ):
        wanted = np.zeros(raster.shape, bool)
        inside = row < raster.shape[0]
        wanted[row[inside], address[inside]] = True
        np.testing.assert_array_equal(np.asarray(raster), wanted)
        assert raster.shape[0] >= row[-1]  # at most a last bin that is not full is left out


def test_an_event_out_of_place_would_be_noticed(tmp_path):
    """Negative control."""
    events = [(1, 2, 3, 1), (70, 5, 6, 0)]
    for name, write in WRITERS.items():
        (tmp_path / name).write_bytes(write([(1, 2, 3, 1), (71, 5, 6, 0)]))
        assert table(read_events(tmp_path / name)) != [list(event) for event in events]
