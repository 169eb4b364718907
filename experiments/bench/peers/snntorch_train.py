"""The workload `train` in snnTorch 1.0: its documented loop over steps, with the Linear applied to all steps before."""

from importlib.metadata import version

import snntorch
import torch
from snntorch import surrogate
from training import BETA, STEPS, THRESHOLD, UNITS, data, measure


def main():
    x, weight, labels = data()
    linear = torch.nn.Linear(UNITS, UNITS, bias=False)
    linear.weight.data = torch.from_numpy(weight.T.copy())
    lif = snntorch.Leaky(beta=BETA, threshold=THRESHOLD, spike_grad=surrogate.atan(), reset_mechanism="subtract")
    x, labels = torch.from_numpy(x), torch.from_numpy(labels)

    def gradient():
        linear.zero_grad()
        membrane, spikes, currents = lif.init_leaky(), [], linear(x)
        for step in range(STEPS):
            fired, membrane = lif(currents[step], membrane)
            spikes.append(fired)
        loss = torch.nn.functional.cross_entropy(torch.stack(spikes).sum(0), labels)
        loss.backward()
        return float(loss), float(linear.weight.grad.norm())

    measure("snntorch", version("snntorch"), gradient)


if __name__ == "__main__":
    main()
