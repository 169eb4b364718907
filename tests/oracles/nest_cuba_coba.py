"""Rates and CV of CUBA and COBA variants (Brette et al. 2007) in NEST: tests/golden/nest_cuba_coba.json.

Made with NEST 3.10.0, iaf_psc_exp and iaf_cond_exp (RKF45), dt 0.1 ms, delay 0.1 ms (va_coba 0.8 ms), t_ref 5 ms
(50 steps held; Brian2's 5 ms holds 49), one thread. Run from the repository root (a few minutes):

    python tests/oracles/nest_cuba_coba.py [--seeds 8]
"""

import argparse
import json

import nest
import numpy as np
from cuba_coba import DEFINITIONS, DT, NEURONS, VARIANTS, WARM_UP, WINDOW, statistics, summary
from golden import GOLDEN

DELAYS = {"b2_cuba": 0.1, "nest_cuba": 0.1, "nest_coba": 0.1, "va_coba": 0.8}


def run(spec, delay, seed):
    p, n = NEURONS, NEURONS["n_exc"] + NEURONS["n_inh"]
    nest.ResetKernel()
    nest.set(resolution=DT, local_num_threads=1, rng_seed=seed)
    common = {
        "C_m": p["C_m"],
        "E_L": spec["E_L"],
        "V_th": p["V_th"],
        "V_reset": p["V_reset"],
        "t_ref": p["refractory"],
        "tau_syn_ex": p["tau_exc"],
        "tau_syn_in": p["tau_inh"],
        "I_e": spec["I_e"],
    }
    current = spec["kind"] == "current"
    more = {"tau_m": p["tau_m"]} if current else {"g_L": p["g_L"], "E_ex": spec["E_exc"], "E_in": spec["E_inh"]}
    cells = nest.Create("iaf_psc_exp" if current else "iaf_cond_exp", n, params=common | more)
    rng = np.random.default_rng(seed)
    draw = {
        "constant": lambda v: v,
        "uniform": lambda a, b: rng.uniform(a, b, n),
        "normal": lambda m, s: rng.normal(m, s, n),
    }
    cells.V_m = draw[spec["v0"][0]](*spec["v0"][1:])
    exc, inh = cells[: p["n_exc"]], cells[p["n_exc"] :]
    for pre, weight, indegree in ((exc, spec["w_exc"], 64), (inh, -abs(spec["w_inh"]), 16)):
        rule = {"rule": "fixed_indegree", "indegree": indegree}
        if spec["connect"] == "bernoulli":
            rule = {"rule": "pairwise_bernoulli", "p": 0.02}
        nest.Connect(pre, cells, rule, {"weight": weight, "delay": delay})
    if spec["kick"]:
        kick = nest.Create("poisson_generator", params={"rate": 300.0, "start": 1.0, "stop": 51.0})
        nest.Connect(kick, exc[:50], syn_spec={"weight": spec["w_exc"], "delay": delay})
    recorder = nest.Create("spike_recorder", params={"start": WARM_UP, "stop": WARM_UP + WINDOW})
    nest.Connect(cells, recorder)
    nest.Simulate(WARM_UP + WINDOW + DT)
    step = np.rint(recorder.events["times"] / DT).astype(int) - int(WARM_UP / DT) - 1
    return step, recorder.events["senders"] - 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=8)
    seeds = list(range(1, parser.parse_args().seeds + 1))
    nest.verbosity = nest.VerbosityLevel.ERROR
    out = {
        "simulator": f"NEST {nest.__version__}",
        "seeds": seeds,
        "dt": DT,
        "warm_up_ms": WARM_UP,
        "window_ms": WINDOW,
        "refractory_steps": 50,
        "neurons": NEURONS,
        "definitions": DEFINITIONS,
        "variants": {},
    }
    for name, delay in DELAYS.items():
        rows = []
        for seed in seeds:
            rows.append(statistics(*run(VARIANTS[name], delay, seed)))
            print(name, seed, rows[-1], flush=True)
        out["variants"][name] = dict(VARIANTS[name], delay=delay, **summary(rows))
    (GOLDEN / "nest_cuba_coba.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
