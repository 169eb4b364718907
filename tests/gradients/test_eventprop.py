"""EventProp on the grid converges to the event-driven oracle, in every layout, and says what it cannot handle."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn import _time
from jaxsnn.gradients.batch import examples
from jaxsnn.gradients.estimator import _estimate
from tests.gradients.grid import KEY, OracleLoss, as_oracle, on_grid
from tests.oracles.event_driven import Loss, example, example_loss, run, value_and_grad
from tests.refused import refused

pytestmark = pytest.mark.unoptimised

CIRCUITS = [example(t_ref=1.7, seed=seed, end=30.0) for seed in range(10)]


def error(circuit, oracle, dt, **controls):
    """The relative error of the gradient by weights and by delays."""
    net, drive, _ = on_grid(circuit, dt, via=snn.Sparse())
    est = snn.EventProp(delays="*.delay")
    _, gradient = est.value_and_grad(OracleLoss(dt=dt, **controls), net, drive, None, key=KEY)
    got = [as_oracle(gradient, circuit, part) for part in ("weight", "delay")]
    return [np.linalg.norm(x - y) / np.linalg.norm(y) for x, y in zip(got, oracle)]


@pytest.mark.usefixtures("x64")
def test_converges_to_the_event_driven_gradient_at_first_order():
    """Ten recurrent circuits with delays and refractoriness, one neuron at `tau_m == tau_s`; controls do not converge.

    Where a crossing falls between two points of the grid is chance, hence the geometric mean over circuits. At 0.1,
    0.025 and 0.00625 ms it was 0.12, 0.027, 0.0049 for weights, 0.23, 0.054, 0.0095 for delays (`tests.agreement`).
    """
    oracles = [value_and_grad(circuit, example_loss()) for circuit in CIRCUITS]
    assert min(len(spikes) for *_, spikes in oracles) >= 15
    steps = np.array([0.1, 0.0125])
    errors = [[error(c, o[1:3], float(dt)) for c, o in zip(CIRCUITS, oracles)] for dt in steps]
    for of_part in np.moveaxis(np.exp(np.mean(np.log(errors), axis=1)), -1, 0):
        order = np.log(of_part[0] / of_part[1]) / np.log(steps[0] / steps[1])
        assert 0.9 < order < 1.4, of_part
        assert of_part[-1] < 0.04, of_part
    circuit, oracle = CIRCUITS[0], oracles[0][1:3]
    no_restart = value_and_grad(circuit, example_loss(), restarts=False)[1:3]
    assert min(error(circuit, no_restart, 0.0125)) > 0.05
    assert min(error(circuit, oracle, 0.0125, membrane=0.0)) > 0.05
    assert min(error(circuit, oracle, 0.0125, spikes=0.0)) > 0.05


class SumOfFirstSpikes(snn.losses.AbstractReadout):
    """A function of the first spikes' times alone."""

    probe: snn.probes.AbstractProbe = snn.FirstSpike("hid")

    def of(self, found, target):
        return jnp.sum(found)


@pytest.mark.usefixtures("x64")
def test_first_spikes_have_times():
    """The sum of all first spike times of the hidden neurons, against the oracle; later spikes do not count."""
    circuit, dt = CIRCUITS[0], 0.0125
    firsts = dict(reversed(run(circuit)[1]))
    assert len(firsts) == 5
    loss = Loss(lambda j, t: (t, float(t == firsts[j])), lambda j, v: (0.0 * v, 0.0 * v))
    _, *oracle, _ = value_and_grad(circuit, loss)
    net, drive, _ = on_grid(circuit, dt, via=snn.Sparse())
    _, gradient = snn.EventProp(delays="*.delay").value_and_grad(SumOfFirstSpikes(), net, drive, None, key=KEY)
    for part, want in zip(("weight", "delay"), oracle):
        error = np.linalg.norm(as_oracle(gradient, circuit, part) - want) / np.linalg.norm(want)
        assert error < 0.03, (part, error)


def layered(*, via=snn.Dense(), delays=(2.0, 0.5), hidden=None, port=None, order=None, topology=snn.AllToAll()):
    """Inputs, spiking hidden neurons with recurrence, a same-step read-out."""
    port = snn.Exponential(3.0) if port is None else port
    hidden = snn.LIF(tau=8.0, v_th=1.0, t_ref=1.0) if hidden is None else hidden
    link = dict(topology=topology, via=via)
    return snn.network(
        dt=0.25,
        key=jax.random.key(3),
        order=order,
        populations={
            "in": snn.SpikeSource(5),
            "hid": snn.Population(hidden, 6, ports={"in": port}),
            "out": snn.Population(snn.LI(8.0), 3, ports={"in": snn.Exponential(4.0)}),
        },
        projections={
            "ih": snn.Connection("in", "hid", **link, weight=snn.Uniform(0.5, 2.0), delay=delays[0]),
            "hh": snn.Connection("hid", "hid", **link, weight=snn.Normal(0.0, 0.5), delay=delays[1]),
            "ho": snn.Connection(
                "hid", "out", **link, weight=snn.Normal(0.0, 1.0), delay=None if order is None else 0.25
            ),
        },
    )


RASTER = np.random.default_rng(1).random((3, 101, 5)) < 0.05
LABELS = np.arange(3, dtype=np.int32)


def cross_entropy():
    return snn.CrossEntropy(snn.probes.Max("out.v"))


