"""Spike trains of Spyx's LIF on the input of `torch_lif.npz`, frozen for the parity tests.

    JAX_ENABLE_X64=1 python -m tests.oracles.spyx_lif        (spyx 1.0)

Spyx compares the membrane before it adds the input, so its spikes are those of one step before.
"""

import pathlib

import jax.numpy as jnp
import numpy as np
import spyx.nn
from flax import nnx

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"


def main() -> None:
    x = np.load(GOLDEN / "torch_lif.npz")["x"] / 1024
    cell = spyx.nn.LIF((x.shape[1],), beta=0.9, threshold=1.0, rngs=nnx.Rngs(0))
    v, spikes = jnp.zeros((1, x.shape[1])), []
    assert v.dtype == jnp.float64
    for row in x:
        fired, v = cell(jnp.asarray(row)[None], v)
        spikes.append(np.asarray(fired[0]))
    np.savez_compressed(GOLDEN / "spyx_lif.npz", lif=np.packbits(np.stack(spikes).astype(bool), axis=1))
    print(int(np.sum(spikes)))


if __name__ == "__main__":
    main()
