"""Freezes `tests/golden/lava_core.npz`: Lava 0.10's bit-accurate LIF behind its Dense and DelayDense, u, v and spikes.

The model classes are driven step by step, without the runtime; that they give the same in Lava's runtime is checked for
the first configurations. Needs lava-nc 0.10 with numpy < 2. Run from the repository root.
"""

import lava_import  # noqa: F401  # isort: skip
import loihi_cases
import numpy as np
from lava.proc.dense.models import PyDelayDenseModelBitAcc, PyDenseModelBitAcc
from lava.proc.lif.models import PyLifModelBitAcc
from lava.utils.weightutils import SignMode

SIGN = {"mixed": SignMode.MIXED, "exc": SignMode.EXCITATORY, "inh": SignMode.INHIBITORY}


class Port:
    """Holds what is sent, and hands it out."""

    value = None

    def send(self, value):
        self.value = np.array(value)

    def recv(self):
        return self.value


def synapses(link, shape):
    """A Dense, or a DelayDense where there are delays; Lava has the receiving cells first."""
    n_post = shape[1]
    parameters = {"weight_exp": link["exponent"], "num_weight_bits": link["bits"], "sign_mode": SIGN[link["sign"]]}
    delay = np.broadcast_to(link["delay"], shape)
    model = (PyDelayDenseModelBitAcc if delay.any() else PyDenseModelBitAcc)(parameters)
    model.weights = np.asarray(link["weight"], np.int32).T.copy()
    model.num_message_bits = np.array([0])
    model.delays = delay.T.astype(np.int32)
    model.a_buff = np.zeros((n_post, delay.max() + 1) if delay.any() else n_post, np.int32)
    model.s_in, model.a_out = Port(), Port()
    return model


def lava(case):
    """u, v and spikes of every step."""
    cells = case["cells"]["E"]
    n = cells["n"]
    lif = PyLifModelBitAcc({})
    lif.u, lif.v = np.zeros(n, np.int32), np.zeros(n, np.int32)
    lif.du = (cells["decay_u"] - 1).astype(np.uint16)  # -1 is 65535: one more is 0
    lif.dv = cells["decay_v"].astype(np.uint16)
    lif.vth = cells["threshold"].astype(np.int32)
    lif.bias_mant, lif.bias_exp = cells["bias"].astype(np.int16), cells["bias_exponent"].astype(np.int16)
    lif.a_in, lif.s_out = Port(), Port()
    links = case["links"].values()
    models = [synapses(link, np.shape(link["weight"])) for link in links]
    out = {"u": [], "v": [], "s": []}
    for row in case["inputs"]["in"]:
        lif.a_in.send(sum(m.a_buff if m.a_buff.ndim == 1 else m.a_buff[:, 0] for m in models))
        lif.run_spk()
        for key, value in (("u", lif.u), ("v", lif.v), ("s", lif.s_out.value.astype(int))):
            out[key].append(np.array(value))
        for link, model in zip(links, models, strict=True):
            model.s_in.send(row if link["pre"] == "in" else lif.s_out.value)
            model.run_spk()
    return {key: np.array(rows, np.int64) for key, rows in out.items()}


def in_the_runtime(case):
    """u, v and spikes of the same in Lava's own runtime; it takes one decay and threshold a population."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.dense.process import Dense
    from lava.proc.io.source import RingBuffer
    from lava.proc.lif.process import LIF
    from lava.proc.monitor.process import Monitor

    cells, link = case["cells"]["E"], case["links"]["in"]
    back = case["links"]["back"]
    one = lambda key: int(cells[key][0])
    lif = LIF(
        shape=(cells["n"],), du=one("decay_u") - 1, dv=one("decay_v"), vth=one("threshold"),
        bias_mant=cells["bias"], bias_exp=cells["bias_exponent"],
    )  # fmt: skip
    dense = lambda l: Dense(
        weights=np.asarray(l["weight"]).T, weight_exp=l["exponent"], num_weight_bits=l["bits"],
        sign_mode=SIGN[l["sign"]],
    )  # fmt: skip
    source, into, again = RingBuffer(data=case["inputs"]["in"].T), dense(link), dense(back)
    source.s_out.connect(into.s_in)
    into.a_out.connect(lif.a_in)
    lif.s_out.connect(again.s_in)
    again.a_out.connect(lif.a_in)
    monitors = {key: Monitor() for key in ("u", "v", "s")}
    for key, of in (("u", lif.u), ("v", lif.v), ("s", lif.s_out)):
        monitors[key].probe(of, loihi_cases.STEPS)
    lif.run(condition=RunSteps(num_steps=loihi_cases.STEPS), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    name = {"s": "s_out"}
    got = {key: m.get_data()[lif.name][name.get(key, key)].astype(np.int64) for key, m in monitors.items()}
    lif.stop()
    return got


def uniform(case):
    """A case as the runtime can have it: one decay and threshold, no delays."""
    cells = dict(case["cells"]["E"])
    for key in ("decay_u", "decay_v", "threshold"):
        cells[key] = np.full(cells["n"], max(1, cells[key][0]))
    links = {name: {**link, "delay": np.zeros_like(link["delay"])} for name, link in case["links"].items()}
    return {**case, "cells": {"E": cells}, "links": links}


if __name__ == "__main__":
    cases = [
        loihi_cases.case("lava", seed, refractory=1, v_min=-(2**23) + 1, exponents=(-6, 6))
        for seed in range(1000, 1240)
    ]
    results, wrong = loihi_cases.compare(lava, cases, {"nengo": "nengo", "brian2loihi": "brian2loihi"})
    for case in cases[:3]:
        case = uniform(case)
        there, here = in_the_runtime(case), lava(case)
        wrong += sum(int(np.sum(there[key] != here[key])) for key in there)
    assert wrong == 0
    loihi_cases.freeze("lava_core", cases, results)