def grads(net, *, raster=RASTER, labels=LABELS, loss=None, **choices):
    est, labels = snn.EventProp(**{"delays": "*.delay", **choices}), jnp.asarray(labels)
    loss = cross_entropy() if loss is None else loss
    return est.value_and_grad(loss, net, snn.Replay(jnp.asarray(raster), into="in"), labels, key=KEY)


def leaves(gradient):
    return [np.ravel(x) for x in jax.tree.leaves(gradient)]


@pytest.mark.usefixtures("x64")
def test_layouts_chunks_and_batches_agree():
    """Matrices equal lists of synapses; a chunk of any length gives the same; a batch is the mean of its examples."""
    value, dense = grads(layered())
    assert all(np.any(x != 0) for x in leaves(dense))
    one = lambda i: dict(raster=RASTER[i : i + 1], labels=LABELS[i : i + 1])
    alone = [grads(layered(via=snn.Sparse()), chunk=7, **one(i)) for i in range(3)]
    np.testing.assert_allclose(value, np.mean([v for v, _ in alone]), rtol=1e-12)
    for whole, *parts in zip(leaves(dense), *(leaves(g) for _, g in alone)):
        np.testing.assert_allclose(whole, np.mean(parts, axis=0), rtol=1e-9, atol=1e-12)


def test_optimisers_get_what_they_expect():
    """Weights alone by default, in the shape of the network; a step makes the loss smaller."""
    net = layered()
    value, gradient = grads(net, delays=())
    assert gradient["ih"].delay is None and gradient["ih"].weight.shape == (5, 6)
    moved = eqx.apply_updates(net, jax.tree.map(lambda g: -0.02 * g, gradient))
    assert grads(moved, delays=())[0] < value


def test_memory_grows_with_the_root_of_time():
    """Sixteen times the steps, about four times the memory beside arguments and results (measured: three times)."""

    def temporary_bytes(steps):
        drive = _time.on_grid(snn.Replay(jnp.zeros((3, steps, 5), bool), into="in"), 0.25)
        batch = examples(drive, jnp.zeros(3, jnp.int32), None, KEY)
        compiled = _estimate.lower(snn.EventProp(), cross_entropy(), layered(), batch).compile()
        return compiled.compiled.memory_analysis().temp_size_in_bytes

    assert temporary_bytes(16 * 101) < 4.5 * temporary_bytes(101)


def test_delays_are_learnt_in_ms():
    """The way of the documentation: descend on delays in ms, beside the network; from 2 ms off, they find a target."""
    target = snn.simulate(layered(delays=(4.0, 0.5)), _one(), steps=101, key=KEY, record=snn.Trace("out.v")).record

    class Distance(snn.losses.AbstractSummedLoss):
        def at(self, target, t):
            return target[t]

        def now(self, signals, target_t, t):
            return jnp.sum((signals.state["out"]["v"] - target_t) ** 2)

    net = layered()
    net = eqx.tree_at(lambda n: n.projections["ih"], net, layered(delays=(5.0, 0.5)).projections["ih"])
    ms, values = 2.0, []
    for _ in range(12):
        net = snn.set(net, "ih.delay", jnp.round(ms / net.dt))
        value, gradient = grads(net, raster=RASTER[:1], labels=target[None], loss=Distance())
        ms -= 0.4 * float(jnp.sign(gradient["ih"].delay))
        values.append(float(value))
    assert min(values) < 0.1 * values[0], values


def _one():
    return snn.Replay(jnp.asarray(RASTER[0]), into="in")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (dict(port=snn.Delta()), ("EventProp: hid.in is Delta", "Exponential", "BPTT")),
        (dict(port=snn.Alpha(3.0)), ("EventProp: hid.in is Alpha",)),
        (
            dict(hidden=snn.LIF(reset_mechanism=snn.resets.Subtract())),
            ("hid.neuron.reset_mechanism is Subtract", "ToValue"),
        ),
        (dict(hidden=snn.LIF(refractory_input=snn.refractory.Ungated())), ("refractory_input is Ungated", "Clamp")),
        (dict(hidden=snn.LIF(reset_time=snn.resets.NextStep())), ("hid.neuron.reset_time", "SameStep")),
        (dict(hidden=snn.LIF(noise=0.1)), ("hid.neuron.noise", "BPTT")),
        (dict(hidden=snn.ALIF()), ("hid.neuron is ALIF", "expected LIF", "BPTT")),
    ],
)
def test_what_it_cannot_handle_is_named(changes, says):
    with refused(*says):
        grads(layered(**changes))


def test_other_errors_name_the_part():
    with refused("EventProp", "`wrt`", "'hid'", "BPTT"):
        grads(layered(), wrt=("*.weight", "hid.neuron.tau"))
    with refused("EventProp", "`delays`", "'*.dealy'", "'ih'"):
        grads(layered(), delays="*.dealy")
    with refused("EventProp", "'out.in.i'", "spikes and membranes", "BPTT"):
        grads(layered(), loss=snn.CrossEntropy(snn.probes.Sum("out.in.i")))


def test_the_order_of_events_does_not_matter_to_currents():
    """Brian2's order: arrivals only touch currents, so that gradients are those of NEST's."""
    nest = eqx.tree_at(lambda n: n.projections["ho"], layered(), layered(order=snn.BrianOrder()).projections["ho"])
    brian = layered(order=snn.BrianOrder())
    late = np.pad(RASTER, ((0, 0), (1, 0), (0, 0)))[:, :-1]  # a Source sends in the next step there
    a, b = grads(nest, raster=late)[1], grads(brian)[1]
    for x, y in zip(leaves(a), leaves(b)):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)
