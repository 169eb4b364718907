"""Files of NIR whose HDF5 is damaged, says that it is larger than it is, or has other parts than it should have."""

import tempfile
from pathlib import Path

import h5py
import nir
import numpy as np

from jaxsnn.interop import from_nir
from tests.data.fuzz import damaged
from tests.interop.fuzz import graphs

ERRORS = (ValueError,)
WHOLE = [path.read_bytes() for path in sorted(graphs.GOLDEN.glob("*.nir"))]


def parts_of(file):
    found = []
    file.visititems(lambda name, part: found.append(name))
    return found


def change_a_part(file, rng):
    """Another dataset or group in the place of one, or none."""
    names = parts_of(file)
    name = names[rng.integers(len(names))]
    kind, old = rng.integers(0, 10), file[name]
    value = old[()] if isinstance(old, h5py.Dataset) else None
    if kind == 9:
        old.attrs["shape"] = np.arange(3)
        return
    del file[name]
    if kind == 1:
        file.create_group(name)
    elif kind == 2:
        file[name] = graphs.changed_value(np.asarray(value), rng) if value is not None else 3.0
    elif kind == 3:
        size = int(rng.choice([10**6, 10**9, 10**12, 2**40]))
        shape = (size,) if rng.random() < 0.5 else (size, int(rng.choice([1, 6, 10**4])))
        file.create_dataset(name, shape, chunks=True, dtype="f8", fillvalue=1.0)  # takes no room, and claims it
    elif kind == 4:
        file[name] = h5py.SoftLink(f"/{names[rng.integers(len(names))]}" if rng.random() < 0.7 else "/nowhere")
    elif kind == 5:
        file[name] = h5py.ExternalLink("elsewhere.nir", "/node")
    elif kind == 6:
        file[name] = h5py.Empty("f8") if rng.random() < 0.5 else np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")])
    elif kind == 7:
        file.create_dataset(name, data=rng.choice(["LIF", "Affine", "NIRGraph", "None", "x" * 500, "é"]))
    elif kind == 8:
        file[name] = file["node"]  # a hard link: a group within itself


def made(path, rng):
    kind = rng.integers(0, 4)
    if kind == 0:
        path.write_bytes(damaged(WHOLE[rng.integers(len(WHOLE))], rng, WHOLE))
        return
    if kind == 1:
        try:
            nir.write(path, graphs.made(rng))
            return
        except Exception:
            path.unlink(missing_ok=True)
    path.write_bytes(WHOLE[rng.integers(len(WHOLE))])
    with h5py.File(path, "r+") as file:
        for _ in range(rng.integers(1, 4)):
            try:
                change_a_part(file, rng)
            except (TypeError, ValueError, KeyError, RuntimeError, OSError, MemoryError):
                break


def tried(seed):
    rng = np.random.default_rng([seed, 2])
    convention = graphs.CONVENTIONS[rng.integers(len(graphs.CONVENTIONS))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{seed}.nir"
        made(path, rng)
        return graphs.lived(from_nir(path, convention=convention))
