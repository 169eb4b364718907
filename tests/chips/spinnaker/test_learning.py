"""Networks that learn by pairs of spikes become programs of SpiNNaker that learn alike; what is refused and why."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.chips import spinnaker

TARGET, KEY, N, STEPS = spinnaker.SpiNNaker1(), jax.random.key(0), 40, 1200
PAIR = snn.PairSTDP(a_plus=0.05, a_minus=0.06, tau_minus=30.0)
BOUND = snn.Bound(0.0, 2.0)
RULES = {
    "additive": snn.chain(PAIR, BOUND),
    "first": snn.chain(PAIR, BOUND, coincident_pairs=snn.plasticity.PreBeforePost()),
    "soft": snn.chain(PAIR, snn.SoftBound(0.0, 2.0)),
    "guetig": snn.PairSTDP(a_plus=0.03, a_minus=0.03, dependence=snn.plasticity.Guetig(w_max=2.0)),
}


def taught(rules=RULES, delay=3.0, order=None, dt=1.0, **more):
    """A neuron for each rule, which a teacher makes fire whatever it learns of inputs that are far too weak."""
    cell = snn.LIF(tau=20.0, v_rest=-65.0, v_reset=-65.0, v_th=-50.0, t_ref=6.0)
    cells = {f"E {name}": snn.Population(cell, 1, ports={"in": snn.Exponential(1.0)}) for name in rules}
    cells |= {"in": snn.SpikeSource(N), "t": snn.SpikeSource(1)}
    links = {f"teach {name}": snn.Connection("t", f"E {name}", snn.AllToAll(), weight=200.0, delay=2.0) for name in rules}
    links |= {
        name: snn.Connection("in", f"E {name}", snn.AllToAll(), weight=1.0, delay=delay, rule=rule, **more)
        for name, rule in rules.items()
    }
    return snn.network(dt=dt, key=KEY, populations=cells, projections=links, order=order)


def spikes(rate=0.04):
    rng = np.random.default_rng(3)
    inputs, teacher = rng.random((STEPS, N)) < rate, rng.random((STEPS, 1)) < 0.05
    return snn.Replay(inputs.astype(np.float32), into="in") + snn.Replay(teacher.astype(np.float32), into="t")


def learned(net, made, drive):
    """Weights at the end, in the model's unit: of the model, and on the machine."""
    run = lambda model: snn.simulate(model, drive, steps=STEPS, key=KEY, record={}, progress=snn.progress.Quiet())
    model, chip = net.learned(run(net).state), run(made.program).state.model.synapses
    for name, edge in made.graph.edges.items():
        if edge.rule is not None:
            scale = made.graph.cells[edge.post]["scale"]
            yield (
                name,
                np.asarray(model[name].weight),
                np.asarray(chip[name].w) / float(edge.rule.per_unit(scale, edge)),
            )


@functools.cache
def lowered():
    net = taught()
    return net, snn.lower(net, TARGET, calibrate=snn.lowering.Calibration(spikes(), steps=STEPS, key=KEY))


def test_every_rule_learns_as_the_model():
    """Within what rounding of every change to lowest bits of a row adds up to, and better than with a step of shift."""
    net, made = lowered()
    names = []
    for name, ours, theirs in learned(net, made, spikes()):
        names.append(name)
        start, data = 1.0, made.report.data["links"][name]["learning"]
        assert data["time shift, steps"] == 1 and data["learned"]["correlation"] > 0.97, (name, data)
        assert np.std(ours - start) > 0.1
        assert np.corrcoef(ours, theirs)[0, 1] > 0.97, name
        assert np.mean(np.abs(ours - theirs)) < 0.15 * np.mean(np.abs(ours - start)), name
    assert set(names) == set(RULES)
    drive = spikes()
    later = eqx.tree_at(lambda d: d.drives[1].x, drive, jnp.roll(drive.drives[1].x, 4, axis=0))  # control
    for (name, ours, _), (_, _, theirs) in zip(learned(net, made, drive), learned(net, made, later), strict=True):
        assert np.corrcoef(ours, theirs)[0, 1] < 0.9, name
