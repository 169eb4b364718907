"""Cells with a current of their own, lowered: every recursion that the chip has, in Lava's arithmetic."""

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

KEY, STEPS = jax.random.key(1), 400
TAU_SYN, TAU = 4096 / 1024, 4096 / 256  # decays that 12 bits hold exactly
RECURSIONS = {
    "new": snn.neurons.CurrentAfterInput(),
    "old": snn.neurons.CurrentBeforeInput(),
    "decaying": snn.neurons.DecayingCurrent(),
}


def network():
    """Three layers on one input: Loihi's and lava-dl's recursion, Norse's `lsnn`, NEST's `iaf_psc_exp`."""
    rng = np.random.default_rng(2)
    cell = lambda recursion, decay: snn.CubaLIF(
        tau_syn=TAU_SYN, tau=TAU, v_th=1.0, t_ref=2.0, bias=1 / 256, recursion=recursion, decay=decay
    )
    exact = snn.neurons.ExactDecay()
    cells = {
        name: snn.Population(cell(r, exact if name == "decaying" else snn.neurons.EulerDecay()), 6)
        for name, r in RECURSIONS.items()
    }
    weight = jnp.asarray(rng.integers(-40, 64, (12, 6)) / 1024, jnp.float32)
    links = {
        f"in-{name}": snn.Connection("in", name, snn.AllToAll(), via=snn.Dense(), weight=weight, delay=1.0)
        for name in cells
    }
    back = jnp.asarray(rng.integers(-32, 32, (6, 6)) / 512, jnp.float32)
    links["back"] = snn.Connection("new", "new", snn.AllToAll(), via=snn.Dense(), weight=back, delay=2.0)
    return snn.network(dt=1.0, key=KEY, populations={"in": snn.SpikeSource(12), **cells}, projections=links)


def test_every_recursion_spikes_as_the_model_does():
    """At the weights' full precision only roundings are left; another recursion differs, so the agreement says much."""
    x = jnp.asarray(np.random.default_rng(3).random((STEPS, 12)) < 0.15, jnp.float32)
    net, drive = network(), snn.Replay(x, into="in")
    program, _, report = snn.lower(net, snn.chips.loihi.Loihi1(core=snn.chips.loihi.LavaCore()), calibrate=drive)
    found = report.data["agreement"]
    assert min(found[name]["rate of the model Hz"] for name in RECURSIONS) > 20, found
    assert min(found[name]["coincidence"] for name in RECURSIONS) > 0.97, found
    record = {name: snn.Raster(name) for name in RECURSIONS} | {"v": snn.Trace("old.v")}
    ours = snn.simulate(program, drive, steps=STEPS, key=KEY, record=record)
    other = snn.lowering.spike_agreement(ours["new"].dense(), ours["decaying"].dense())
    assert other.coincidence < 0.9  # negative control
    record = {"v": snn.Trace("old.v")}
    theirs = np.asarray(snn.simulate(net, drive, steps=STEPS, key=KEY, record=record)["v"])
    late = dict(program.lags)["old"]
    same = slice(0, found["old"]["first difference, step"] or STEPS - late)
    mine = np.asarray(ours["v"])[late:] / np.asarray(program.scale["old"])
    np.testing.assert_allclose(mine[same], theirs[same], atol=0.01)
