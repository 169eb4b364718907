"""The schedule for derivatives: which populations run together, and that it changes no number but by rounding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.models import silent
from jaxsnn.networks.layerwise import Layerwise, stages
from tests.gradients.nets import KEY, LABELS, LOSS, RASTER, STEPS, inputs, recurrent

DENSE = dict(topology=snn.AllToAll(), via=snn.Dense())


def graph(**edges):
    """Populations named by letters; `ab=None` is a same-step edge, `ab=2.0` one with a delay."""
    names = {name for edge in edges for name in edge}
    return snn.network(
        dt=1.0,
        key=KEY,
        populations={name: snn.Population(snn.LIF(), 2) for name in names},
        projections={edge: snn.Connection(edge[0], edge[1], **DENSE, delay=delay) for edge, delay in edges.items()},
    )


def of(net):
    return stages(net.populations, net.projections)


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        (dict(cb=None, ba=None), ["c", "b", "a"]),
        (dict(ab=None, bb=1.0, bc=None), ["a", "b", "c"]),
        (dict(ab=None, bc=None, cb=1.0, cd=None), ["a", "bc", "d"]),
        (dict(ab=1.0, bc=None), ["ab", "c"]),  # what is on its way is in a ring that both share
        (dict(ab=None, bc=None, ac=2.0), ["abc"]),  # so b, between them, runs with them
        (dict(ac=None, bc=None, cd=None, ce=None), ["a", "b", "c", "d", "e"]),
    ],
    ids=str,
)
def test_stages(edges, expected):
    assert ["".join(group) for group in of(graph(**edges))] == expected


def test_what_changes_with_use_is_stepped():
    """A plastic projection, and one with a release, have both ends in one stage."""
    for change in (dict(rule=snn.chain(snn.PairSTDP())), dict(release=snn.TsodyksMarkram())):
        links = {"ab": snn.Connection("a", "b", **DENSE, **change), "bc": snn.Connection("b", "c", **DENSE)}
        cells = {name: snn.Population(snn.LIF(), 2) for name in "abc"}
        net = snn.network(dt=1.0, key=KEY, populations=cells, projections=links)
        assert of(net) == (("a", "b"), ("c",))


def test_why_it_is_stepped_can_be_asked_for():
    """One reason each, and none where it runs layer after layer: the schedule itself does what is said."""
    reasons = {
        "PairSTDP": (dict(rule=snn.chain(snn.PairSTDP())), None, "'ab' is plastic"),
        "delay": (dict(delay=1.0), None, "no same-step edge"),
        "order": (dict(), Late(), "the order Late does not declare"),
        "layers": (dict(), None, None),
        "mine": (dict(), Plain(), None),
    }
    for change, order, says in reasons.values():
        cells = {name: snn.Population(snn.LIF(), 2) for name in "ab"}
        net = snn.network(
            dt=1.0,
            key=KEY,
            populations=cells,
            projections={"ab": snn.Connection("a", "b", **DENSE, **change)},
            order=order,
        )
        why = net.not_layerwise()
        assert (why is None) == (says is None) and (says or "") in (why or "")
        assert isinstance(net.prepare(snn.simulation.Reverse(input_known=True)), Layerwise) == (says is None)


class Late(snn.NestOrder):
    """Steps of its own, of which nothing is declared."""

    def step(self, net, state, inputs, t, key):
        return super().step(net, state, inputs, t, key)


class Plain(snn.NestOrder):
    """Another name for the same steps."""


def mixed():
    """Three stages: inputs; two noisy populations with sparse delays, two ports and a matrix; a read-out."""
    cell = snn.LIF(tau=10.0, v_th=1.0, noise=0.2, t_ref=2.0)
    ports = {"in": snn.Delta(), "exc": snn.Exponential(5.0)}
    return snn.network(
        dt=1.0,
        key=KEY,
        populations={
            "S": snn.SpikeSource(10),
            "B": snn.Population(cell, 7, ports=ports),
            "A": snn.Population(cell, 5),
            "R": snn.Population(snn.LI(), 3),
        },
        projections={
            "SB": snn.Connection("S", "B.exc", snn.FixedProb(0.5), weight=1.5),
            "BB": snn.Connection("B", "B.exc", snn.FixedProb(0.5), weight=0.1, delay=snn.Uniform(1.0, 4.0)),
            "BA": snn.Connection("B", "A", **DENSE, weight=snn.Normal(0.2, 0.1)),
            "AB": snn.Connection("A", "B.in", **DENSE, weight=-0.2, delay=2.0),
            "SA": snn.Connection("S", "A", **DENSE, weight=0.1),
            "AR": snn.Connection("A", "R", **DENSE, weight=1.0),
        },
    )


def test_a_chunk_is_the_same():
    """Spikes, every state, what is in the ring, and a start at any step: as step by step, in float32 to rounding."""
    net, drive = mixed(), snn.Replay(jnp.asarray(RASTER[0]), into="S") + snn.NoiseCurrent(0.3, 0.1, into="A")
    assert isinstance(net.prepare(snn.simulation.Reverse(input_known=True)), Layerwise)

    def chunk(weight, state):
        changed = snn.set(net, "BA.weight", weight)
        record = [snn.Trace(path) for path in ("A.v", "B.v", "B.exc.i", "R.v")] + [snn.Count("A"), snn.Raster("B")]
        run = snn.simulate(changed, drive, steps=26, key=KEY, state=state, record=record, chunk=13)
        return (run.record, run.state), run.status

    @jax.jit
    def differentiable(weight, state):  # a derivative is asked for
        return jax.jvp(lambda weight: chunk(weight, state), (weight,), (jnp.zeros_like(weight),))[0]

    weight, step_by_step = net["BA"].weight, jax.jit(chunk)
    start = lambda key: snn.simulation.RunState(
        jnp.int32(0), net.init(key=key), drive.init(key=key), silent(net.sizes, jnp.float32)
    )
    first = step_by_step(weight, jax.jit(start)(KEY))[0][1]  # 26 steps are no multiple of the ring's slots
    (plain, status), (arranged, again) = step_by_step(weight, first), differentiable(weight, first)
    assert status == again == 0
    assert jnp.sum(plain[0][4]) > 5 and jnp.any(plain[1].model.ring != 0)
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(arranged), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


class Echo(snn.drives.AbstractDrive):
    """An environment: it feeds back what fired in the step before."""

    def prepare(self, model, first):
        return self

    def step(self, d, t, signals, *, key):
        return d, snn.simulation.Inputs(arrivals={"in.in": 0.5 * (1.0 + signals.spikes["hid"][:10])})


class Liar(Echo):
    """It says that it does not look."""

    @property
    def closed_loop(self):
        return False


def test_an_environment_is_fed_step_by_step():
    """A drive that reacts sees the step before, also when differentiated. Control: one that hides it does not."""

    net = recurrent()

    def run(weight, drive):
        changed = snn.set(net, "ih.weight", weight)
        return jnp.sum(snn.simulate(changed, drive, steps=40, key=KEY, record=snn.Count("hid")).record)

    differentiated = jax.jit(lambda *args: jax.value_and_grad(run)(*args)[0])  # of which the value is asked for
    weight = net["ih"].weight
    alone = jax.jit(run)(weight, Echo())
    assert alone > 10
    assert differentiated(weight, Echo()) == alone
    assert differentiated(weight, Liar()) != alone


class StepByStep(snn.drives.AbstractDrive):
    """The same input, without saying that it may be fed ahead."""

    inner: snn.drives.AbstractDrive

    @property
    def steps(self):
        return self.inner.steps

    def per_example(self):
        return StepByStep(self.inner.per_example())

    def prepare(self, model, first):
        return StepByStep(self.inner.prepare(model, first))

    def step(self, d, t, signals, *, key):
        return self.inner.step(d, t, signals, key=key)


def test_gradients_are_the_same():
    net, loss = recurrent(noise=0.05), LOSS + 1e-4 * snn.losses.UpperRate("hid", 50.0)
    est = snn.BPTT(wrt=("*.weight", "hid.neuron.tau"), checkpoint=snn.checkpointing.Chunked(20))
    (value, staged), (expected, stepped) = (
        est.value_and_grad(loss, net, drive, jnp.asarray(LABELS), key=KEY) for drive in (inputs(), StepByStep(inputs()))
    )
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    for a, b in zip(jax.tree.leaves(staged), jax.tree.leaves(stepped), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6 * float(jnp.max(jnp.abs(b))))
    assert STEPS % 20
