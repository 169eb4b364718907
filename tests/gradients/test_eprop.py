"""E-prop equals BPTT with the paths cut that it leaves out, differs where it must, and needs no memory of time."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn as snn
from jaxsnn._time import on_grid
from jaxsnn.gradients.batch import examples
from jaxsnn.gradients.estimator import _estimate
from jaxsnn.gradients.walk import reads
from tests.gradients.cut import cut
from tests.gradients.online import (
    EXAMPLES,
    KEY,
    N_IN,
    N_OUT,
    RASTER,
    STEPS,
    TARGET,
    N,
    NotAdapting,
    PartlyDetached,
    Regression,
    bellec,
    bptt,
    disagreement,
    grads,
    lif,
    single,
    stacked,
)
from tests.refused import refused


@pytest.mark.usefixtures("x64")
def test_equals_bptt_with_cut_paths_through_two_layers():
    """Refractory LIF, currents and jumps, a delay for every synapse, regularisers; and full BPTT is something else."""
    value, gradient = grads(snn.EProp(), stacked(lif()))
    detached = stacked(lif(detach=True))
    at, oracle = grads(bptt(), cut(detached))
    np.testing.assert_allclose(value, at, rtol=1e-12)
    assert disagreement(gradient, oracle) < 1e-10
    assert min(float(jnp.max(jnp.abs(g))) for g in jax.tree.leaves(gradient)) > 0.1
    assert disagreement(gradient, grads(bptt(), cut(detached, 1.0))[1]) > 1e-2  # paths between spikes kept


@pytest.mark.usefixtures("x64")
def test_equals_bptt_with_cut_paths_for_adaptive_neurons():
    """Lists of synapses; with the path through the reset, or without the one through adaptation, it is not BPTT."""
    gradient = grads(snn.EProp(), single(bellec(), via=snn.Sparse()))[1]

    def apart(reset, adaptation):
        """From BPTT with this part of the derivatives through the reset, and through adaptation."""
        cell = bellec(kind=NotAdapting, through=adaptation, reset_mechanism=PartlyDetached(through=reset))
        return disagreement(gradient, grads(bptt(), cut(single(cell, via=snn.Sparse())))[1])

    assert apart(reset=0.0, adaptation=1.0) < 1e-10
    assert apart(reset=1.0, adaptation=1.0) > 1e-2
    assert apart(reset=0.0, adaptation=0.0) > 1e-2


def test_single_precision_and_one_weight_for_all_synapses():
    net = single(lif(), weight=0.3)
    gradient, oracle = grads(snn.EProp(), net)[1], grads(bptt(), cut(single(lif(detach=True), weight=0.3)))[1]
    assert gradient["ih"].weight.shape == ()
    for name in ("ih", "ho"):  # all neurons fire together, and are deaf when that comes back
        assert disagreement(gradient[name].weight, oracle[name].weight) < 1e-4


def temporary_bytes(est, steps):
    """What XLA needs beside arguments and results."""
    net = single(lif())
    raster, target = np.zeros((EXAMPLES, steps, N_IN), bool), jnp.zeros((EXAMPLES, steps, N_OUT))
    batch = examples(on_grid(snn.Replay(jnp.asarray(raster), into="in"), net.dt), target, None, KEY)
    compiled = _estimate.lower(est, Regression(), net, batch).compile()
    return compiled.compiled.memory_analysis().temp_size_in_bytes


def test_memory_does_not_grow_with_time():
    assert temporary_bytes(snn.EProp(), 8 * STEPS) <= 1.01 * temporary_bytes(snn.EProp(), STEPS)
    assert temporary_bytes(bptt(), 8 * STEPS) > 4 * temporary_bytes(bptt(), STEPS)  # the same measure sees what grows


def test_updates_inside_the_trial():
    """One update at the end is plain descent; several move the weights on the way, and lose less."""
    net, optimiser, est = single(lif()), optax.sgd(1e-3), snn.EProp()
    drive, target = snn.Replay(jnp.asarray(RASTER), into="in"), jnp.asarray(TARGET, jnp.float32)

    def trial(every):
        state = optimiser.init(est.parameters(net))
        with jax.numpy_dtype_promotion("standard"):  # optax
            return est.learn(Regression(), net, drive, target, optimiser, state, every=every, key=KEY)[:2]

    value, gradient = grads(est, net)
    at_end, moved = trial(STEPS)
    np.testing.assert_allclose(at_end, value, rtol=1e-6)
    descent = eqx.apply_updates(net, jax.tree.map(lambda g: -1e-3 * g, gradient))
    for a, b in zip(jax.tree.leaves(moved), jax.tree.leaves(descent), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert trial(1)[0] < value
    with refused("every = 7", "divisor", "60"):
        trial(7)


def test_random_feedback_changes_hidden_gradients_alone():
    net = single(lif())
    symmetric, other = (
        grads(snn.EProp(feedback=f), net)[1]
        for f in (snn.feedback.SymmetricFeedback(), snn.feedback.RandomFeedback.start(net, key=jax.random.key(5)))
    )
    np.testing.assert_allclose(other["ho"].weight, symmetric["ho"].weight, rtol=1e-6)
    assert disagreement(other["ih"].weight, symmetric["ih"].weight) > 0.1
    with refused("RandomFeedback", "'hid-out.in'", "start"):
        grads(snn.EProp(feedback=snn.feedback.RandomFeedback({})), net)


def test_adaptive_feedback_aligns():
    """Any updates at all bring `B` to the read-out's weights; without decay the distance stays."""
    before = single(lif())
    changed = lambda net, by: snn.set(net, "ho.weight", net["ho"].weight + by)
    follow = eqx.filter_jit(lambda est, net, by: (est.follow(net, changed(net, by)), changed(net, by)))
    for decay, closer in ((0.1, 1e-3), (0.0, 1.0)):
        est = snn.EProp(feedback=snn.feedback.AdaptiveFeedback.start(before, decay=decay, key=jax.random.key(5)))
        distance = lambda est, net: float(jnp.max(jnp.abs(est.feedback.weights["hid-out.in"] - net["ho"].weight)))
        net, first = before, distance(est, before)
        for i in range(80):
            change = 0.1 * np.random.default_rng(i).normal(size=(N, N_OUT))
            est, net = follow(est, net, jnp.asarray(change, jnp.float32))
        np.testing.assert_allclose(distance(est, net) / first, closer if decay == 0.0 else 0.0, atol=1e-3)


