"""Networks that are lowered to chips and written as graphs: `python -m tests.interop.chips` writes that of Xylo.

`tests/oracles/nir_rockpool.py` then runs it in Rockpool, the tool of the chip's maker.
"""

from pathlib import Path

import jax
import nir
import numpy as np

import jaxsnn as snn
from jaxsnn.interop import conventions
from jaxsnn.lowering import rounded_network, stored_values

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "nir"
EQUAL, TAKEN = snn.thresholds.GreaterEqual(), snn.resets.Subtract()
JUMPS = dict(tau=20.0, v_th=1.0, v_reset=0.0, v_rest=0.0, gain=snn.gains.PerStep(), bias=0.02)
DECAYS = dict(tau=20.0, tau_syn=5.0, v_th=1.0, v_reset=0.0)
XYLO = conventions.Rockpool(comparator=EQUAL)


def spinnaker():
    return snn.lowering.targets()["spinnaker-7.4"]()


# A target, the neuron, how a graph of it is stepped, and how many of 1600 spikes and silences differ on the chip.
CASES = {
    "loihi": (snn.chips.loihi.Loihi1, lambda: snn.LIF(**JUMPS), conventions.Nir(), 0),
    "loihi, currents": (snn.chips.loihi.Loihi1, lambda: snn.CubaLIF(**DECAYS), conventions.Nir(), 0),
    "spinnaker": (spinnaker, lambda: snn.LIF(**JUMPS, comparator=EQUAL), conventions.Nir(comparator=EQUAL), 0),
    "spinnaker, currents": (
        spinnaker,
        lambda: snn.CubaLIF(**DECAYS, comparator=EQUAL),
        conventions.Nir(comparator=EQUAL),
        0,
    ),
    "truenorth": (
        snn.chips.truenorth.TrueNorth,
        lambda: snn.LIF(**JUMPS | {"tau": np.inf, "bias": -0.02}, comparator=EQUAL),
        conventions.Nir(comparator=EQUAL),
        0,
    ),
    "brainscales": (
        lambda: snn.lowering.targets()["brainscales2"](),
        lambda: snn.CubaLIF(**DECAYS),
        conventions.Nir(),
        0,
    ),
    "xylo": (
        snn.chips.xylo.XyloAudio2,
        lambda: snn.CubaLIF(**DECAYS | {"tau": 16.0, "tau_syn": 4.0}, reset_mechanism=TAKEN, comparator=EQUAL),
        XYLO,
        30,
    ),
}


def network(cell, weight=(0.15, 0.2)):
    dense = dict(topology=snn.AllToAll(), via=snn.Dense())
    return snn.network(
        dt=1.0,
        key=jax.random.key(0),
        populations={"input": snn.SpikeSource(4), "hid": snn.Population(cell, 5), "out": snn.Population(cell, 3)},
        projections={
            "ih": snn.Connection("input", "hid", **dense, weight=snn.Normal(*weight)),
            "ho": snn.Connection("hid", "out", **dense, weight=snn.Normal(*weight)),
        },
    )


def lowered(name):
    """The network, its target and what `lower` makes of it."""
    make, cell, _, _ = CASES[name]
    net, target = network(cell(), (0.05, 0.06) if name == "xylo" else (0.15, 0.2)), make()
    return net, target, snn.lower(net, target)


def graph(name):
    _, target, found = lowered(name)
    rounded = rounded_network(found.graph, target)
    return snn.interop.to_nir(rounded, convention=CASES[name][2], metadata=stored_values(found.graph, target))


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    nir.write(GOLDEN / "read_by_rockpool.nir", graph("xylo"))
