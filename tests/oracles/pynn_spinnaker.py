"""Spikes of a PyNN script for SpiNNaker that PyNN 0.13 ran on NEST 3.10: tests/golden/spinnaker/pynn_script.npz.

`script.txt` in the same folder of golden data is what `spinnaker.to_pynn` wrote of the network of
tests/chips/spinnaker/test_pynn.py, which checks that it still does. Run from the repository root, with PyNN and NEST:

    python tests/oracles/pynn_spinnaker.py
"""

import types

import numpy as np
import pyNN
import pyNN.mock
import pyNN.nest
from golden import GOLDEN

STEPS, HERE = 400, GOLDEN / "spinnaker"


def script():
    module = types.ModuleType("script")
    exec((HERE / "script.txt").read_text(), module.__dict__)
    return module


x = np.random.default_rng(0).random((STEPS, 20)) < 0.08
times = {
    "in": [(np.flatnonzero(column) + 2.0).tolist() for column in x.T]
}  # PyNN's NEST takes a step off, and has none at 0
found, module = {}, script()

built = module.build(pyNN.mock, times)  # the script's populations and lists, as PyNN itself gives them back
for name, population in built.items():
    if name != "in":
        for key in ("tau_m", "cm", "v_thresh", "tau_syn_E"):
            found[f"mock {name} {key}"] = np.asarray(population.get(key))

module.NETWORK["setup"]["spike_precision"] = "on_grid"  # spikes lie on steps, as on the machine
built = module.build(pyNN.nest, times)
built["E"].record("spikes")
pyNN.nest.run(float(STEPS + 5))
trains = built["E"].get_data("spikes").segments[0].spiketrains
found["neuron"] = np.concatenate([[int(k)] * len(train) for k, train in enumerate(trains)]).astype(np.int32)
found["time"] = np.concatenate([np.asarray(train.magnitude) for train in trains])
np.savez_compressed(HERE / "pynn_script.npz", pynn=pyNN.__version__, **found)
print({key: np.shape(value) for key, value in found.items()}, len(found["time"]))
