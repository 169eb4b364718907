"""Our side of `train`: the gradient of one layer's weights, on the input, weights and labels that peers are given."""

import math
import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

import jaxsnn as snn

from .peers.training import BATCH, BETA, STEPS, THRESHOLD, UNITS, data


def task() -> tuple[snn.BPTT, Any, snn.Network, snn.Replay, jax.Array]:
    """Estimator (all steps are kept, as the peers do), loss, network, inputs and labels."""
    x, weight, labels = data()
    cell = snn.LIF(
        tau=-1.0 / math.log(BETA),
        v_th=THRESHOLD,
        gain=snn.gains.PerStep(),
        reset_mechanism=snn.resets.Subtract(detach=True),
        surrogate=snn.surrogates.ATan(),
    )
    net = snn.network(
        dt=1.0,
        key=jax.random.key(0),
        populations={"in": snn.SpikeSource(UNITS), "out": snn.Population(cell, UNITS)},
        projections={"link": snn.Connection("in", "out", snn.AllToAll(), via=snn.Dense(), weight=weight)},
    )
    estimator, loss = (
        snn.BPTT(wrt="link.weight", checkpoint=snn.checkpointing.KeepAll()),
        snn.CrossEntropy(snn.Count("out")),
    )
    return estimator, loss, net, snn.Replay(jnp.asarray(x.swapaxes(0, 1)), into="in"), jnp.asarray(labels)


def measure_train() -> Iterator[dict[str, Any]]:
    """`BPTT.value_and_grad`, as a user calls it."""
    estimator, loss, net, inputs, labels = task()

    def gradient() -> tuple[float, float]:
        found = estimator.value_and_grad(loss, net, inputs, labels, key=jax.random.key(1))
        value, grads = jax.block_until_ready(found)
        return float(value), float(jnp.linalg.norm(grads["link"].weight))

    begin = time.perf_counter()
    gradient()
    first = time.perf_counter() - begin
    while True:
        wall, cpu = time.perf_counter(), time.process_time()
        value, size = gradient()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        line = {"steps": STEPS, "batch": BATCH, "seconds": round(wall, 4), "us_per_step": wall * 1e6 / STEPS}
        yield line | {"cpu_us_per_step": cpu * 1e6 / STEPS, "first_s": first, "loss": value, "gradient": size}
