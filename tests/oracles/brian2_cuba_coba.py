"""Rates and CV of CUBA and COBA variants (Brette et al. 2007) in Brian2: tests/golden/brian2_cuba_coba.json.

Made with Brian2 2.9.0, cython, dt 0.1 ms, delay 0, refractory 5 ms (49 steps held); CUBA by exact integration, COBA by
exponential_euler. v in mV and conductances in units of g_L, both dimensionless. Run from the repository root:

    python tests/oracles/brian2_cuba_coba.py [--seeds 8]
"""

import argparse
import json

import brian2 as b2
import numpy as np
from cuba_coba import DEFINITIONS, DT, NEURONS, VARIANTS, WARM_UP, WINDOW, statistics, summary
from golden import GOLDEN

NAMES = ("b2_cuba", "b2_cuba_deaf", "va_coba", "brian_coba")
DRIVE = {"current": "ge + gi", "conductance": "ge*(E_exc - v) + gi*(E_inh - v)"}


def run(spec, seed):
    p, n = NEURONS, NEURONS["n_exc"] + NEURONS["n_inh"]
    b2.start_scope()
    b2.defaultclock.dt = DT * b2.ms
    b2.seed(seed)
    flag = " (unless refractory)" if spec.get("deaf") else ""
    eqs = f"""dv/dt = (E_L + drive - v + {DRIVE[spec["kind"]]})/tau_m : 1 (unless refractory)
              dge/dt = -ge/tau_exc : 1{flag}
              dgi/dt = -gi/tau_inh : 1{flag}"""
    space = {k: spec.get(k, 0.0) for k in ("E_L", "E_exc", "E_inh")} | {"drive": spec["I_e"] / p["g_L"]}
    space |= {k: p[k] * b2.ms for k in ("tau_m", "tau_exc", "tau_inh")} | {k: p[k] for k in ("V_th", "V_reset")}
    space |= {"w_exc": spec["w_exc"] / p["g_L"], "w_inh": spec["w_inh"] / p["g_L"]}
    method = "exact" if spec["kind"] == "current" else "exponential_euler"
    cells = b2.NeuronGroup(
        n,
        eqs,
        threshold="v > V_th",
        reset="v = V_reset",
        refractory=p["refractory"] * b2.ms,
        method=method,
        namespace=space,
    )
    rng = np.random.default_rng(seed)
    cells.v = {"uniform": rng.uniform, "normal": rng.normal}[spec["v0"][0]](*spec["v0"][1:], n)
    exc = b2.Synapses(cells[: p["n_exc"]], cells, on_pre="ge += w_exc", namespace=space)
    inh = b2.Synapses(cells[p["n_exc"] :], cells, on_pre="gi += w_inh", namespace=space)
    exc.connect(p=0.02)
    inh.connect(p=0.02)
    spikes = b2.SpikeMonitor(cells)
    b2.Network(cells, exc, inh, spikes).run((WARM_UP + WINDOW) * b2.ms)
    step = np.rint(np.asarray(spikes.t / b2.ms) / DT).astype(int) - int(WARM_UP / DT)
    return step[step >= 0], np.asarray(spikes.i)[step >= 0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=8)
    seeds = list(range(1, parser.parse_args().seeds + 1))
    b2.prefs.codegen.target = "cython"
    out = {
        "simulator": f"Brian2 {b2.__version__}",
        "seeds": seeds,
        "dt": DT,
        "warm_up_ms": WARM_UP,
        "window_ms": WINDOW,
        "refractory_steps": 49,
        "neurons": NEURONS,
        "definitions": DEFINITIONS,
        "variants": {},
    }
    for name in NAMES:
        rows = []
        for seed in seeds:
            rows.append(statistics(*run(VARIANTS[name], seed)))
            print(name, seed, rows[-1], flush=True)
        out["variants"][name] = dict(VARIANTS[name], delay=0.0, **summary(rows))
    (GOLDEN / "brian2_cuba_coba.json").write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
