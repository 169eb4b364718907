"""What a user calls says what its arguments are; what a model is made of says its equation and its units."""

import dataclasses
import inspect
import re

import equinox as eqx
import pytest

import jaxsnn as snn
from tests.public import public

PUBLIC = public()
# Arguments of these are those of the tool, the chip, or the graph behind them, and are listed by their pages.
OTHERS = ("presets.", "chips.", "lowering.", "interop.pynn.", "data.")
FILLED_IN = {  # made by the library, never by a user: what they hold is said where they are returned
    "Status", "simulation.RunState", "simulation.Signals", "sweeps.Plan", "sweeps.Refinement", "sweeps.Grid",
    "interop.FromBrian2", "interop.FromNIR", "equations.EquationNeuron", "equations.EquationSynapse",
    "neurons.Membrane", "gradients.TrainingError", "simulation.Run",
}  # fmt: skip
NOT_GIVEN = {
    "losses.StepCrossEntropy": {"first_step"},
    "Spatial": {"pre", "post"},
    "feedback.RandomFeedback": {"weights"},
}


def text_of(thing):
    """The docstrings of a thing and of its bases, with those of what they refer to: "as of `LIF`", "those of `LIF`"."""
    bases = [base for base in getattr(thing, "__mro__", (thing,)) if base not in (object, tuple, eqx.Module)]
    said = " ".join(" ".join((base.__doc__ or "").split()) for base in bases)
    named = re.findall(r"(?:[Tt]hose of|[Aa]s(?: of| for)?|otherwise as) ((?:`[\w.]+`(?:, | and )?)+)", said)
    more = {name.rpartition(".")[2] for names in named for name in re.findall(r"`([\w.]+)`", names)}
    return said + " ".join(other.__doc__ or "" for path, other in PUBLIC.items() if path.rpartition(".")[2] in more)


def unnamed(path, thing):
    """The arguments that the docstring of a thing does not name."""
    text, own = text_of(thing), NOT_GIVEN.get(path, set())
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names = {p.name for p in inspect.signature(thing).parameters.values() if p.kind not in variable}
    return {n for n in names - own - {"self", "key"} if not re.search(rf"`{n}\b|\b{n}`|[`(\s,]{n}=", text)}


CALLED = {
    path: thing
    for path, thing in PUBLIC.items()
    if callable(thing) and not path.startswith(OTHERS) and path not in FILLED_IN and "Abstract" not in path
    if not (inspect.isclass(thing) and issubclass(thing, (tuple, dict, Exception)))
}


@pytest.mark.parametrize("path", CALLED)
def test_every_argument_is_named(path):
    assert unnamed(path, CALLED[path]) == set()


def test_an_argument_that_is_not_named_is_seen():
    """Negative control."""

    def run(net, steps):
        """Runs `net`."""

    assert unnamed("run", run) == {"steps"} and len(CALLED) > 200


MODELS = (
    snn.neurons.AbstractNeuron, snn.synapses.AbstractSynapse, snn.connectivity.AbstractRelease,
    snn.plasticity.AbstractRule, snn.drives.AbstractDrive,
)  # fmt: skip
OWN = {path: kind for path, kind in CALLED.items() if inspect.isclass(kind) and issubclass(kind, MODELS)}


def without_unit(kind):
    """Its numbers whose unit is neither 1 nor in a docstring of it."""
    text = text_of(kind)
    units = {f.name: f.metadata["unit"] for f in dataclasses.fields(kind) if f.metadata.get("unit")}
    said = lambda unit: all(
        re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text) for part in re.split(r"[ /()]+", unit) if part
    )
    return {name for name, unit in units.items() if unit not in ("1", "port") and not said(unit.replace("^2", ""))}


@pytest.mark.parametrize("path", OWN)
def test_every_number_of_a_model_has_its_unit_in_the_text(path):
    assert without_unit(OWN[path]) == set()


def test_a_unit_that_is_not_said_is_seen():
    """Negative control."""

    class Silent(snn.Parrot):
        """A neuron that says nothing of its `tau`."""

        tau: snn.Param = snn.param(1.0, unit="ms")

    assert without_unit(Silent) == {"tau"} and len(OWN) > 30
