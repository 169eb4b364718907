"""The presets of NEST's conductance models, spike for spike, in float64: membrane and ports by Fehlberg's method.

The files were made by `tests/oracles/nest_conductances.py`. Controls: another integrator.
"""

import json

import equinox as eqx
import jax
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.presets import nest
from tests.parity.golden import FOLDER

pytestmark = pytest.mark.usefixtures("x64")
NUMBERS = "C_m g_L E_L V_th V_reset E_ex E_in t_ref I_e V_peak Delta_T a b tau_w tau_syn_ex tau_syn_in".split()
CASES = {  # how many steps (NEST's integrator is slow), and an integrator that must differ
    "iaf_cond_exp": (2000, snn.integrators.Euler),
    "aeif_cond_exp": (400, snn.integrators.RK4),
    "hh_cond_exp_traub": (1000, snn.integrators.ExponentialEuler),
}


def run(model, steps, integrator=None):
    """Spikes as a set of (step, neuron) and three membranes, of the library and of NEST."""
    with np.load(FOLDER / f"conductance_{model}.npz") as file:
        p = json.loads(str(file["params"]))
        golden = {key: file[key] for key in file.files if key != "params"}
    cells = getattr(nest, model)(p["n"], V_m=golden["v0"], **{name: p[name] for name in NUMBERS if name in p})
    if integrator is not None:
        cells = eqx.tree_at(lambda cells: cells.neuron.integrator, cells, integrator)
    pre, post, delay = (golden[key].astype(int) for key in ("pre", "post", "delay"))
    weight = golden["weight"].astype(float)

    def link(port, some):
        far = dict(delay=delay[some] * p["dt"], max_delay=3.0)
        return snn.Connection(
            "N", f"N.{port}", snn.FromArrays(pre[some], post[some]), weight=np.abs(weight[some]), **far
        )

    net = snn.network(
        dt=p["dt"],
        key=jax.random.key(0),
        populations={"N": cells},
        projections={"exc": link("ex", pre < p["n_exc"]), "inh": link("in", pre >= p["n_exc"])},
    )
    raster = np.zeros((steps, p["n"]))
    inside = golden["in_step"] < steps
    np.add.at(raster, (golden["in_step"][inside], golden["in_neuron"][inside]), 1.0)
    drive = snn.Replay(jax.numpy.asarray(raster), into="N.ex", weight=p["w_in"])
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
    steps, other = CASES[model]
    spikes, v, expected, trace = run(model, steps)
    assert len(expected) > 500 and spikes == expected
    rows = min(len(v), len(trace))
    np.testing.assert_allclose(v[:rows], trace[:rows], rtol=0, atol=1e-7)
    assert len(run(model, steps, other())[0] ^ expected) > 100
