"""What Rockpool makes of the graph of a program of Xylo: `tests/golden/nir/read_by_rockpool.npz`.

    python -m tests.interop.chips            # in the project's environment
    python tests/oracles/nir_rockpool.py     # in one with rockpool 3.1.0, nirtorch 2.6 and nir 1.0.8

Rockpool's modules are stepped one after the other, in single precision; its neurons send several spikes in a step.
(`samna`, with which Rockpool runs integers of the chip, is in no registry: its package installs itself from elsewhere.)
"""

import nir
import numpy as np
import torch
from nir_golden import OUT, spikes
from rockpool.nn.modules.torch.nir import _convert_nir_to_rockpool

if __name__ == "__main__":
    graph = nir.read(OUT / "read_by_rockpool.nir")
    x, order = spikes(4, rate=0.3), ["ih", "hid", "ho", "out"]
    data = torch.tensor(x[None])
    for name in order:
        module = _convert_nir_to_rockpool(graph.nodes[name])
        data = module(data)[0]
        print(name, type(module).__name__, getattr(module, "dt", None), float(data.sum()))
    out = np.asarray(data.detach())[0]
    np.savez_compressed(OUT / "read_by_rockpool.npz", x=np.packbits(x.astype(bool)), shape=np.array(x.shape), out=out)
