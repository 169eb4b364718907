"""Shared by nest_cuba_coba.py and brian2_cuba_coba.py: the variants of Brette et al. (2007), and what is measured."""

import numpy as np
from golden import isi_cv

DT, WARM_UP, WINDOW = 0.1, 200.0, 1000.0  # ms
NEURONS = {
    "n_exc": 3200,
    "n_inh": 800,
    "tau_m": 20.0,
    "C_m": 200.0,
    "g_L": 10.0,
    "V_th": -50.0,
    "V_reset": -60.0,
    "refractory": 5.0,
    "tau_exc": 5.0,
    "tau_inh": 10.0,
}
COBA = {"kind": "conductance", "E_L": -60.0, "E_exc": 0.0, "E_inh": -80.0}  # weights in nS, both positive
VARIANTS = {  # CUBA weights in pA (mV times g_L): 16.2 pA is Brian2's 1.62 mV, -90 pA its -9 mV
    "b2_cuba": {
        "kind": "current",
        "E_L": -49.0,
        "w_exc": 16.2,
        "w_inh": -90.0,
        "I_e": 0.0,
        "v0": ["uniform", -60.0, -50.0],
        "connect": "bernoulli",
        "kick": False,
    },
    "b2_cuba_deaf": {
        "kind": "current",
        "E_L": -49.0,
        "w_exc": 16.2,
        "w_inh": -90.0,
        "I_e": 0.0,
        "v0": ["uniform", -60.0, -50.0],
        "connect": "bernoulli",
        "kick": False,
        "deaf": True,
    },
    "nest_cuba": {
        "kind": "current",
        "E_L": -49.0,
        "w_exc": 16.2,
        "w_inh": -139.5,
        "I_e": 0.0,
        "v0": ["constant", -49.0],
        "connect": "indegree",
        "kick": True,
    },
    "nest_coba": dict(COBA, w_exc=6.0, w_inh=67.0, I_e=0.0, v0=["constant", -60.0], connect="indegree", kick=True),
    "va_coba": dict(
        COBA, w_exc=4.0, w_inh=51.0, I_e=200.0, v0=["uniform", -60.0, -50.0], connect="bernoulli", kick=False
    ),
    "brian_coba": dict(
        COBA, w_exc=6.0, w_inh=67.0, I_e=200.0, v0=["normal", -55.0, 5.0], connect="bernoulli", kick=False
    ),
}
DEFINITIONS = {
    "neurons": "3200 excitatory, 800 inhibitory; kind current: exponential currents; kind conductance: exponential "
    "conductances; they go on decaying and hearing while v is held, except deaf: frozen and deaf then (Brian2 flag)",
    "connect": "bernoulli: every ordered pair with p = 0.02, autapses allowed; indegree: 64 + 16 sources drawn with "
    "replacement",
    "kick": "independent Poisson trains of 300 Hz, 1 to 51 ms, weight w_exc, to the first 50 excitatory neurons",
    "window": "steps 2000 to 11999: 200 < t <= 1200 ms by the stamps of NEST, 200 <= t < 1200 ms by those of Brian2",
    "rate_e_hz, rate_i_hz": "spikes in the window / neurons / window",
    "isi_cv": "mean over neurons with at least 5 spikes in the window of std/mean (population std) of their intervals",
    "fano": "variance/mean of the spike counts of all neurons in bins of 0.5 ms",
    "alive": "there are spikes in the last 100 ms of the window; mean and sd of the other columns are over alive seeds",
}


def statistics(step, neuron):
    """`step` counts from the start of the window; excitatory neurons come first."""
    n_e, n_i, seconds = NEURONS["n_exc"], NEURONS["n_inh"], WINDOW * 1e-3
    counts = np.bincount(step // 5, minlength=int(WINDOW / 0.5))
    row = {
        "rate_e_hz": np.sum(neuron < n_e) / n_e / seconds,
        "rate_i_hz": np.sum(neuron >= n_e) / n_i / seconds,
        "isi_cv": isi_cv(step, neuron, n_e + n_i),
        "fano": counts.var() / max(counts.mean(), 1e-9),
    }
    alive = bool(np.any(step > (WINDOW - 100.0) / DT))
    return {k: round(float(v), 4) if np.isfinite(v) else None for k, v in row.items()} | {"alive": alive}


def summary(rows):
    """Per-seed values, and mean and sample standard deviation over the seeds that survived."""
    alive = [row["alive"] for row in rows]
    out = {"survivors": sum(alive), "alive": alive}
    for key in (k for k in rows[0] if k != "alive"):
        kept = [row[key] for row in rows if row["alive"]]
        mean_sd = (np.mean(kept), np.std(kept, ddof=1)) if len(kept) > 1 else (np.nan, np.nan)
        mean, sd = (round(float(x), 4) if np.isfinite(x) else None for x in mean_sd)
        out[key] = {"mean": mean, "sd": sd, "per_seed": [row[key] for row in rows]}
    return out
