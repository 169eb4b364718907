"""Freezes `tests/golden/nengo_core.npz`: the integer emulator of nengo-loihi 1.1, u, v and spikes.

Needs nengo-loihi 1.1 (nengo 3.2, numpy < 2, scipy < 1.14). Run from the repository root. The emulator has no delays; a
weight is given as the integer that it adds.
"""

import warnings

import loihi_cases
import loihi_core
import numpy as np
from nengo_loihi.block import Axon, LoihiBlock, Synapse
from nengo_loihi.builder import Model
from nengo_loihi.emulator import EmulatorInterface
from nengo_loihi.inputs import SpikeInput


def nengo(case):
    """u, v and spikes of every step."""
    cells = case["cells"]["E"]
    n = cells["n"]
    block = LoihiBlock(n, label="E")
    of = block.compartment
    of.dtype = np.int32
    number = lambda x: np.asarray(x, np.int32)
    of.decay_u, of.decay_v = number(cells["decay_u"] - 1), number(cells["decay_v"])
    of.scale_u = of.scale_v = False
    of.vth, of.bias = number(cells["threshold"] << 6), number(cells["bias"] << cells["bias_exponent"])
    of.refract_delay = number(cells["refractory"])
    of.vmin, of.vmax = int(cells["v_min"][0]), int(cells["v_max"][0])
    raster = case["inputs"]["in"]
    source = SpikeInput(raster.shape[1])
    for t, row in enumerate(raster):
        source.add_spikes(t + 1, np.nonzero(row)[0], permanent=True)
    for link in case["links"].values():
        added = loihi_core.stored(link, loihi_core.NENGO) << (6 + link["exponent"])
        synapse = Synapse(len(added))
        synapse.weights = [number(row)[None] for row in added]
        synapse.indices = [np.arange(n)[None] for _ in added]
        block.add_synapse(synapse)
        axon = Axon(len(added))
        axon.target, axon.compartment_map = synapse, np.arange(len(added))
        axon.compartment_atoms = np.zeros(len(added), int)
        (source if link["pre"] == "in" else block).add_axon(axon)
    model = Model()
    model.add_block(block)
    model.add_input(source)
    out = {"u": [], "v": [], "s": []}
    with warnings.catch_warnings(), EmulatorInterface(model, seed=0) as emulator:
        warnings.simplefilter("ignore")  # that it overflows is meant
        for _ in raster:
            emulator.step()
            state = emulator.compartment
            for key, value in (("u", state.current), ("v", state.voltage), ("s", state.spiked)):
                out[key].append(np.array(value))
    return {key: np.array(rows, np.int64) for key, rows in out.items()}


def limited(case):
    """A case with weights as its discretiser makes them: 254 at most, of either sign, where signs are mixed."""
    links = {name: {**link, "weight": np.clip(link["weight"], -254, 255)} for name, link in case["links"].items()}
    return {**case, "links": links}


if __name__ == "__main__":
    cases = [limited(loihi_cases.case("nengo", seed, delays=0, exponents=(0, 7))) for seed in range(2000, 2240)]
    results, wrong = loihi_cases.compare(nengo, cases, {"lava": "lava", "brian2loihi": "brian2loihi"})
    assert wrong == 0
    loihi_cases.freeze("nengo_core", cases, results)
