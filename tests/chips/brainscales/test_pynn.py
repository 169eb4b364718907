"""Programs as scripts for the group's PyNN: read back equal, and what `build` gives a simulator's module."""

import types

import equinox as eqx
import numpy as np

import jaxsnn as snn
from jaxsnn.neurons import EulerDecay
from jaxsnn.neurons.recursions import CurrentBeforeInput
from tests.refused import refused

bss = snn.chips.brainscales
CELL = snn.CubaLIF(
    tau=10.0, tau_syn=8.0, t_ref=2.0, decay=EulerDecay(), recursion=CurrentBeforeInput(), gain=snn.gains.Resistance()
)


def program(cell=CELL, n=4):
    """Two groups, of which one is connected to itself."""
    weight = np.random.default_rng(0).integers(-63, 64, (5, n))
    cells = {
        "in": snn.lowering.InputCells(5),
        "E": bss.AnalogCells(n, snn.Population(cell, n), per_weight=0.02, range=True),
    }
    links = {
        "a": bss.AnalogSynapses.of("in", "E", "in", weight),
        "b": bss.AnalogSynapses.of("E", "E", "in", np.eye(n) * -7),
    }
    return bss.brainscales_program(cells, links)


def test_a_script_reads_back_equal():
    text = bss.to_pynn(program())
    assert eqx.tree_equal(bss.from_pynn(text), program())
    assert not eqx.tree_equal(bss.from_pynn(text.replace('"v_thresh": 125', '"v_thresh": 126')), program())  # control


def test_the_script_asks_for_what_the_chip_is_calibrated_to():
    """The script's own `build`, with a module in the place of a chip's that notes what it is given."""
    built, module = [], types.ModuleType("script")
    exec(bss.to_pynn(program()), module.__dict__)
    noted = lambda name: lambda *args, **kwargs: built.append((name, args, kwargs)) or name
    cells = types.SimpleNamespace(CalibHXNeuronCuba=noted("cell"), SpikeSourceArray=noted("source"))
    synapses = types.SimpleNamespace(StaticSynapse=noted("synapse"))
    module.build(
        types.SimpleNamespace(
            setup=noted("setup"),
            Population=noted("population"),
            FromListConnector=noted("list"),
            Projection=noted("projection"),
            cells=cells,
            standardmodels=types.SimpleNamespace(synapses=synapses),
        ),
        {"in": [[0.01]] * 5},
    )
    of = lambda kind: [(args, kwargs) for name, args, kwargs in built if name == kind]
    asked = dict(v_rest=80, v_reset=80, v_thresh=125, tau_m=10.0, tau_refrac=2.0, tau_syn_E=8.0, tau_syn_I=8.0)
    assert of("cell") == [((), asked)] and of("source") == [((), {"spike_times": [[0.01]] * 5})]
    receptors = [kwargs["receptor_type"] for _, kwargs in of("projection")]
    weights = [[w for *_, w in args[0]] for args, _ in of("list")]
    assert receptors == ["excitatory", "inhibitory", "inhibitory"]  # nobody excites himself here
    assert min(weights[0]) > 0 > max(weights[1]) and weights[2] == [-7] * 4


def test_what_a_script_cannot_say_is_refused():
    with refused("expected a Program for BrainScaleS-2"):
        bss.to_pynn(CELL)  # pyright: ignore[reportArgumentType]
    with refused("'E' with LIF, which the script cannot say; expected CubaLIF, a circuit each"):
        bss.to_pynn(
            bss.brainscales_program(
                {"E": bss.AnalogCells(2, snn.Population(snn.LIF(), 2, ports={"in": snn.Exponential(5.0)}))}, {}
            )
        )
    with refused("'E' with the fixed pattern of a chip"):
        bss.to_pynn(bss.on_chip(program(), 1))
    with refused("no script of jaxsnn for pynn_brainscales.brainscales2"):
        bss.from_pynn(snn.chips.spinnaker.to_pynn(snn.lowering.Program({"in": snn.lowering.InputCounts(2)}, {})))
