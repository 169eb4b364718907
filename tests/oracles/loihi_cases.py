"""Random programs for the integer core: small, busy, and near or beyond every limit. Needs numpy only.

A case is what `loihi_core.run` takes. Within one `signs` (of the input and the recurrent synapses) all have one shape.
"""

import numpy as np

N, M, STEPS = 12, 7, 50
SIGNS = [("mixed", "mixed"), ("exc", "inh"), ("exc", "mixed"), ("inh", "exc")]
LOW = {"mixed": -256, "exc": 0, "inh": -255}
HIGH = {"mixed": 255, "exc": 255, "inh": 0}


def weights(rng, shape, sign, sparse):
    w = rng.integers(LOW[sign], HIGH[sign] + 1, shape)
    return np.where(rng.random(shape) < sparse, w, 0)


def case(core, seed, signs=None, *, exponents=(-6, 7), refractory=5, bias=True, delays=3, decay_u_least=0, odd=True):
    """One random program: every register, low to high. A third of them are driven far beyond what registers hold."""
    rng = np.random.default_rng(seed)
    into, back = SIGNS[seed % len(SIGNS)] if signs is None else signs
    wild = seed % 3 == 0
    loud = rng.uniform(0.3, 1.0) if wild else rng.uniform(0.05, 0.4)
    low, high = exponents
    exponent = lambda: int(rng.integers(max(low, high - 2), high + 1) if wild else rng.integers(low, min(high, 2) + 1))
    corner = rng.choice([0, 1, 4095, 4096], N)
    decays = lambda: np.where(rng.random(N) < 0.3, corner, rng.integers(0, 4097, N))
    e = [exponent(), exponent()]
    reach = 64 * 2.0 ** max(e) * 128 * M * loud
    top = int(np.clip(reach / 64 * rng.uniform(0.05, 1.5), 1, 131071))
    even = 1 if odd else 2
    return {
        "core": core,
        "cells": {
            "E": {
                "n": N,
                "decay_u": np.maximum(decays(), decay_u_least),
                "decay_v": decays(),
                "threshold": rng.integers(max(1, top // 2), top + 1, N),
                "bias": rng.integers(-4095, 4096, N) if bias else np.zeros(N, int),
                "bias_exponent": rng.integers(0, 8, N) if bias else np.zeros(N, int),
                "refractory": rng.integers(1, refractory + 1, N),
                "v_min": np.full(N, -(2**23) + 1) if seed % 2 else np.zeros(N, int),
                "v_max": np.full(N, 2**23 - 1),
            }
        },
        "links": {
            "in": {
                "pre": "in",
                "post": "E",
                "weight": weights(rng, (M, N), into, 0.9) // even * even,
                "exponent": e[0],
                "bits": int(rng.integers(1, 9)),
                "sign": into,
                "delay": int(rng.integers(0, delays + 1)),
            },
            "back": {
                "pre": "E",
                "post": "E",
                "weight": weights(rng, (N, N), back, 0.5) // even * even,
                "exponent": e[1],
                "bits": int(rng.integers(1, 9)),
                "sign": back,
                "delay": rng.integers(0, delays + 1, (N, N)),
            },
        },
        "inputs": {"in": (rng.random((STEPS, M)) < loud).astype(np.int64)},
    }