class Total(snn.losses.AbstractReadout):
    probe: snn.probes.AbstractProbe

    def of(self, found, target):
        return jnp.sum(found)


DENSE = dict(topology=snn.AllToAll(), via=snn.Dense())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            dict(projections={"ho": snn.Connection("hid", "out", **DENSE, delay=1.0)}),
            ("'ho'", "'out'", "delay=None", "BPTT"),
        ),
        (dict(populations={"out": snn.Population(snn.LI([9.0, 8.0]), 2)}), ("'out'", "time constants", "BPTT")),
        (
            dict(
                populations={"out": snn.Population(snn.LI(), 2, {"in": snn.Conductance()})},
                projections={"ho": snn.Connection("hid", "out", **DENSE, weight=0.1)},
            ),
            ("out.in is Conductance",),
        ),
        (
            dict(order=snn.BrianOrder(), projections={"ho": snn.Connection("hid", "out", **DENSE, delay=1.0)}),
            ("BrianOrder",),
        ),
    ],
)
def test_what_it_cannot_handle_is_named(changes, says):
    with refused("EProp", *says):
        grads(snn.EProp(), single(lif(), **changes))


def test_other_errors_name_the_part():
    with refused("EProp", "the loss Total is no sum over steps", "AbstractSummedLoss", "BPTT"):
        grads(snn.EProp(), single(lif()), loss=Total(snn.probes.Sum("out.v")), target=None)
    with refused("EProp", "'hid'", "'*.weight'", "BPTT or RTRL"):
        grads(snn.EProp(wrt=("*.weight", "hid.neuron.tau")), single(lif()))


def test_what_a_loss_reads():
    """Leaf by leaf, through whatever the value is computed by; a product with a zero is read."""
    x = {"a": jnp.ones(3), "b": jnp.ones(3), "c": jnp.ones(3)}
    of = lambda x, y: jnp.sum(jnp.where(x["a"] > 0, jax.nn.log_softmax(x["c"]), 0.0 * y[0]))
    assert reads(of, x, [jnp.ones(3), jnp.ones(3)]) == ({"a": True, "b": False, "c": True}, [True, False])
