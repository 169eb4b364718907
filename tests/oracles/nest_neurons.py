"""Single neurons of NEST: spike times and voltage traces under constant currents, and a conductance network.

tests/golden/neurons_nest.npz (NEST 3.10.0, dt 0.1 ms unless the name says otherwise). For every case `<case>.times`:
the steps that NEST stamps its spikes with (`t = step dt`), all of 1 000 ms, and `<case>.v`: `v` at `t_1, t_2, ...`, the
first 1 000 steps; for `izhikevich` also `<case>.u`.
"""

import json
import pathlib

import nest
import numpy as np

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
TYPES = {  # Izhikevich 2003
    "RS": {},
    "IB": {"c": -55.0, "d": 4.0},
    "CH": {"c": -50.0, "d": 2.0},
    "FS": {"a": 0.1, "d": 2.0},
    "LTS": {"b": 0.25, "d": 2.0},
}
CASES = {
    "iaf_cond_exp": ("iaf_cond_exp", {"I_e": 500.0}, 0.1),
    "aeif_cond_exp": ("aeif_cond_exp", {"I_e": 700.0, "t_ref": 2.0}, 0.1),
    "aeif_cond_exp 0.01": ("aeif_cond_exp", {"I_e": 700.0, "t_ref": 2.0}, 0.01),
    "aeif_cond_exp t_ref 0": ("aeif_cond_exp", {"I_e": 900.0}, 0.1),
    "hh_psc_alpha": ("hh_psc_alpha", {"I_e": 650.0}, 0.1),
    "hh_cond_exp_traub": ("hh_cond_exp_traub", {"I_e": 200.0}, 0.1),
}
for name, p in TYPES.items():
    p = {"I_e": 10.0, **p}
    p["U_m"] = -65.0 * p.get("b", 0.2)
    CASES[f"izhikevich {name} consistent"] = ("izhikevich", {**p, "consistent_integration": True}, 0.1)
    CASES[f"izhikevich {name} published"] = ("izhikevich", {**p, "consistent_integration": False}, 1.0)


def run(model, parameters, dt, t=1000.0):
    nest.ResetKernel()
    nest.set(resolution=dt, print_time=False)
    cell = nest.Create(model, params=parameters)
    spikes, meter = nest.Create("spike_recorder"), nest.Create("multimeter", params={"interval": dt})
    names = ["V_m", "U_m"] if model == "izhikevich" else ["V_m"]
    meter.record_from = names
    nest.Connect(cell, spikes)
    nest.Connect(meter, cell)
    nest.Simulate(t + 2 * dt)  # a recorder has the spikes before its last step
    times = np.asarray(spikes.events["times"])
    return times[times <= t + 1e-9], {name[0].lower(): np.asarray(meter.events[name])[:1000] for name in names}


if __name__ == "__main__":
    nest.set_verbosity("M_ERROR")
    out = {}
    for name, (model, parameters, dt) in CASES.items():
        times, traces = run(model, parameters, dt)
        print(f"{name:32} {len(times):4} {np.round(times[:6], 3)} ... {times[-1]:.2f}", flush=True)
        out[f"{name}.times"] = np.round(times / dt).astype(np.int32)
        out |= {f"{name}.{key}": trace for key, trace in traces.items()}
    params = {name: {"model": m, "params": p, "dt": dt} for name, (m, p, dt) in CASES.items()}
    np.savez_compressed(GOLDEN / "neurons_nest.npz", params=json.dumps(params), **out)
