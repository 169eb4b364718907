"""A batch divided among cores: the same value and gradient as in one piece, and only where that is worth a call."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn._time import on_grid
from jaxsnn.gradients import parallel
from jaxsnn.gradients.batch import examples
from jaxsnn.gradients.estimator import _estimate
from jaxsnn.gradients.parallel import Microbatches, estimate_microbatches, plan_microbatches
from tests.gradients.nets import EXAMPLES, KEY, LABELS, LOSS, RASTER, inputs, recurrent

NET = recurrent(noise=0.1)  # random numbers, so that parts must keep the keys of their examples
SPIKES = np.asarray(RASTER, np.float32)
BATCH = examples(on_grid(inputs(SPIKES), NET.dt), jnp.asarray(LABELS), None, KEY)  # as `value_and_grad` makes it
BPTT = snn.BPTT(checkpoint=snn.checkpointing.KeepAll())


def apart(found, expected):
    """The largest difference, relative to the largest number of each array."""
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    return max(float(jnp.max(jnp.abs(a - b)) / jnp.max(jnp.abs(b))) for a, b in pairs)


@pytest.mark.parametrize("how", [Microbatches(1, 2), Microbatches(2, 2)], ids=str)
def test_parts_add_up_to_the_whole(how):
    value, gradient, status = estimate_microbatches(BPTT, LOSS, NET, BATCH, how)
    whole = _estimate(BPTT, LOSS, NET, BATCH)
    assert apart((value, gradient), whole[:2]) < 1e-5
    assert status == 0
    half = _estimate(BPTT, LOSS, NET, BATCH.take(jnp.arange(EXAMPLES) % (EXAMPLES // 2)))  # its mean, twice
    assert apart((value, gradient), half[:2]) > 1e-2  # control: a part that is left out is seen


def test_any_estimator_can_be_divided():
    net, loss = recurrent(), snn.losses.StepCrossEntropy("out.v")
    est = snn.EProp()
    found, whole = estimate_microbatches(est, loss, net, BATCH, Microbatches(2, 2)), _estimate(est, loss, net, BATCH)
    assert apart(found[:2], whole[:2]) < 1e-5


def test_a_part_that_went_wrong_is_reported():
    broken = SPIKES.copy()
    broken[2] = 3e38  # finite, and what adds up of it is not
    batch = examples(on_grid(inputs(broken), NET.dt), jnp.asarray(LABELS), None, KEY)
    *_, status = estimate_microbatches(BPTT, LOSS, NET, batch, Microbatches(1, 2))
    assert snn.Status(int(status)) & snn.Status.NOT_FINITE


def test_small_work_stays_whole_and_large_work_is_divided(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 4)
    assert plan_microbatches(2048, 16, 500, BATCH) == Microbatches(2, 4)  # 8 parts of 2 million, two for every core
    assert plan_microbatches(2048, 2, 1000, BATCH) is None  # an example has less than a step is worth starting
    assert plan_microbatches(2048, 12, 1000, BATCH) == Microbatches(2, 3)  # 6 parts, two for each of three cores
    assert plan_microbatches(200, 64, 100, BATCH) is None  # a part would be less than a call is worth
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    assert plan_microbatches(2048, 16, 500, BATCH) is None


def test_inside_jit_the_batch_is_whole(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 2)
    seen = []
    jax.eval_shape(lambda batch: seen.append(plan_microbatches(2048, 16, 500, batch)), BATCH)
    assert seen == [None] and plan_microbatches(2048, 16, 500, BATCH) == Microbatches(2, 2)


def test_value_and_grad_divides(monkeypatch):
    """As a user calls it: the same numbers, up to the order of sums, whether the batch is divided or not."""
    call = lambda: BPTT.value_and_grad(LOSS, NET, inputs(SPIKES), jnp.asarray(LABELS), key=KEY)
    whole, used = call(), []
    divided = lambda *args: used.append(args[-1]) or estimate_microbatches(*args)
    monkeypatch.setattr("jaxsnn.gradients.estimator.estimate_microbatches", divided)
    monkeypatch.setattr("jaxsnn.gradients.estimator.plan_microbatches", lambda *args: Microbatches(2, 2))
    assert apart(call(), whole) < 1e-5 and used == [Microbatches(2, 2)]


def test_those_at_work_share_the_memory():
    est = snn.BPTT(memory=1e6)
    assert est.sharing_memory(2).memory == 5e5 and snn.BPTT(memory="auto").sharing_memory(4).memory > 1e6
    assert snn.BPTT().sharing_memory(2).memory is None
