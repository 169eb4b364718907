"""Programs as PyNN scripts: a text that a simulator's module runs, whose numbers stand in it as plain data."""

import json
from pathlib import Path
from typing import Any

_HEAD = '''"""{title}

Written by jaxsnn, for {simulator}; another simulator of PyNN 0.13 may be named: python THIS_FILE pyNN.nest
"""

import functools
import importlib
import json
import sys

NETWORK = json.loads(
    r"""
'''
_FOOT = '''
"""
)


def build(sim, spike_times=None):
    """The populations by name. `spike_times`: of inputs, by population, a list of times (ms) for each of its cells."""
    sim.setup(**NETWORK["setup"])
    named = lambda path: functools.reduce(getattr, path.split("."), sim)

    def synapse_type(link):
        if "stdp" not in link:
            return named(NETWORK["synapse"])()
        stdp = link["stdp"]
        weights = named(stdp["weight_dependence"])(w_min=stdp["w_min"], w_max=stdp["w_max"])
        return sim.STDPMechanism(sim.SpikePairRule(**stdp["pairs"]), weights, **stdp["options"])

    found = {}
    for name, made in NETWORK["populations"].items():
        parameters = dict(made["parameters"])
        if made["cell"].endswith("SpikeSourceArray"):
            parameters["spike_times"] = (spike_times or {}).get(name, [[] for _ in range(made["size"])])
        found[name] = sim.Population(made["size"], named(made["cell"])(**parameters), label=name)
        if "v" in made:
            found[name].initialize(v=made["v"])
    for name, link in NETWORK["projections"].items():
        if link["synapses"]:
            sim.Projection(
                found[link["pre"]],
                found[link["post"]],
                sim.FromListConnector([tuple(synapse) for synapse in link["synapses"]], column_names=link["columns"]),
                synapse_type=synapse_type(link),
                receptor_type=link["receptor"],
                label=name,
            )
    return found


if __name__ == "__main__":
    sim = importlib.import_module(sys.argv[1] if len(sys.argv) > 1 else NETWORK["simulator"])
    populations = build(sim)  # give the spike times of inputs here
    for name, made in NETWORK["populations"].items():
        if not made["cell"].endswith("SpikeSourceArray"):
            populations[name].record("spikes")
    sim.run(NETWORK["run ms"])
    for name, made in NETWORK["populations"].items():
        if not made["cell"].endswith("SpikeSourceArray"):
            print(name, [len(train) for train in populations[name].get_data("spikes").segments[0].spiketrains])
    sim.end()
'''


def script(title: str, network: dict[str, Any]) -> str:
    """The text. `network`: the data that stand in it: `simulator`, `setup`, `run ms`, `synapse`, `populations` and
    `projections`, as the text uses them.
    """
    parts = [f"{json.dumps(key)}: {_listed(value)}" for key, value in network.items()]
    head = _HEAD.format(title=title, simulator=network["simulator"])
    return head + "{" + ",\n".join(parts) + "}" + _FOOT


def _listed(value: Any) -> str:
    """JSON with a line for every population and projection."""
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{\n" + ",\n".join(f"  {json.dumps(key)}: {json.dumps(part)}" for key, part in value.items()) + "}"


def network_of(text: str | Path, simulator: str) -> dict[str, Any]:
    """What a script says: of its text, or of a file. Nothing of it is run."""
    text = Path(text).read_text(encoding="utf-8") if isinstance(text, Path) else text
    try:
        found = json.loads(text.split('r"""\n', 1)[1].split('\n"""\n)', 1)[0])
    except (IndexError, ValueError):
        found = None
    if not isinstance(found, dict) or found.get("simulator") != simulator:
        raise ValueError(
            f"Got a text that is no script of jaxsnn for {simulator}; expected what to_pynn wrote, where only numbers "
            "may have changed."
        )
    return found
