"""Checkpoint policies: the same values bit for bit, the same derivatives, and less memory; but for truncation.

Bit for bit where a network is stepped. Where it runs in stages, whole chunks of steps are multiplied at once, and
another length of chunk rounds sums in another order: spikes are the same there, and sums to rounding.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.networks.layerwise import stages
from tests.gradients.nets import KEY, RASTER, STEPS, inputs, recurrent
from tests.simulation.toys import assert_same

POLICIES = [
    snn.checkpointing.Chunked(),
    snn.checkpointing.Chunked(7),
    snn.checkpointing.Recursive(),
    snn.checkpointing.Recursive(5),
    snn.checkpointing.Truncated(STEPS),
]


def delayed():
    """The recurrent network with a delay on its way out and in: one stage, which is stepped."""
    net = recurrent()
    dense = dict(topology=snn.AllToAll(), via=snn.Dense(), delay=1.0)
    links = {name: snn.Connection(p.pre, p.post, **dense, weight=p.weight) for name, p in net.projections.items()}
    return snn.network(dt=net.dt, key=KEY, populations=net.populations, projections=links)


@functools.cache
def run(policy, staged=True):
    """Value, record and gradient of a run of the recurrent network, in stages or stepped."""
    net, raster = recurrent() if staged else delayed(), inputs(RASTER[0])
    assert (len(stages(net.populations, net.projections)) > 1) == staged

    def loss(weights):
        changed = snn.set(snn.set(net, "ih.weight", weights[0]), "hh.weight", weights[1])
        record = (snn.probes.Sum("out.v"), snn.Trace("hid.v", every=5 * net.dt), snn.Raster("hid"))
        out = snn.simulate(changed, raster, steps=STEPS, key=KEY, record=record, checkpoint=policy).record
        return jnp.sum(jnp.sin(out[0])), out

    weights = (net["ih"].weight, net["hh"].weight)
    return jax.jit(jax.value_and_grad(loss, has_aux=True))(weights)


def assert_alike(values, expected):
    """Spikes bit for bit; sums to rounding."""
    for a, b in zip(jax.tree.leaves(values), jax.tree.leaves(expected), strict=True):
        if jnp.issubdtype(a.dtype, jnp.floating):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-6 * float(jnp.max(jnp.abs(b))))
        else:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@pytest.mark.parametrize("staged", [False, True], ids=["stepped", "staged"])
def test_policies_change_no_number(policy, staged):
    (values, gradients), (expected, reference) = run(policy, staged), run(snn.checkpointing.KeepAll(), staged)
    (assert_alike if staged else assert_same)(values, expected)
    assert jnp.any(expected[1][2].words != 0)
    for found, wanted in zip(gradients, reference):
        np.testing.assert_allclose(found, wanted, atol=1e-6 * float(jnp.max(jnp.abs(wanted))))


@pytest.mark.parametrize(
    "policy",
    [snn.checkpointing.Truncated(10), snn.checkpointing.Truncated(45, within=snn.checkpointing.KeepAll())],
    ids=str,
)
def test_truncation_changes_the_derivative_alone(policy):
    """Negative control of the test above; the values stay."""
    (values, gradients), (expected, reference) = run(policy, False), run(snn.checkpointing.KeepAll(), False)
    assert_same(values, expected)
    assert all(jnp.max(jnp.abs(a - b)) > 0.1 * jnp.max(jnp.abs(b)) for a, b in zip(gradients, reference))


def test_truncation_is_that_of_its_definition():
    """Two chunks: the sum of the gradient of each, the second from a given start."""
    net, half = recurrent(), STEPS // 2
    record = snn.probes.Sum("out.v")

    def sine(found):
        return jnp.sum(jnp.sin(0.01 * found))

    def truncated(weight):
        changed = snn.set(net, "ih.weight", weight)
        policy = snn.checkpointing.Truncated(half, within=snn.checkpointing.KeepAll())
        run = snn.simulate(changed, inputs(RASTER[0]), steps=STEPS, key=KEY, record=record, checkpoint=policy)
        return sine(run.record)

    def in_parts(weight):
        changed = snn.set(net, "ih.weight", weight)
        first = snn.simulate(changed, inputs(RASTER[0]), steps=half, key=KEY, record=record)
        start = jax.tree.map(lambda x: jax.lax.stop_gradient(x), first.state)
        rest = inputs(RASTER[0][half:])  # rows count from where a run starts
        second = snn.simulate(changed, rest, steps=half, key=KEY, record=record, state=start)
        return sine(first.record + second.record)

    found, wanted = (jax.jit(jax.grad(f))(net["ih"].weight) for f in (truncated, in_parts))
    np.testing.assert_allclose(found, wanted, atol=2e-6 * float(jnp.max(jnp.abs(wanted))))


def test_with_noise_and_remainders():
    """Random numbers are the same the second time, in a number of steps that no level divides."""

    net = recurrent(noise=0.1)
    drive = snn.Poisson(100.0, 0.5, into="hid", most=1.0)

    def mean(weight, policy):
        changed = snn.set(net, "hh.weight", weight)
        run = snn.simulate(changed, drive, steps=59, key=KEY, record=snn.probes.Sum("out.v"), checkpoint=policy)
        return jnp.mean(run.record)

    slope = jax.jit(jax.value_and_grad(mean), static_argnums=1)
    (wanted, reference), (value, gradient) = (
        slope(0.1, policy) for policy in (snn.checkpointing.KeepAll(), snn.checkpointing.Recursive())
    )
    assert value == wanted
    np.testing.assert_allclose(gradient, reference, rtol=1e-5)


@functools.cache
def larger():
    return recurrent(n=32)


def memory(policy, steps):
    """Bytes that the compiled gradient needs beside its arguments and results."""
    net = larger()

    def loss(weight, raster):
        changed = snn.set(net, "hh.weight", weight)
        run = snn.simulate(
            changed, inputs(raster), steps=steps, key=KEY, record=snn.probes.Sum("out.v"), checkpoint=policy
        )
        return jnp.sum(run.record)

    batched = lambda weight, rasters: jnp.mean(jax.vmap(loss, in_axes=(None, 0))(weight, rasters))
    raster = jax.ShapeDtypeStruct((16, steps, 10), jnp.bool_)
    return jax.jit(jax.grad(batched)).lower(net["hh"].weight, raster).compile().memory_analysis().temp_size_in_bytes


def test_memory():
    """Sublinear: at 1 000 steps a fifteenth, and it grows with the root of time; without a policy it is linear."""
    plain, chunked, recursive = (
        memory(policy, 1000)
        for policy in (snn.checkpointing.KeepAll(), snn.checkpointing.Chunked(), snn.checkpointing.Recursive())
    )
    assert 15 * chunked < plain and recursive < chunked
    assert memory(snn.checkpointing.KeepAll(), 2000) > 1.9 * plain
    assert memory(snn.checkpointing.Chunked(), 4000) < 2.5 * chunked


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: snn.checkpointing.Chunked(0), "Chunked.steps is 0, expected a positive whole number"),
        (lambda: snn.checkpointing.Truncated(2.5), "Truncated.steps is 2.5, expected a positive whole number"),
        (lambda: snn.checkpointing.Recursive(1), "Recursive.levels is 1, expected a whole number of 2 or more"),
        (
            lambda: run(snn.checkpointing.Truncated(8)),
            "Truncated.steps is 8, expected a multiple of the probes' 5 steps",
        ),
    ],
)
def test_errors(make, says):
    with pytest.raises(ValueError, match=says):
        make()
