"""Graphs of NIR as Spyx writes them, what its networks do, and what it makes of one of ours: `tests/golden/nir/`.

    python -m tests.interop.written            # in the project's environment: read_by_spyx.nir
    python tests/oracles/nir_spyx.py           # in one with spyx 1.0.0 and nir 1.0.8

As `nir_writers.py`, in single precision, on random spikes. Images are `(height, width, channels)` in Spyx; inputs are
kept as NIR has them, `(channels, height, width)`.
"""

import jax
import jax.numpy as jnp
import nir
import numpy as np
import spyx.nir
import spyx.nn as sn
from flax import nnx
from nir_golden import OUT, STEPS, keep, spikes

N_IN, HIDDEN, N_OUT = 6, 8, 4


def filled(net, seed=1):
    """Weights with which every layer fires now and then, decays of each neuron."""
    drawn = np.random.default_rng(seed)
    for path, x in nnx.to_flat_state(nnx.state(net, nnx.Param)):
        shape = x.get_value().shape
        if path[-1] in ("alpha", "beta"):
            new = drawn.uniform(0.6, 0.95, shape)
        elif path[-1] == "bias":
            new = 0.1 * drawn.normal(size=shape)
        else:
            scale = 1.2 / np.sqrt(np.prod(shape[:-1]))
            new = scale * (drawn.normal(size=shape) + 0.3)
        x.set_value(jnp.asarray(new, jnp.float32))
    return net


def written(name, net, x, shape_out):
    net, images = filled(net), x.ndim == 4
    given = np.moveaxis(x, 1, -1) if images else x
    out, _ = sn.run(net, jnp.asarray(given[:, None]))
    graph = spyx.nir.to_nir(net, {"input": np.array(x.shape[1:])}, {"output": np.array(shape_out)}, dt=1)
    keep(name, graph, x, np.asarray(out)[:, 0])


if __name__ == "__main__":
    rngs = nnx.Rngs(0)
    x = spikes(N_IN)
    dense = lambda n, m: nnx.Linear(n, m, rngs=rngs)
    net = sn.Sequential(
        dense(N_IN, HIDDEN), sn.LIF((HIDDEN,), rngs=rngs),
        dense(HIDDEN, HIDDEN), sn.CuBaLIF((HIDDEN,), threshold=2.0, rngs=rngs),
        nnx.Linear(HIDDEN, N_OUT, use_bias=False, rngs=rngs), sn.IF((N_OUT,), rngs=rngs),
    )  # fmt: skip
    written("spyx_dense", net, x, (N_OUT,))
    net = sn.Sequential(
        dense(N_IN, HIDDEN), sn.RLIF((HIDDEN,), rngs=rngs),
        dense(HIDDEN, HIDDEN), sn.RCuBaLIF((HIDDEN,), threshold=2.0, rngs=rngs),
        dense(HIDDEN, N_OUT), sn.RIF((N_OUT,), rngs=rngs),
    )  # fmt: skip
    written("spyx_recurrent", net, x, (N_OUT,))
    net = sn.Sequential(dense(N_IN, HIDDEN), sn.PSU_LIF((HIDDEN,), threshold=2.0, rngs=rngs), dense(HIDDEN, N_OUT),
                        sn.LIF((N_OUT,), rngs=rngs))  # fmt: skip
    written("spyx_unreset", net, x, (N_OUT,))
    net = sn.Sequential(
        nnx.Conv(2, 3, (3, 3), padding="SAME", rngs=rngs), sn.LIF((8, 8, 3), rngs=rngs),
        sn.SumPool((2, 2), (2, 2), "VALID"), sn.Flatten(), dense(48, N_OUT), sn.LIF((N_OUT,), threshold=3.0, rngs=rngs),
    )  # fmt: skip
    written("spyx_conv", net, spikes(2, 8, 8, rate=0.2), (N_OUT,))
    if (OUT / "read_by_spyx.nir").exists():
        graph = nir.read(OUT / "read_by_spyx.nir")
        _, out = spyx.nir.from_nir(graph, jnp.asarray(x[:, None]), dt=1)
        out = np.asarray(out)[:, 0]
        np.savez_compressed(OUT / "read_by_spyx.npz", x=np.packbits(x.astype(bool)), shape=np.array(x.shape), out=out)
        print(f"read_by_spyx: {out.shape}, spikes {int(out.sum())} of {STEPS * N_OUT} on {jax.default_backend()}")
