"""The workload `train` in SpikingJelly 2.0, in multi-step mode: its Linear sees all steps at once."""

from importlib.metadata import version

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from training import BETA, THRESHOLD, UNITS, data, measure


def main():
    x, weight, labels = data()
    linear = layer.Linear(UNITS, UNITS, bias=False, step_mode="m")
    linear.weight.data = torch.from_numpy(weight.T.copy())
    lif = neuron.LIFNode(
        tau=1.0 / (1.0 - BETA),
        decay_input=False,
        v_threshold=THRESHOLD,
        v_reset=None,  # subtracts
        surrogate_function=surrogate.ATan(),
        detach_reset=True,
        step_mode="m",
    )
    net = torch.nn.Sequential(linear, lif)
    x, labels = torch.from_numpy(x), torch.from_numpy(labels)

    def gradient():
        functional.reset_net(net)
        net.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x).sum(0), labels)
        loss.backward()
        return float(loss), float(linear.weight.grad.norm())

    measure("spikingjelly", version("spikingjelly"), gradient)


if __name__ == "__main__":
    main()
