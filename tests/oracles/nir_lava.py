"""Graphs that Lava-DL's networks are written as: `tests/golden/nir/lava_*.nir`.

    python tests/oracles/nir_lava.py FOLDER

FOLDER has `lava_to_nir.py` of the repository of NIR (docs/source/examples/lava, commit 7232ada), which writes the files
of Lava-DL 0.6 as graphs; it takes layers of dense weights without an input layer. What Lava-DL does with the same files
is frozen in `lava_netx.npz`. Lava-DL itself has a writer for NIR 0.x only, and is in no registry. Also `paper/01_lif`
of that repository: Lava's floating-point run of a graph of Norse, and Spyx's: `lava_norse.npz`.
"""

import sys
import tempfile
from pathlib import Path

import h5py
import nir
import numpy as np

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def without_input(source, path):
    with h5py.File(source) as old, h5py.File(path, "w") as new:
        for i in range(1, len(old["layer"])):
            old.copy(f"layer/{i}", new.require_group("layer"), name=str(i - 1))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    sys.path.insert(0, str(folder))
    import lava_to_nir

    with tempfile.TemporaryDirectory() as made:
        for name in ("dense", "dense_exponent"):
            net = Path(made) / f"{name}.net"
            without_input(GOLDEN / f"netx_{name}.net", net)
            lava_to_nir.convert_to_nir(net, GOLDEN / "nir" / f"lava_{name}.nir")
    graph = nir.read(folder / "lif_norse.nir", type_check=False)
    nir.write(GOLDEN / "nir" / "lava_norse.nir", graph)
    lava, spyx = (np.loadtxt(folder / f"{name}.csv", delimiter=",") for name in ("lif_lava_cpu_float", "lif_spyx"))
    np.savez_compressed(GOLDEN / "nir" / "lava_norse.npz", x=lava[:, 0], v=lava[:, 1], lava=lava[:, 2], spyx=spyx[:, 2])
