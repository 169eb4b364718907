"""What other tools' names are here, and in which room a name is: for the error where `jaxsnn` has none of that name."""

from __future__ import annotations

import importlib

HERE = {  # the tool: {its name: what does it here}
    "Brian2": {
        "NeuronGroup": "Population",
        "Synapses": "Connection",
        "SpikeMonitor": "Raster",
        "StateMonitor": "Trace",
        "PopulationRateMonitor": "PopulationRate",
        "SpikeGeneratorGroup": "SpikeGenerator",
        "PoissonGroup": "Poisson",
        "PoissonInput": "Poisson",
        "Equations": "equations.neuron",
        "run": "simulate",
        "run_regularly": "drives.AbstractDrive",
        "network_operation": "drives.AbstractDrive",
    },
    "NEST": {
        "Create": "Population",
        "Connect": "Connection",
        "Simulate": "simulate",
        "spike_recorder": "Raster",
        "multimeter": "Trace",
        "voltmeter": "Trace",
        "weight_recorder": "Snapshots",
        "poisson_generator": "Poisson",
        "spike_generator": "SpikeGenerator",
        "dc_generator": "StepCurrent",
        "noise_generator": "NoiseCurrent",
    },
    "PyNN": {
        "SpikeSourcePoisson": "Poisson",
        "SpikeSourceArray": "SpikeGenerator",
        "FixedProbabilityConnector": "FixedProb",
        "AllToAllConnector": "AllToAll",
        "OneToOneConnector": "OneToOne",
        "FromListConnector": "FromArrays",
        "STDPMechanism": "PairSTDP",
    },
    "snnTorch": {"Leaky": "presets.snntorch.Leaky", "Synaptic": "presets.snntorch.Synaptic"},
    "Norse": {"LIFCell": "presets.norse.LIFCell"},
    "SpikingJelly": {"LIFNode": "presets.spikingjelly.LIFNode"},
}
ROOMS = (
    *("analysis", "connectivity", "drives", "gains", "integrators", "interop", "losses", "lowering", "neurons"),
    *("plasticity", "probes", "refractory", "resets", "surrogates", "sweeps", "synapses", "thresholds", "presets.nest"),
)


def hint(name: str) -> str:
    """Where what `jaxsnn` itself does not have is found, as the end of an error; empty if nobody knows."""
    for tool, names in HERE.items():
        if name in names:
            return f": {tool}'s is jaxsnn.{names[name]} here (docs: Coming from another tool)"
    package = importlib.import_module("jaxsnn")
    for room in ROOMS:
        at = package
        for part in room.split("."):
            at = getattr(at, part)
        if name in dir(at):
            return f": it is jaxsnn.{room}.{name}"
    return ""
