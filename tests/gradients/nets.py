"""A small network to learn with: ten inputs, a recurrent hidden layer that spikes, three leaky read-outs."""

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

N_IN, N, CLASSES, STEPS, EXAMPLES = 10, 16, 3, 90, 4
KEY = jax.random.key(1)
RASTER = np.random.default_rng(0).random((EXAMPLES, STEPS, N_IN)) < 0.2
LABELS = np.arange(EXAMPLES, dtype=np.int32) % CLASSES


def recurrent(*, n=N, n_in=N_IN, key=jax.random.key(0), **choices):
    """Same-step edges forward, one step back within the hidden layer."""
    cell = snn.LIF(tau=20.0, v_th=1.0, surrogate=snn.surrogates.FastSigmoid(10.0), **choices)
    dense = dict(topology=snn.AllToAll(), via=snn.Dense())
    return snn.network(
        dt=1.0,
        key=key,
        populations={
            "in": snn.SpikeSource(n_in),
            "hid": snn.Population(cell, n),
            "out": snn.Population(snn.LI(), CLASSES),
        },
        projections={
            "ih": snn.Connection("in", "hid", **dense, weight=snn.Normal(0.0, 1.0 / n_in**0.5)),
            "hh": snn.Connection("hid", "hid", **dense, weight=snn.Normal(0.0, 1.0 / n**0.5), delay=1.0),
            "ho": snn.Connection("hid", "out", **dense, weight=snn.Normal(0.0, 1.0 / n**0.5)),
        },
    )


def inputs(raster=RASTER):
    return snn.Replay(jnp.asarray(raster), into="in")


LOSS = snn.CrossEntropy(snn.probes.Sum("out.v"))
