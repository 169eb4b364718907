"""BPTT within a number of bytes: the fastest checkpoints that fit, by what XLA itself says, with the same gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.gradients.batch import examples
from jaxsnn.gradients.budget import Cost, within
from jaxsnn.gradients.estimator import _estimate
from tests.gradients.nets import KEY, LABELS, LOSS, RASTER, inputs, recurrent


def kept(policy, steps):
    """A model of a run: 1 000 bytes for every step that is kept, 100 for the start of every chunk, 50 of weights."""
    cost = Cost(1000.0, 100.0)
    return jax.ShapeDtypeStruct((50 + round(cost.of(policy, steps)),), jnp.int8)


@pytest.mark.parametrize(
    ("memory", "policy"),
    [
        (1e6, snn.checkpointing.KeepAll()),
        (999_999, snn.checkpointing.Chunked(512)),
        (40_000, snn.checkpointing.Chunked(32)),
        (20_000, snn.checkpointing.Chunked(16)),  # 10 of which divide the run
        (10_000, snn.checkpointing.Recursive(3)),
    ],
)
def test_the_fastest_that_fits(memory, policy):
    chosen = within(memory, 1000, kept)
    assert type(chosen) is type(policy)
    assert getattr(chosen, "steps", 0) == getattr(policy, "steps", 0)
    assert Cost(1000.0, 100.0).of(chosen, 1000) <= memory


def test_by_what_the_compiler_says():
    """The same gradient, and beside weights and inputs no more memory than was given; with all kept it is more."""
    raster = np.tile(RASTER, (1, 10, 1))
    net, data = recurrent(n=32), examples(inputs(raster), jnp.asarray(LABELS), None, KEY)
    programs = [_estimate.lower(snn.BPTT(memory=m), LOSS, net, data).compile() for m in (1e9, 2e5)]
    plain, small = (program.compiled.memory_analysis().temp_size_in_bytes for program in programs)
    weights = 4 * sum(net[name].weight.size for name in ("ih", "hh", "ho"))
    assert small < 2e5 + 4 * weights + raster.size and plain > 10 * small
    (_, wanted, _), (_, found, _) = (p(snn.BPTT(memory=m), LOSS, net, data) for p, m in zip(programs, (1e9, 2e5)))
    for name in ("ih", "hh", "ho"):
        scale = float(jnp.max(jnp.abs(wanted[name].weight)))
        np.testing.assert_allclose(found[name].weight, wanted[name].weight, atol=1e-6 * scale)


def test_errors():
    with pytest.raises(ValueError, match=r"BPTT\.memory is -1, expected a positive number of bytes"):
        snn.BPTT(memory=-1)
    with pytest.raises(ValueError, match=r"BPTT\.memory is 1000 bytes, but 1000 steps of this batch keep .* at least"):
        within(1000, 1000, kept)
