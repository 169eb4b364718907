"""Files of spikes and images that other packages wrote, and what they read in them, into `tests/golden/data`.

pip install pynwb==4.2.0 pandas pyarrow tonic==1.7.0 idx2numpy==1.2.3
python tests/oracles/data_files.py
"""

import datetime
import gzip
import json
from pathlib import Path

import h5py
import idx2numpy
import numpy as np
import pandas as pd
import pynwb
import tonic

FOLDER = Path(__file__).parents[1] / "golden" / "data"
rng = np.random.default_rng(5)


def shd():
    """Three recordings in the layout of the Heidelberg data, times as float16, and what Tonic reads."""
    with h5py.File(FOLDER / "shd.h5", "w") as file:
        spikes = file.create_group("spikes")
        times = spikes.create_dataset("times", (3,), h5py.vlen_dtype(np.float16))
        units = spikes.create_dataset("units", (3,), h5py.vlen_dtype(np.uint16))
        for i, n in enumerate((40, 0, 25)):
            times[i] = np.sort(rng.random(n)).astype(np.float16)
            units[i] = rng.integers(0, 700, n)
        file["labels"] = np.array([3, 19, 0], np.uint16)
        file["extra/speaker"] = np.array([1, 4, 4], np.uint16)
    theirs = tonic.datasets.SHD.__new__(tonic.datasets.SHD)  # without its download
    theirs.transform = theirs.target_transform = None
    theirs.location_on_system, theirs.data_filename = str(FOLDER), "shd.h5"
    read = {f"{i}_{field}": theirs[i][0][field] for i in range(3) for field in "tx"}
    np.savez(FOLDER / "shd.npz", labels=[theirs[i][1] for i in range(3)], **read)


def nwb():
    """Four units, one of them silent, with ids of their own and a column that is not read."""
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile(session_description="units", identifier="units", session_start_time=start)
    file.add_unit_column("quality", "of the sorting")
    trains = {7: np.sort(rng.random(20)), 3: np.sort(rng.random(12)), 11: np.zeros(0), 4: np.sort(rng.random(5))}
    for name, times in trains.items():
        file.add_unit(id=name, spike_times=times, quality="good")
    with pynwb.NWBHDF5IO(FOLDER / "units.nwb", "w") as io:
        io.write(file, cache_spec=False)
    with pynwb.NWBHDF5IO(FOLDER / "units.nwb", "r") as io:
        units = io.read().units
        read = {str(units.id[i]): units.get_unit_spike_times(i).tolist() for i in range(len(units))}
    (FOLDER / "units.json").write_text(json.dumps(read))


def tables():
    table = pd.DataFrame({"neuron": ["b", "a", "c", "a"], "time": [0.0035, 0.0012, 0.0121, 0.002]})
    table.to_csv(FOLDER / "spikes.csv", index=False)
    table.to_parquet(FOLDER / "spikes.parquet", index=False)


def idx():
    """Images and numbers of another type, as idx2numpy writes them; one packed as MNIST is."""
    images, numbers = (
        rng.integers(0, 256, (3, 4, 5)).astype(np.uint8),
        rng.integers(-(2**31), 2**31, 6).astype(np.int32),
    )
    for name, array in (("images-idx3-ubyte", images), ("numbers-idx1-int", numbers)):
        idx2numpy.convert_to_file(str(FOLDER / name), array)
    packed = gzip.compress((FOLDER / "images-idx3-ubyte").read_bytes(), mtime=0)
    (FOLDER / "images-idx3-ubyte.gz").write_bytes(packed)
    np.savez(FOLDER / "idx.npz", images=images, numbers=numbers)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for write in (shd, nwb, tables, idx):
        write()
