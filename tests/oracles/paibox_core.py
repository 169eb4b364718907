"""PAIBox's neuron under given spikes: 3 resets, 2 negative thresholds, 2 directions of the leak, 5 leaks.

Its cell class is called step by step. Run from the repository root, in an environment with paibox 1.3.0.
"""

import itertools
import pathlib

import numpy as np
from paibox.components.neuron.base import OfflineNeuron
from paicorelib import LDM, NTM, RM

STEPS = 200
GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
RESETS = (RM.MODE_NORMAL, RM.MODE_LINEAR, RM.MODE_NONRESET)
NEGATIVE = (NTM.MODE_RESET, NTM.MODE_SATURATION)
DIRECTIONS = (LDM.MODE_FORWARD, LDM.MODE_REVERSAL)

rng = np.random.default_rng(0)
modes = [*itertools.product(range(3), range(2), range(2), (-9, -1, 0, 2, 13))]
n = len(modes)
weight = rng.integers(-60, 61, (4, n))
bits = rng.random((STEPS, n, 4)) < 0.35
threshold, negative, reset = rng.integers(30, 90, n), rng.integers(10, 70, n), rng.integers(-25, 26, n)
v, spikes = np.zeros((STEPS, n), int), np.zeros((STEPS, n), int)
for j, (mode, saturates, reversal, leak) in enumerate(modes):
    neuron = OfflineNeuron(
        (1,),
        reset_mode=RESETS[mode],
        reset_v=int(reset[j]),
        neg_thres_mode=NEGATIVE[saturates],
        neg_threshold=int(negative[j]),
        pos_threshold=int(threshold[j]),
        leak_direction=DIRECTIONS[reversal],
        leak_v=int(leak),
    )
    state = neuron.v
    for t in range(STEPS):
        arrived = np.array([bits[t, j] @ weight[:, j]], state.dtype)
        sent, state = neuron.step(arrived, state)
        v[t, j], spikes[t, j] = state[0], sent[0]
names = ("reset_mode", "saturates", "reversal", "leak")
found = dict(zip(names, np.array(modes, np.int16).T, strict=True))
found |= dict(threshold=threshold, negative=negative, reset=reset, weight=weight, v=v)
found = {key: x.astype(np.int16 if np.abs(x).max() < 2**15 else np.int32) for key, x in found.items()}
np.savez_compressed(
    GOLDEN / "paibox_neurons.npz", **found, bits=np.packbits(bits, axis=None), spikes=spikes.astype(bool)
)
print(n, "neurons,", int(spikes.sum()), "spikes, potentials", v.min(), "..", v.max())
