"""NEST's conductance models spike for spike, in float64: membrane and ports in one step of Fehlberg's method.

The files were made by `tests/oracles/nest_conductances.py`. Controls: an integrator of first order, other tolerances.
"""

import json

import jax
import numpy as np
import pytest

import jaxsnn as snn
from tests.parity.golden import FOLDER

pytestmark = pytest.mark.usefixtures("x64")
LOOSE = lambda: snn.integrators.RKF45(1e-3)  # functions: the precision of a number is its test's
TIGHT = lambda: snn.integrators.RKF45(1e-6, relative=1e-6, first=0.01)


def lif(p, integrator):
    numbers = dict(c=p["C_m"], g_l=p["g_L"], e_l=p["E_L"], v_th=p["V_th"], v_reset=p["V_reset"], t_ref=p["t_ref"])
    return snn.CobaLIF(**numbers, integrator=integrator), {}


def adex(p, integrator):
    numbers = dict(c=p["C_m"], g_l=p["g_L"], e_l=p["E_L"], v_t=p["V_th"], delta_t=p["Delta_T"], v_peak=p["V_peak"])
    more = dict(v_reset=p["V_reset"], t_ref=p["t_ref"], a=p["a"], tau_w=p["tau_w"], b=p["b"])
    return snn.AdEx(**numbers, **more, integrator=integrator), {}


def traub(p, integrator):
    """Its gates start at rest for `v - v_t = e_l`, which NEST takes for `v = e_l`."""
    cell = snn.TraubMiles(detector=snn.neurons.PeakDetector(), t_ref=p["t_ref"], integrator=integrator)
    unshifted = snn.set(cell, "v0", cell.v_t + p["E_L"]).init((), float)
    return cell, {gate: getattr(unshifted, gate) for gate in "mhn"}


CASES = {  # how it is made, NEST's integrator, how many steps (its steps are slow), and an integrator that must differ
    "iaf_cond_exp": (lif, LOOSE, 2000, snn.integrators.Euler),
    "aeif_cond_exp": (adex, TIGHT, 400, snn.integrators.RK4),
    "hh_cond_exp_traub": (traub, LOOSE, 1000, snn.integrators.ExponentialEuler),
}


def run(model, integrator, steps):
    """Spikes as a set of (step, neuron) and three membranes, of the library and of NEST."""
    with np.load(FOLDER / f"conductance_{model}.npz") as file:
        p = json.loads(str(file["params"]))
        golden = {key: file[key] for key in file.files if key != "params"}
    cell, init = CASES[model][0](p, integrator)
    pre, post, delay = (golden[key].astype(int) for key in ("pre", "post", "delay"))
    weight = golden["weight"].astype(float)

    def link(port, some):
        far = dict(delay=delay[some] * p["dt"], max_delay=3.0)
        return snn.Connection(
            "N", f"N.{port}", snn.FromArrays(pre[some], post[some]), weight=np.abs(weight[some]), **far
        )

    ports = {
        "exc": snn.Conductance(p["tau_syn_ex"], p["E_ex"]),
        "inh": snn.Conductance(p["tau_syn_in"], p["E_in"]),
    }
    net = snn.network(
        dt=p["dt"],
        key=jax.random.key(0),
        populations={"N": snn.Population(cell, p["n"], ports=ports, init={"v": golden["v0"], **init})},
        projections={"exc": link("exc", pre < p["n_exc"]), "inh": link("inh", pre >= p["n_exc"])},
    )
    raster = np.zeros((steps, p["n"]))
    inside = golden["in_step"] < steps
    np.add.at(raster, (golden["in_step"][inside], golden["in_neuron"][inside]), 1.0)
    drive = snn.Replay(jax.numpy.asarray(raster), into="N.exc", weight=p["w_in"])
    record = {"spikes": snn.Raster("N"), "v": snn.Trace("N.v", index=(0, 7, 350))}
    out = snn.simulate(net, drive, steps=steps, key=jax.random.key(0), record=record, progress=snn.progress.Quiet())
    events = lambda step, neuron: {(k, i) for k, i in zip(step.tolist(), neuron.tolist(), strict=True) if k < steps}
    return (
        events(*out["spikes"].events()),
        np.asarray(out["v"]),
        events(golden["step"], golden["neuron"]),
        golden["trace_v"],
    )


@pytest.mark.parametrize("model", CASES)
def test_every_spike(model):
    _, integrator, steps, other = CASES[model]
    spikes, v, expected, trace = run(model, integrator(), steps)
    assert len(expected) > 500 and spikes == expected
    rows = min(len(v), len(trace))
    np.testing.assert_allclose(v[:rows], trace[:rows], rtol=0, atol=1e-7)
    assert len(run(model, other(), steps)[0] ^ expected) > 100
