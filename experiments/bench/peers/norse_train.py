"""The workload `train` in Norse 1.1: `LIFBox` over all steps, after a Linear that sees all steps at once."""

from importlib.metadata import version

import norse.torch as norse
import torch
from training import BETA, THRESHOLD, UNITS, data, measure

DT = 0.001


def main():
    x, weight, labels = data()
    linear = torch.nn.Linear(UNITS, UNITS, bias=False)
    linear.weight.data = torch.from_numpy(weight.T.copy()) / (1.0 - BETA)  # its current is times dt / tau
    parameters = norse.LIFBoxParameters(
        tau_mem_inv=torch.tensor((1.0 - BETA) / DT),
        v_leak=torch.tensor(0.0),
        v_th=torch.tensor(THRESHOLD),
        v_reset=torch.tensor(0.0),
    )
    cell = norse.LIFBoxCell(parameters, dt=DT)
    x, labels = torch.from_numpy(x), torch.from_numpy(labels)

    def gradient():
        linear.zero_grad()
        state, spikes = None, []
        for current in linear(x):
            fired, state = cell(current, state)
            spikes.append(fired)
        loss = torch.nn.functional.cross_entropy(torch.stack(spikes).sum(0), labels)
        loss.backward()
        return float(loss), float(linear.weight.grad.norm())

    measure("norse", version("norse"), gradient)


if __name__ == "__main__":
    main()
