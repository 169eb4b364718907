"""What another tool has and a preset cannot express is refused by name, with what to use instead."""

import re
from pathlib import Path

import pytest

import jaxsnn as snn
from jaxsnn.presets import brian2, lava, nest, norse, snntorch, spikingjelly

MODULES = [
    brian2,
    lava,
    nest,
    norse,
    snntorch,
    snntorch.functional,
    snntorch.spikegen,
    snntorch.surrogate,
    spikingjelly,
]
ARGUMENTS = {
    "nest.iaf_psc_exp got rho": lambda: nest.iaf_psc_exp(2, rho=0.01),
    "nest.iaf_psc_exp got tau_m_": lambda: nest.iaf_psc_exp(2, tau_m_=0.01),
    "nest.parrot_neuron got V_m": lambda: nest.parrot_neuron(2, V_m=0.0),
    "nest.tsodyks_synapse got weight": lambda: nest.tsodyks_synapse(weight=1.0),
    "brian2.CUBA got method": lambda: brian2.CUBA(2, method="euler"),
    "brian2.PoissonGroup got when": lambda: brian2.PoissonGroup(2, 1.0, into="E", when="start"),
    "snntorch.Leaky got learn_beta": lambda: snntorch.Leaky(0.9, learn_beta=True),
    "snntorch.Leaky got reset_mechanism": lambda: snntorch.Leaky(0.9, reset_mechanism="soft"),
    "snntorch.Leaky got reset_delay": lambda: snntorch.Leaky(0.9, reset_delay=False),
    "snntorch.Synaptic got inhibition": lambda: snntorch.Synaptic(0.9, 0.8, inhibition=True),
    "snntorch.Lapicque got R;": lambda: snntorch.Lapicque(R=1.0),
    "snntorch.spikegen.rate got offset": lambda: snntorch.spikegen.rate(10, offset=0.1),
    "snntorch.spikegen.latency got linear": lambda: snntorch.spikegen.latency(10, normalize=True, clip=True),
    "snntorch.functional.ce_count_loss got population_code": lambda: snntorch.functional.ce_count_loss(
        "out", population_code=True
    ),
    "norse got method": lambda: norse.LIFCell(method="logistic"),
    "norse.LIFCell got p ": lambda: norse.LIFCell(p=()),
    "spikingjelly.LIFNode got step_mode": lambda: spikingjelly.LIFNode(step_mode="m"),
    "lava.LIF got bias_exp": lambda: lava.LIF(bias_exp=6),
}


@pytest.mark.parametrize("words", ARGUMENTS)
def test_arguments(words):
    with pytest.raises(ValueError, match=re.escape(words)):
        ARGUMENTS[words]()


def named(module):
    """The names that a module refuses: the keys of the dict handed to `refused_names`."""
    return re.findall(r'^        "(\w+)": ', Path(module.__file__).read_text(), re.MULTILINE)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_names(module):
    names = named(module)
    assert len(names) >= 3
    for name in names:
        assert name not in vars(module)
        with pytest.raises(AttributeError, match=rf"snn\.presets\.\S+ has no {name}: \w+"):
            getattr(module, name)
    with pytest.raises(AttributeError, match="has no attribute 'whatever'"):
        module.whatever  # noqa: B018


def has(path):
    found = snn
    for part in path.split("."):
        found = getattr(found, part)
    return found


def test_what_they_point_to_is_there():
    """Every `snn.name` that a preset speaks of exists; control: a name that does not is seen."""
    text = "".join(path.read_text() for path in Path(snn.presets.__file__).parent.rglob("*.py"))
    spoken_of = {path.rstrip(".") for path in re.findall(r"\bsnn\.([A-Za-z_][\w.]*)", text)} - {"presets"}
    assert len(spoken_of) > 20
    for path in sorted(spoken_of):
        if not path.startswith("presets."):
            has(path)
    with pytest.raises(AttributeError):
        has("surrogates.NoSuchSurrogate")
