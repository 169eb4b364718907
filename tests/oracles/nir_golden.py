"""What the oracles of NIR share: random spikes, and how graphs and outputs are kept."""

from pathlib import Path

import nir
import numpy as np

OUT = Path(__file__).resolve().parents[1] / "golden" / "nir"
STEPS = 80


def spikes(*shape, rate=0.4, seed=0):
    return (np.random.default_rng(seed).random((STEPS, *shape)) < rate).astype(np.float32)


def keep(name, graph, x, out):
    OUT.mkdir(exist_ok=True)
    nir.write(OUT / f"{name}.nir", graph)
    out = np.asarray(out, np.float64)
    fired = bool(np.all((out == 0) | (out == 1)))
    np.savez_compressed(OUT / f"{name}.npz", x=np.packbits(x.astype(bool)), shape=np.array(x.shape), out=out)
    print(f"{name}: {'spikes ' + str(int(out.sum())) if fired else 'membranes up to ' + str(np.abs(out).max())}")
