"""Neurons of snnTorch, Norse and SpikingJelly as they come: spikes and derivatives. tests/golden/presets_torch.npz.

    python tests/oracles/presets_torch.py        (torch 2.13, snntorch 1.0, norse 1.1, spikingjelly 2.0)

In float64. `x`: the input of every neuron, (steps, n). For each case `<case>.spikes`, (steps, n), and `<case>.grad`:
the derivative of `sum_j c_j n_j` of the numbers of spikes `n_j` with respect to the input.
`codes.x`, `codes.latency`: numbers, and the steps of their spikes by `spikegen.latency` (normalised, linear, clipped).
`loss.*`: spikes (steps, batch, classes), labels, and the losses of `snntorch.functional` of them.
"""

import pathlib

import numpy as np
import snntorch
import torch
from norse.torch.functional.lif import LIFFeedForwardState, LIFParameters
from norse.torch.functional.lif_box import LIFBoxFeedForwardState, LIFBoxParameters, lif_box_feed_forward_step
from norse.torch.functional.lif_refrac import LIFRefracFeedForwardState, LIFRefracParameters
from norse.torch.module.lif import LIFCell
from norse.torch.module.lif_refrac import LIFRefracCell
from snntorch import functional, spikegen, surrogate
from spikingjelly.activation_based import surrogate as of_spikingjelly
from spikingjelly.activation_based.neuron import IFNode, LIFNode, ParametricLIFNode

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
STEPS, N = 50, 12
torch.set_default_dtype(torch.float64)


def inputs():
    rng = np.random.default_rng(21)
    x = np.where(rng.random((STEPS, N)) < 0.6, rng.normal(0.3, 0.3, (STEPS, N)), 0.0)
    x = np.round(x * 1024) / 1024 + 1e-5 * (x != 0)  # no sum of a few of them is a threshold
    return x, np.round(rng.normal(0.0, 1.0, N) * 64) / 64


def of_snntorch(cell):
    state = {}

    def step(row):
        if not state:
            rest = cell.reset_mem()
            state["s"] = tuple(torch.zeros(N) for _ in (rest if isinstance(rest, tuple) else (rest,)))
        spike, *state["s"] = cell(row, *state["s"])
        return spike

    return step


def of_norse(cell, rest):
    state = {"s": rest}

    def step(row):
        spike, state["s"] = cell(row, state["s"])
        return spike

    return step


def lif_cell(**numbers):
    p = LIFParameters(**{name: torch.as_tensor(value) for name, value in numbers.items()})
    rest = LIFFeedForwardState(v=p.v_leak.double() * torch.ones(N), i=torch.zeros(N))
    return of_norse(LIFCell(p=p), rest)


def refractory_cell(rho):
    p = LIFRefracParameters(rho_reset=torch.as_tensor(rho))
    rest = LIFRefracFeedForwardState(LIFFeedForwardState(v=torch.zeros(N), i=torch.zeros(N)), torch.zeros(N))
    return of_norse(LIFRefracCell(p=p), rest)


def box_cell():
    p = LIFBoxParameters()
    return of_norse(lambda row, s: lif_box_feed_forward_step(row, s, p, 0.001), LIFBoxFeedForwardState(torch.zeros(N)))


def node(cell):
    return lambda row: cell(row)


CASES = {  # the cell, and by what its input is multiplied
    "snntorch Leaky": (lambda: of_snntorch(snntorch.Leaky(beta=0.9)), 1.0),
    "snntorch Leaky 0.5": (lambda: of_snntorch(snntorch.Leaky(beta=0.8, threshold=0.5)), 1.0),
    "snntorch Leaky zero": (lambda: of_snntorch(snntorch.Leaky(beta=0.9, reset_mechanism="zero")), 1.0),
    "snntorch Leaky none": (lambda: of_snntorch(snntorch.Leaky(beta=0.6, reset_mechanism="none")), 1.0),
    "snntorch Leaky now": (
        lambda: of_snntorch(snntorch.Leaky(beta=0.9, reset_mechanism="zero", reset_delay=False)),
        1.0,
    ),
    "snntorch Leaky fast": (
        lambda: of_snntorch(snntorch.Leaky(beta=0.9, threshold=0.5, spike_grad=surrogate.fast_sigmoid(slope=5))),
        1.0,
    ),
    "snntorch Synaptic": (lambda: of_snntorch(snntorch.Synaptic(alpha=0.8, beta=0.9)), 0.5),
    "snntorch Synaptic zero": (
        lambda: of_snntorch(snntorch.Synaptic(alpha=0.8, beta=0.9, reset_mechanism="zero")),
        0.5,
    ),
    "snntorch Lapicque": (lambda: of_snntorch(snntorch.Lapicque(R=2.0, C=5.0, reset_mechanism="subtract")), 8.0),
    "norse LIFCell": (lambda: lif_cell(), 3.0),
    "norse LIFCell bio": (lambda: lif_cell(v_leak=-65.0, v_th=-64.0, v_reset=-65.5), 3.0),
    "norse LIFRefracCell": (lambda: refractory_cell(5.0), 3.0),
    "norse LIFBoxCell": (box_cell, 10.0),
    "spikingjelly LIFNode": (lambda: node(LIFNode()), 3.0),
    "spikingjelly LIFNode 0.5": (lambda: node(LIFNode(5.0, False, v_threshold=0.5, v_reset=-0.25)), 1.0),
    "spikingjelly LIFNode soft": (lambda: node(LIFNode(4.0, v_reset=None, detach_reset=True)), 4.0),
    "spikingjelly ParametricLIFNode": (lambda: node(ParametricLIFNode(3.0).double()), 3.0),
    "spikingjelly IFNode": (lambda: node(IFNode(surrogate_function=of_spikingjelly.ATan())), 1.0),
}


def main():
    x, c = inputs()
    out = {"x": x, "c": c}
    for name, (make, scale) in CASES.items():
        given = torch.tensor(scale * x, requires_grad=True)
        step = make()
        spikes = [step(row) for row in given]
        (torch.tensor(c) * torch.stack(spikes).sum(0)).sum().backward()
        train = torch.stack(spikes).detach().numpy()
        print(f"{name:34} {int(train.sum()):4} spikes, derivative up to {given.grad.abs().max():.3g}")
        assert 20 < train.sum() < 400
        out |= {f"{name}.spikes": train.astype(bool), f"{name}.grad": given.grad.numpy()}

    rng = np.random.default_rng(5)
    numbers = rng.random(40)
    numbers[:3] = 0.0, 1.0, 0.005
    code = spikegen.latency(torch.tensor(numbers), num_steps=30, normalize=True, linear=True, clip=True)
    out |= {"codes.x": numbers, "codes.latency": code.numpy().astype(bool)}
    spikes, labels = (rng.random((25, 4, 3)) < 0.4).astype(float), np.array([0, 2, 1, 1])
    losses = {
        "ce_count_loss": functional.ce_count_loss(),
        "ce_rate_loss": functional.ce_rate_loss(),
        "ce_max_membrane_loss": functional.ce_max_membrane_loss(),
    }
    for name, loss in losses.items():
        out[f"loss.{name}"] = loss(torch.tensor(spikes), torch.tensor(labels)).numpy()
    np.savez_compressed(
        GOLDEN / "presets_torch.npz", **out, **{"loss.spikes": spikes.astype(bool), "loss.labels": labels}
    )


if __name__ == "__main__":
    main()
