"""Freezes `tests/golden/brian2loihi_core.npz`: Brian2Loihi 0.5.2, u, v and spikes.

Needs brian2-loihi 0.5.2 (brian2 2.7, numpy < 2). Run from the repository root. It has no bias, one decay and threshold
a population, and one delay a group of synapses.
"""

import warnings

import loihi_cases
import numpy as np
from brian2 import device, prefs
from brian2_loihi import (
    LoihiNetwork,
    LoihiNeuronGroup,
    LoihiSpikeGeneratorGroup,
    LoihiSpikeMonitor,
    LoihiStateMonitor,
    LoihiSynapses,
)

prefs.codegen.target = "numpy"
SIGN = {"mixed": 1, "exc": 2, "inh": 3}


def uniform(case):
    """A case as this emulator can have it."""
    cells = dict(case["cells"]["E"])
    for key in ("decay_u", "decay_v", "threshold", "refractory"):
        cells[key] = np.full(cells["n"], cells[key][0])
    links = {}
    for name, link in case["links"].items():
        high = 254 if link["sign"] == "mixed" else 255
        weight = np.clip(link["weight"], None, high)
        links[name] = {**link, "weight": weight, "delay": int(np.max(link["delay"]))}
    return {**case, "cells": {"E": cells}, "links": links}


def brian2loihi(case):
    """u, v and spikes of every step."""
    device.reinit()
    device.activate()
    cells, raster = case["cells"]["E"], case["inputs"]["in"]
    one = lambda key: int(cells[key][0])
    E = LoihiNeuronGroup(
        cells["n"], refractory=one("refractory"), threshold_v_mant=one("threshold"), decay_v=one("decay_v"),
        decay_I=one("decay_u"),
    )  # fmt: skip
    step, neuron = np.nonzero(raster)
    source = LoihiSpikeGeneratorGroup(raster.shape[1], neuron, step)
    groups, parts = {"in": source, "E": E}, []
    for link in case["links"].values():
        synapses = LoihiSynapses(
            groups[link["pre"]], E, delay=link["delay"] + (link["pre"] == "in"), w_exp=link["exponent"],
            sign_mode=SIGN[link["sign"]], num_weight_bits=link["bits"],
        )  # fmt: skip
        synapses.connect()
        synapses.w = np.asarray(link["weight"]).reshape(-1).astype(int)
        parts.append(synapses)
    u, v = LoihiStateMonitor(E, "I", order=1), LoihiStateMonitor(E, "v")  # the current once all arrivals are in
    spikes = LoihiSpikeMonitor(E)
    LoihiNetwork(source, E, u, v, spikes, *parts).run(len(raster))
    s = np.zeros_like(np.array(u.I).T, np.int64)
    s[np.rint(np.asarray(spikes.t)).astype(int), spikes.i] = 1
    return {"u": np.array(u.I).T.astype(np.int64), "v": np.array(v.v).T.astype(np.int64), "s": s}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    cases = [uniform(loihi_cases.case("brian2loihi", seed, bias=False)) for seed in range(3000, 3240)]
    results, wrong = loihi_cases.compare(brian2loihi, cases, {"lava": "lava", "nengo": "nengo"})
    assert wrong == 0
    loihi_cases.freeze("brian2loihi_core", cases, results)
