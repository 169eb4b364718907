"""What other tools make of graphs of NIR that were written here: `tests/golden/nir/read_by_*.npz`.

python -m tests.interop.written
python tests/oracles/nir_readers.py snntorch norse spikingjelly      # in the environment of nir_writers.py
"""

import sys

import nir
import numpy as np
import torch
from nir_golden import OUT, spikes


def walked(net, x):
    state, out = None, []
    for row in x:
        found, state = net(torch.tensor(row[None]), state)
        out.append(np.asarray(found.detach())[0])
    return out


def snntorch(graph, x):
    from snntorch.import_nir import import_from_nir

    return walked(import_from_nir(graph), x)


def norse(graph, x):
    from norse.torch import from_nir

    return walked(from_nir(graph), x)


def spikingjelly(graph, x):
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    return walked(import_from_nir(graph), x)


if __name__ == "__main__":
    for reader in sys.argv[1:]:
        x = spikes(6)
        graph = nir.read(OUT / f"read_by_{reader}.nir")
        for node in graph.nodes.values():  # the tools calculate in single precision, whatever a file has
            for name, value in vars(node).items():
                if isinstance(value, np.ndarray) and value.dtype == np.float64:
                    setattr(node, name, value.astype(np.float32))
        out = np.asarray(globals()[reader](graph, x), np.float64)
        np.savez_compressed(
            OUT / f"read_by_{reader}.npz", x=np.packbits(x.astype(bool)), shape=np.array(x.shape), out=out
        )
        print(f"{reader}: {out.shape}, spikes {int(out.sum())}")
