"""Surrogate derivatives and LIF spike trains of snnTorch, SpikingJelly and Norse, frozen for the parity tests.

    python -m tests.oracles.torch_training        (torch, snntorch 1.0, spikingjelly 2.0, norse 1.1)

Writes `torch_surrogates.npz` and `torch_lif.npz` in float64. Not taken, because they are wrong or another function:
snnTorch's `triangular` (sign flips at threshold) and `LSO`; SpikingJelly's `SuperSpike` (the slope does not multiply
`|x|`).
"""

import pathlib

import numpy as np
import snntorch as snn
import torch
from norse.torch.functional import lif_box
from norse.torch.functional.threshold import threshold
from snntorch import surrogate as of_snntorch
from spikingjelly.activation_based import surrogate as of_spikingjelly
from spikingjelly.activation_based.neuron import LIFNode

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
U = np.concatenate([np.linspace(-3.0, 3.0, 61) + 0.003, [-1e-3, 1e-3]])  # off the corners
STEPS, N = 200, 48


def slope(spike) -> np.ndarray:
    u = torch.tensor(U, requires_grad=True)
    spike(u).sum().backward()
    return u.grad.numpy()


SURROGATES = {
    "snntorch fast_sigmoid 25": of_snntorch.fast_sigmoid(25),
    "snntorch atan 2": of_snntorch.atan(2.0),
    "snntorch sigmoid 25": of_snntorch.sigmoid(25),
    "snntorch straight_through": of_snntorch.straight_through_estimator(),
    "spikingjelly Sigmoid 4": of_spikingjelly.Sigmoid(4.0),
    "spikingjelly ATan 2": of_spikingjelly.ATan(2.0),
    "spikingjelly PiecewiseQuadratic 1": of_spikingjelly.PiecewiseQuadratic(1.0),
    "spikingjelly Erf 2": of_spikingjelly.Erf(2.0),
    "spikingjelly SoftSign 2": of_spikingjelly.SoftSign(2.0),
    "spikingjelly Rect 1": of_spikingjelly.Rect(1.0),
    "spikingjelly PiecewiseExp 1": of_spikingjelly.PiecewiseExp(1.0),
    "norse super 100": lambda u: threshold(u, "super", torch.tensor(100.0, dtype=u.dtype)),
    "norse tanh 1": lambda u: threshold(u, "tanh", torch.tensor(1.0, dtype=u.dtype)),
    "norse triangle 0.3": lambda u: threshold(u, "triangle", torch.tensor(0.3, dtype=u.dtype)),
}


def current() -> np.ndarray:
    """The input of every LIF, in 1024ths so that the file is small; also `spyx_lif.py`'s."""
    return np.random.default_rng(0).integers(0, 512, (STEPS, N)) / 1024


def walk(step, x: torch.Tensor) -> np.ndarray:
    """Spikes of all steps, bit-packed along neurons."""
    with torch.no_grad():
        spikes = np.stack([np.asarray(step(row)) for row in x])
    assert 0.02 < spikes.mean() < 0.6
    return np.packbits(spikes.astype(bool), axis=1)


def snntorch_leaky(reset: str, delayed: bool):
    cell = snn.Leaky(beta=0.9, threshold=1.0, reset_mechanism=reset, reset_delay=delayed)
    cell.beta, cell.threshold = torch.tensor(0.9, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64)
    state = {"mem": torch.zeros(N, dtype=torch.float64)}

    def step(row):
        spike, state["mem"] = cell(row, state["mem"])
        return spike

    return step


def spikingjelly_node(decays: bool, v_reset: float | None):
    cell = LIFNode(tau=10.0, decay_input=decays, v_threshold=1.0, v_reset=v_reset)
    cell.v = torch.full((N,), 0.0 if v_reset is None else v_reset, dtype=torch.float64)
    return cell


def norse_box():
    numbers = (torch.tensor(x, dtype=torch.float64) for x in (100.0, 0.0, 1.0, 0.0))
    p = lif_box.LIFBoxParameters(*numbers, method="super", alpha=torch.tensor(100.0))
    state = {"s": lif_box.LIFBoxFeedForwardState(v=torch.zeros(N, dtype=torch.float64))}

    def step(row):
        spike, state["s"] = lif_box.lif_box_feed_forward_step(row, state["s"], p, dt=0.001)
        return spike

    return step


def main() -> None:
    np.savez_compressed(
        GOLDEN / "torch_surrogates.npz", u=U, **{name: slope(spike) for name, spike in SURROGATES.items()}
    )
    x = current()
    given, strong = torch.tensor(x), torch.tensor(x * 10.0)  # where the leak also scales the input, by a tenth
    trains = {
        "snntorch subtract delayed": walk(snntorch_leaky("subtract", True), given),
        "snntorch subtract": walk(snntorch_leaky("subtract", False), given),
        "snntorch zero delayed": walk(snntorch_leaky("zero", True), given),
        "snntorch zero": walk(snntorch_leaky("zero", False), given),
        "spikingjelly hard": walk(spikingjelly_node(False, 0.0), given),
        "spikingjelly hard, input decays": walk(spikingjelly_node(True, 0.0), strong),
        "spikingjelly hard to -0.5, input decays": walk(spikingjelly_node(True, -0.5), strong),
        "spikingjelly soft": walk(spikingjelly_node(False, None), given),
        "norse box": walk(norse_box(), strong),
    }
    np.savez_compressed(GOLDEN / "torch_lif.npz", x=np.int16(x * 1024), **trains)
    print({name: int(np.unpackbits(packed).sum()) for name, packed in trains.items()})


if __name__ == "__main__":
    main()
