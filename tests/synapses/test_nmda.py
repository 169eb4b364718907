"""Conductances that rise and that magnesium blocks: order of convergence against a tight ODE, and the limit in NEST."""

import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jaxsnn as snn
from tests.refused import refused

KEY = jax.random.key(0)
T = 60  # ms
WEIGHT, TAU_M, REST, E_REV, RISE, DECAY = 4.0, 10.0, -65.0, 0.0, 2.0, 15.0  # weight: in units of the leak
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "nest_release.json").read_text())
PORTS = {
    "rises": lambda: snn.DualConductance(RISE, DECAY, E_REV),
    "blocked": lambda: snn.NMDA(snn.Conductance(DECAY, E_REV)),
    "both": lambda: snn.NMDA(snn.DualConductance(RISE, DECAY, E_REV), mg=0.5),
}


def course(name, s):
    """The conductance `s` ms after an arrival of weight 1."""
    if name == "blocked":
        return np.exp(-s / DECAY)
    top = np.log(DECAY / RISE) / (1 / RISE - 1 / DECAY)
    shape = lambda s: np.exp(-s / DECAY) - np.exp(-s / RISE)
    return shape(s) / shape(top)


def solved(name):
    """`v` at every ms, to 1e-12."""
    mg = {"rises": 0.0, "blocked": 1.0, "both": 0.5}[name]

    def slope(s, v):
        block = 1.0 / (1.0 + mg * np.exp(-0.062 * v) / 3.57)
        return (REST - v + WEIGHT * course(name, s) * block * (E_REV - v)) / TAU_M

    return solve_ivp(slope, (0, T), [REST], method="DOP853", t_eval=np.arange(T + 1), rtol=1e-12, atol=1e-12).y[0]


@functools.cache
def stepped(h):
    """`v` at every ms after an arrival, by port, with steps of `h`."""
    cell = snn.LI(tau=TAU_M, v_rest=REST)
    populations = {name: snn.Population(cell, 1, ports={"g": make()}) for name, make in PORTS.items()}
    net = snn.network(dt=h, key=KEY, populations=populations)
    fed = (snn.Replay(jnp.array([[WEIGHT]]), into=name) for name in PORTS)
    record = {name: snn.Trace(f"{name}.v") for name in PORTS}
    drive = next(fed) + next(fed) + next(fed)
    run = snn.simulate(net, drive, steps=1 + round(T / h), key=KEY, record=record, progress=snn.progress.Quiet())
    at = np.round(np.arange(T + 1) / h).astype(int)  # the arrival is in the port from t_1 on: row 0
    return {name: np.asarray(run[name])[at, 0] for name in PORTS}


@pytest.mark.parametrize("name", PORTS)
def test_first_order(name, x64):
    """Halving the step halves the error: the conductance is that of the start of the step, the block its tangent."""
    exact = solved(name)
    assert exact.max() - REST > 5.0  # mV: the block changes on the way
    error = np.array([np.abs(stepped(h)[name] - exact).max() for h in (0.2, 0.1, 0.05)])
    order = np.log2(error[:-1] / error[1:])
    assert np.all(np.abs(order - 1.0) < 0.05), order
    assert error[-1] / (exact.max() - REST) < 0.01


def test_the_block_is_what_makes_the_difference(x64):
    """Control: without magnesium, and with the block of another concentration, the error does not vanish."""
    assert np.abs(stepped(0.05)["both"] - solved("rises")).max() > 5.0
    assert np.abs(stepped(0.05)["both"] - solved("blocked")).max() > 5.0


