"""Spikes of PyNN scripts for SpiNNaker that PyNN 0.13 ran on NEST 3.10, and what one learned: tests/golden/spinnaker.

`script.txt` and `stdp.txt` in the same folder of golden data are what `spinnaker.to_pynn` wrote of the networks of
tests/chips/spinnaker/test_pynn.py, which checks that it still does. Run from the repository root, with PyNN and NEST:

    python tests/oracles/pynn_spinnaker.py
"""

import types

import numpy as np
import pyNN
import pyNN.mock
import pyNN.nest
from golden import GOLDEN

STEPS, STEPS_OF_STDP, HERE = 400, 2000, GOLDEN / "spinnaker"


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

# --- a script whose synapses learn ------------------------------------------------------------------------------------

pyNN.nest.end()
module, made = types.ModuleType("script"), []
exec((HERE / "stdp.txt").read_text(), module.__dict__)
link = pyNN.nest.Projection
pyNN.nest.Projection = lambda *given, **more: made.append(link(*given, **more))
x = np.random.default_rng(0).random((STEPS_OF_STDP, 30)) < 0.03
times = {"in": [(np.flatnonzero(column) + 2.0).tolist() for column in x.T]}
module.NETWORK["setup"]["spike_precision"] = "on_grid"
built = module.build(pyNN.nest, times)
built["E"].record("spikes")
pyNN.nest.run(float(STEPS_OF_STDP + 5))
trains = built["E"].get_data("spikes").segments[0].spiketrains
count = np.array([len(train) for train in trains])
weights = np.array(sorted(made[0].get("weight", format="list")))
np.savez_compressed(HERE / "pynn_stdp.npz", pynn=pyNN.__version__, count=count, weights=weights)
print(count.sum(), weights.shape)
