"""Rates and irregularity of a balanced network in NEST: tests/golden/spinnaker/nest_balanced.json.

The network of experiments/spinnaker_balanced.py with steps of 1 and 0.1 ms, six seeds (of graph and drive) each. Made
with NEST 3.10.0, iaf_psc_exp, one thread. Run from the repository root (five minutes):

    python tests/oracles/nest_spinnaker_balanced.py
"""

import json

import nest
import numpy as np
from golden import GOLDEN, isi_cv

N, K = {"E": 800, "I": 200, "in": 400}, {"E": 80, "I": 20, "in": 80}
WEIGHT, DELAY = {"E": 2.0, "I": -12.0, "in": 2.0}, {"E": 2.0, "I": 2.0, "in": 1.0}  # mV, ms
RATE, WARM_UP, WINDOW, SEEDS = 25.0, 200.0, 2000.0, 6  # Hz, ms, ms
CELL = {"C_m": 20.0, "tau_m": 20.0, "E_L": -65.0, "V_m": -65.0, "V_th": -50.0, "V_reset": -65.0, "t_ref": 2.0}
CELL |= {"tau_syn_ex": 5.0, "tau_syn_in": 5.0}


def run(dt, seed):
    nest.ResetKernel()
    nest.set(resolution=dt, local_num_threads=1, rng_seed=seed)
    cells = nest.Create("iaf_psc_exp", N["E"] + N["I"], params=CELL)
    sources = nest.Create("parrot_neuron", N["in"])
    nest.Connect(
        nest.Create("poisson_generator", N["in"], {"rate": RATE}), sources, "one_to_one", {"delay": max(dt, 0.1)}
    )
    groups = {"E": cells[: N["E"]], "I": cells[N["E"] :], "in": sources}
    for name, pre in groups.items():
        rule = {"rule": "fixed_indegree", "indegree": K[name], "allow_autapses": True, "allow_multapses": True}
        nest.Connect(pre, cells, rule, {"weight": WEIGHT[name], "delay": DELAY[name]})
    recorder = nest.Create("spike_recorder", params={"start": WARM_UP, "stop": WARM_UP + WINDOW})
    nest.Connect(cells, recorder)
    nest.Simulate(WARM_UP + WINDOW + dt)
    step = np.rint((recorder.events["times"] - WARM_UP) / dt).astype(int)
    neuron = recorder.events["senders"] - 1
    out = {}
    for name, low, high in (("E", 0, N["E"]), ("I", N["E"], N["E"] + N["I"])):
        mine = (neuron >= low) & (neuron < high)
        out[f"{name} rate (Hz)"] = mine.sum() / (high - low) / WINDOW * 1e3
        out[f"{name} CV"] = isi_cv(step[mine], neuron[mine] - low, high - low)
    return out


nest.set_verbosity("M_ERROR")
found = {}
for dt in (1.0, 0.1):
    rows = [run(dt, seed) for seed in range(1, SEEDS + 1)]
    found[f"{dt:g}"] = {
        key: {
            "mean": round(float(np.mean([row[key] for row in rows])), 4),
            "sd": round(float(np.std([row[key] for row in rows], ddof=1)), 4),
        }
        for key in rows[0]
    }
data = {"nest": nest.__version__, "seeds": SEEDS, "dt ms": found}
(GOLDEN / "spinnaker").mkdir(exist_ok=True)
(GOLDEN / "spinnaker" / "nest_balanced.json").write_text(json.dumps(data, indent=1) + "\n")
print(json.dumps(data, indent=1))