@functools.cache
def in_the_limit(h):
    """iaf_bw_2001's membrane with an NMDA conductance that begins at 12 nS, and iaf_cond_beta's after 10 nS; and
    iaf_bw_2001's behind another one, whose spikes saturate its gates."""
    leak = {"nmda": (500.0, 25.0), "beta": (250.0, 16.6667)}  # C_m (pF) and g_L (nS)
    cell = {name: snn.LI(tau=c / g, v_rest=-70.0) for name, (c, g) in leak.items()}
    nmda, beta = snn.NMDA(snn.Conductance(100.0)), snn.DualConductance(1.5, 6.0)
    starts = np.array([case["start"] for case in GOLDEN["nmda"]])
    populations = {
        "nmda": snn.Population(cell["nmda"], 2, ports={"g": nmda}, init={"v": starts, "g.g": 12.0 / 25.0}),
        "beta": snn.Population(cell["beta"], 1, ports={"g": beta}),
        "spikes": snn.SpikeSource(1),
        "gated": snn.Population(cell["nmda"], 1, ports={"g": nmda}),
    }
    link = snn.Connection(
        "spikes", "gated", snn.OneToOne(), weight=4.0 / 25.0, delay=1.7, release=snn.connectivity.SaturatingRelease()
    )
    net = snn.network(dt=h, key=KEY, populations=populations, projections={"gates": link})
    arrival = round(2.0 / h) - 1  # heard at 2.0 ms, at the end of the step
    drive = snn.Replay.events([arrival], [0], steps=arrival + 1, n=1, into="beta", weight=10.0 / 16.6667)
    fired = np.round((np.array(GOLDEN["saturating"]["spikes"]) + 1) * 0.1 / h).astype(int) - 1
    drive += snn.Replay.events(fired, 0 * fired, steps=round(400 / h), n=1, into="spikes")
    record = {name: snn.Trace(f"{name}.v", every=1.0) for name in populations}
    run = snn.simulate(net, drive, t=400.0, key=KEY, record=record, progress=snn.progress.Quiet())
    every = {name: np.asarray(run[name])[4::5].T for name in ("nmda", "gated")}  # 5 ms
    return every["nmda"][:, :40], np.asarray(run["beta"])[:60, 0], every["gated"][0]


def test_nest_in_the_limit(x64):
    """NEST solves the same equations to higher order: our error halves with the step, and without it NEST is left."""
    nest = [
        np.array(v) for v in ([case["v"] for case in GOLDEN["nmda"]], GOLDEN["beta"]["v"], GOLDEN["saturating"]["v"])
    ]
    for coarse, fine, expected in zip(in_the_limit(0.1), in_the_limit(0.05), nest, strict=True):
        size = np.abs(expected + 70.0).max()
        error, less = np.abs(coarse - expected).max(), np.abs(fine - expected).max()
        assert 1e-5 < error / size < 0.05
        assert abs(error / less - 2.0) < 0.1
        assert np.abs(2 * fine - coarse - expected).max() / size < 1e-3


def test_equal_times_are_an_alpha_function(x64):
    """And weights are peaks, areas, or factors of the bare difference."""
    alpha, dual = snn.Alpha(3.0), snn.DualExponential(3.0, 3.0)
    one = jnp.ones(())
    assert dual.receive(dual.init((), one.dtype), one)[0].y == pytest.approx(
        float(alpha.receive(alpha.init((), one.dtype), one)[0].y), rel=1e-15
    )
    t = np.arange(0.0, 200.0, 1e-3)
    for size, measure in ((snn.synapses.UnitPeak(), np.max), (snn.synapses.UnitArea(), lambda i: np.sum(i) * 1e-3)):
        port = snn.DualExponential(2.0, 7.0, size=size)
        y = float(port.receive(port.init((), one.dtype), one)[0].y)
        current = y * (np.exp(-t / 7.0) - np.exp(-t / 2.0)) / (1 / 2.0 - 1 / 7.0)
        assert measure(current) == pytest.approx(1.0, abs=1e-6)
    bare = snn.DualExponential(2.0, 7.0, size=snn.synapses.Unnormalised())
    assert bare.receive(bare.init((), one.dtype), one)[0].y == pytest.approx(1 / 2.0 - 1 / 7.0)


def test_what_is_no_conductance_cannot_be_blocked():
    with refused("NMDA.course is Exponential", "no conductance", "expected Conductance(...) or DualConductance(...)"):
        snn.NMDA(snn.Exponential(5.0))
