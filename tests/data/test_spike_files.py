"""Spikes, images and data sets that other packages wrote (`tests/oracles/data_files.py`), and their damage."""

import json
from pathlib import Path

import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.data import SpikeTable, load_rasters, read_idx, read_nwb, read_shd, read_spikes
from jaxsnn.files import FileError

FOLDER = Path(__file__).parents[1] / "golden" / "data"


def test_recordings_of_heidelberg_are_tonics():
    data, theirs = read_shd(FOLDER / "shd.h5"), dict(np.load(FOLDER / "shd.npz"))
    assert len(data) == 3 and data.sensor_size == (700, 1, 1)
    assert data.labels.tolist() == theirs["labels"].tolist() and data.speakers.tolist() == [1, 4, 4]
    for i, (events, label) in enumerate(data):
        assert np.array_equal(events.t, theirs[f"{i}_t"]) and np.array_equal(events.x, theirs[f"{i}_x"])
        assert label == theirs["labels"][i]
    rasters, labels = load_rasters(data, 10.0, steps=100, filters=[snn.data.Downsample(5)])
    assert rasters.shape == (3, 100, 140) and labels.tolist() == [3, 19, 0] and rasters.dt == 10.0
    at = (theirs["2_t"] - theirs["2_t"][0]) // 10_000
    assert np.array_equal(np.asarray(rasters)[2].nonzero(), np.unique([at, theirs["2_x"] // 5], axis=1))
    assert not np.asarray(rasters)[1].any()


class Tonics:
    """What of a data set of Tonic is used: its length, `sensor_size`, and pairs of a structured array and a label."""

    sensor_size = (34, 34, 2)

    def __len__(self):
        return 2

    def __getitem__(self, i):
        path = FOLDER.parent / "events" / "nmnist.bin"
        return snn.data.read_events(path).structured()[: 300 + 100 * i], 7 + i


def test_a_data_set_of_tonic():
    whole = snn.data.read_events(FOLDER.parent / "events" / "nmnist.bin")
    rasters, labels = load_rasters(Tonics(), snn.data.CountBins(50), examples=[1, 0])
    assert labels.tolist() == [8, 7] and rasters.shape == (2, 8, 2312)
    assert np.array_equal(rasters.words[1, :6], snn.data.to_raster(whole[:300], snn.data.CountBins(50)).words)
    with pytest.raises(ValueError, match=r"Example 0: Got .*, expected events with fields t, x, y and p"):
        load_rasters(Broken(), 1.0)


class Broken(Tonics):
    def __getitem__(self, i):
        return np.zeros((4, 3)), 1


def test_units_of_nwb():
    trains, theirs = read_nwb(FOLDER / "units.nwb"), json.loads((FOLDER / "units.json").read_text())
    assert [str(name) for name in trains.names] == [*theirs] and trains.n == 4
    assert read_nwb(FOLDER / "units.nwb", names="quality").names == ("good",) * 4
    for own, name in zip(trains.trains(), theirs, strict=True):
        assert np.allclose(own, 1e3 * np.array(theirs[name]), rtol=1e-15)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables_of_spikes(ending):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    trains = read_spikes(FOLDER / f"spikes.{ending}", unit="s")
    assert trains.names == ("a", "b", "c") and [x.tolist() for x in trains.trains()] == [[1.2, 2.0], [3.5], [12.1]]
    with pytest.raises(FileError, match="is no table with columns 'when' and 'neuron'"):
        read_spikes(FOLDER / f"spikes.{ending}", time="when")


def test_spikes_become_a_drive_and_a_raster():
    trains = read_spikes(FOLDER / "spikes.csv", unit="s")
    net = snn.network(dt=0.1, key=0, populations={"in": snn.SpikeSource(3)}, projections={})
    run = snn.simulate(net, trains.drive("in", dt=0.1), t=20.0, key=0, record={"in": snn.Raster("in")})
    assert np.array_equal(np.asarray(run["in"])[:122], np.asarray(trains.raster(0.1)))
    back = SpikeTable.of(run["in"])
    assert np.allclose(back.time, trains.time + 0.1) and np.array_equal(back.neuron, trains.neuron)
    assert trains.raster(0.1, steps=30).shape == (30, 3) and np.asarray(trains.raster(0.1, steps=30)).sum() == 2


def test_arrays_of_idx():
    want = dict(np.load(FOLDER / "idx.npz"))
    for name in ("images-idx3-ubyte", "images-idx3-ubyte.gz"):
        assert np.array_equal(read_idx(FOLDER / name), want["images"])
    numbers = read_idx(FOLDER / "numbers-idx1-int")
    assert numbers.dtype == np.int32 and np.array_equal(numbers, want["numbers"])


READERS = {
    "shd.h5": lambda path: [*read_shd(path)],
    "units.nwb": read_nwb,
    "spikes.csv": read_spikes,
    "images-idx3-ubyte": read_idx,
    "images-idx3-ubyte.gz": read_idx,
}


@pytest.mark.parametrize("name", READERS)
def test_damage_is_one_error(name, tmp_path):
    whole = np.frombuffer((FOLDER / name).read_bytes(), np.uint8)
    rng, refused = np.random.default_rng(11), 0
    for k in range(40):
        damaged, some, path = whole.copy(), rng.integers(1, 9), tmp_path / f"{k}_{name}"
        damaged[rng.integers(0, len(whole), some)] = rng.integers(0, 256, some)
        path.write_bytes(damaged.tobytes()[: rng.integers(0, len(whole)) if k % 2 else None])
        try:
            READERS[name](path)
        except FileError as error:
            refused += str(path) in str(error)
    assert refused > 5


def test_a_heap_that_the_library_would_never_end_at(tmp_path):
    """An entry of no size: h5py 3.16 reads it forever; and a list that is longer than its entry."""
    whole = bytearray((FOLDER / "shd.h5").read_bytes())
    at = whole.index(b"GCOL") + 16  # of the first entry: number, references, 4 bytes, size
    for size in (0, 1):
        whole[at + 8 : at + 16] = size.to_bytes(8, "little")
        (tmp_path / f"{size}.h5").write_bytes(whole)
        with pytest.raises(FileError, match=r"is damaged \((an object of|a list of)"):
            read_shd(tmp_path / f"{size}.h5")


def test_a_claim_that_is_larger_than_the_file(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(bytes([0, 0, 8, 3]) + np.array([10**9, 10**3, 10], ">u4").tobytes() + bytes(40))
    with pytest.raises(FileError, match=r"at byte 16: an array of shape \(1000000000, 1000, 10\) of 10{13} bytes"):
        read_idx(path)
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "large.h5", "w") as file:
        for name in ("spikes/times", "spikes/units", "labels"):
            file.create_dataset(name, (10**12,), np.uint16, chunks=(1000,))  # nothing of it is stored
    with pytest.raises(FileError, match="says that '/labels' has 2000000000000 bytes, and stores 0"):
        read_shd(tmp_path / "large.h5")
