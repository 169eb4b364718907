"""Cells that carry their own current, as deep-learning libraries and Lava step them: tests/golden/cells_<library>.npz.

Run once in each library's own environment, `python tests/oracles/recurrent_cells.py snntorch | norse | lava`. Made with
snnTorch 1.0.0, Norse 1.1.0 (torch 2.13, float64) and Lava 0.10.0. Every file holds the seeded inputs, shape
`(steps, n)`, and for each setting the spikes, the current and the membrane as the library shows them after a step.
"""

import functools
import importlib.metadata
import json
import pathlib
import sys

import numpy as np

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
STEPS, N = 200, 6
ALPHA, BETA, THRESHOLD, R, C = 0.8, 0.9, 1.0, 2.0, 5.0  # snnTorch; Lapicque's resistor and capacitor
DT, TAU_SYN, TAU_MEM, V_RESET, TAU_A, BETA_A = 1.0, 5.0, 10.0, -0.1, 40.0, 0.3  # Norse, ms
DU, DV, BIAS, V_TH = 0.25, 0.125, 0.05, 2.0  # Lava's floating-point LIF
PERIOD, ALPHA_RF, V_TH_RF = 9.7, 0.08, 0.5  # and its resonators


def inputs(scale):
    """Weighted spikes, positive and negative, in about a third of the steps; float32 numbers."""
    rng = np.random.default_rng(7)
    x = np.where(rng.random((STEPS, N)) < 0.35, rng.normal(0.6, 0.6, (STEPS, N)), 0.0) * scale
    return x.astype(np.float32).astype(float)


def snntorch():
    import torch
    from snntorch import Synaptic

    torch.set_default_dtype(torch.float64)
    x, out = inputs(0.5), {}
    for kind in ("subtract", "zero"):
        cell = Synaptic(alpha=ALPHA, beta=BETA, threshold=THRESHOLD, reset_mechanism=kind)
        syn, mem = cell.reset_mem()
        rows = []
        for row in torch.as_tensor(x):
            spike, syn, mem = cell(row, syn, mem)
            rows.append([a.detach().numpy().copy() for a in (spike, syn, mem)])
        out[kind] = np.array(rows)
    from snntorch import Lapicque

    cell, rows = Lapicque(R=R, C=C, time_step=DT, threshold=THRESHOLD, reset_mechanism="subtract"), []
    mem = cell.reset_mem()
    for row in torch.as_tensor(12.0 * x):
        spike, mem = cell(row, mem)
        rows.append([a.detach().numpy().copy() for a in (spike, mem)])
    out["lapicque"] = np.array(rows)
    return x, out


def norse():
    import torch
    from norse.torch.functional import lif

    torch.set_default_dtype(torch.float64)
    p = lif.LIFParameters(
        *(torch.as_tensor(v) for v in (1 / TAU_SYN, 1 / TAU_MEM, 0.0, THRESHOLD, V_RESET)),
        "super",
        torch.as_tensor(100.0),
    )
    x, rows = inputs(3.0), []
    s = lif.LIFFeedForwardState(v=torch.zeros(N), i=torch.zeros(N))
    for row in torch.as_tensor(x):
        spike, s = lif.lif_feed_forward_step(row, s, p, DT)
        rows.append([a.numpy().copy() for a in (spike, s.i, s.v)])
    out = {"feed_forward": np.array(rows)}

    # lsnn: its threshold b moves by BETA_A a spike; its membrane still sees the current of the step before
    from norse.torch.functional import lsnn

    settings = {"no_adaptation": (1 / TAU_SYN, 0.0), "adaptation": (1 / DT, BETA_A)}  # tau_syn = dt: no memory
    for setting, (rate, beta) in settings.items():
        p = lsnn.LSNNParameters(
            *(torch.as_tensor(v) for v in (rate, 1 / TAU_MEM, 1 / TAU_A, 0.0, THRESHOLD, V_RESET, beta))
        )
        s, rows = lsnn.LSNNFeedForwardState(v=torch.zeros(N), i=torch.zeros(N), b=torch.full((N,), THRESHOLD)), []
        for row in torch.as_tensor(x * (1 if beta == 0 else 4)):
            spike, s = lsnn.lsnn_feed_forward_step(row, s, p, DT)
            rows.append([a.numpy().copy() for a in (spike, s.i, s.v, s.b)])
        out[setting] = np.array(rows)
    return x, out


def lava():
    import dataclasses

    # Lava 0.10 has mutable defaults in data classes, which Python 3.11 takes only if they can be hashed
    dataclasses.dataclass = functools.partial(dataclasses.dataclass, unsafe_hash=True)
    from lava.proc.lif.models import PyLifModelFloat

    cell = PyLifModelFloat({"shape": (N,)})
    cell.u, cell.v = np.zeros(N), np.zeros(N)
    cell.du, cell.dv, cell.bias_mant, cell.bias_exp, cell.vth = DU, DV, BIAS, 0.0, V_TH
    x, rows = inputs(0.5), []
    for row in x:  # as its run_spk does, without ports
        cell.subthr_dynamics(activation_in=row)
        spike = cell.spiking_activation()
        cell.reset_voltage(spike_vector=spike)
        rows.append([np.array(a, float) for a in (spike, cell.u, cell.v)])
    out = {"float": np.array(rows)}

    from lava.proc.rf.models import PyRFModelFloat
    from lava.proc.rf.process import RF
    from lava.proc.rf_iz.models import PyRF_IZModelFloat
    from lava.proc.rf_iz.process import RF_IZ

    class Port:
        """What a model receives, and what it sent."""

        def __init__(self, value=0.0):
            self.value = value

        def recv(self):
            return self.value

        def send(self, value):
            self.value = np.array(value)

    for setting, model, process in (("rf", PyRFModelFloat, RF), ("rf_iz", PyRF_IZModelFloat, RF_IZ)):
        made, cell, rows = process((N,), PERIOD, ALPHA_RF, vth=V_TH_RF), model({"shape": (N,)}), []
        cell.sin_decay, cell.cos_decay, cell.vth = (p.init for p in (made.sin_decay, made.cos_decay, made.vth))
        cell.real, cell.imag, cell.a_imag_in, cell.s_out = np.zeros(N), np.zeros(N), Port(), Port()
        for row in x:
            cell.a_real_in = Port(row)
            cell.run_spk()
            rows.append([np.array(a, float) for a in (cell.s_out.value, cell.real, cell.imag)])
        out[setting] = np.array(rows)
    return x, out


if __name__ == "__main__":
    name = sys.argv[1]
    x, out = {"snntorch": snntorch, "norse": norse, "lava": lava}[name]()
    for setting, rows in out.items():
        print(name, setting, "spikes", int(rows[:, 0].sum()))
        assert rows[:, 0].sum() > 50
    version = importlib.metadata.version({"lava": "lava-nc"}.get(name, name))
    np.savez_compressed(GOLDEN / f"cells_{name}.npz", x=x, params=json.dumps({name: version}), **out)
