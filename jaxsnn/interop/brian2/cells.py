"""Groups of Brian2 as populations: neurons by equations, with every number a leaf of its Brian2 name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ... import equations
from ..._types import on_device
from ...equations.cell import EquationNeuron
from ...equations.dimensions import ONE
from ...equations.model import Model
from ...equations.splitting import linear_in_itself
from ...networks.population import Population
from ...simulation.drives.base import AbstractDrive
from ...simulation.drives.generator import SpikeGenerator
from ...synapses.into import Into
from .numbers import Number
from .plain import names_in, refuse
from .sources import AsCurrents, Fed
from .tables import held, input_of
from .texts import INPUT, Texts, constants, free_names

METHODS = {
    "exact": "exact", "linear": "exact", "euler": "euler", "rk2": "rk2", "rk4": "rk4", "heun": "heun",
    "milstein": "milstein", "exponential_euler": "exponential_euler",
}  # fmt: skip


class Cells(NamedTuple):
    """A population, what feeds it by itself, and the new names of what it could not call as Brian2 does.

    `kept`: parameters that nothing changes, in the library's units: what synapses may read of their neurons.
    """

    population: Population
    drives: tuple[AbstractDrive, ...]
    names: Mapping[str, str]
    kept: Mapping[str, Number]
    kinds: Mapping[str, str] = MappingProxyType({})  # of variables: float, integer or boolean
    into: frozenset[str] = frozenset()  # variables, by their names here, that spikes are added to

    @property
    def _model(self) -> Model | None:
        neuron = self.population.neuron
        return neuron.model if isinstance(neuron, EquationNeuron) else None

    @property
    def dimensions(self) -> Mapping[str, Any]:
        """The dimensions of the variables that spikes may be added to, by their names here."""
        model = self._model
        return {} if model is None else {name: model.dimensions[name] for name in model.variables}

    @property
    def readable(self) -> set[str]:
        """What synapses may read in every step, by its name here."""
        model = self._model
        return set() if model is None else {*model.variables, *model.parameters, *model.subexpressions}

    @property
    def summed(self) -> tuple[str, ...]:
        """Variables that are sums over synapses, by their names here."""
        return () if self._model is None else self._model.fed

    def reached(self, names: set[str]) -> set[str]:
        """These names, and what subexpressions of such a name depend on."""
        model = self._model
        inner = () if model is None else (model.subexpressions[x] for x in names if x in model.subexpressions)
        return {*names, *(x for each in inner for x in model.reached(each))}  # type: ignore[union-attr]


def cells(name: str, group: Mapping[str, Any], dt: float, into: set[str], summed: set[str] = set()) -> Cells:  # noqa: B006
    """The population of a group. `dt`: s. `into`: its variables that spikes are added to. `summed`: those that are
    sums over synapses.
    """
    match group["kind"]:
        case "neurons":
            return _neurons(f"NeuronGroup {name!r}", name, group, dt, into, summed)
        case "poisson":
            return _poisson(name, group, dt)
        case "generator":
            return _generator(name, group, dt)
    refuse(name, f"its kind is {group['kind']!r}, expected neurons, poisson or generator")


def _neurons(what: str, name: str, group: Mapping[str, Any], dt: float, into: set[str], summed: set[str]) -> Cells:
    lines, method, n = group["equations"], group["method"], group["n"]
    if method is not None and method not in METHODS:
        refuse(what, f"its method is {method!r}, expected one of {', '.join(METHODS)}")
    for line in lines:
        if line["name"] in into and (line["type"] == "subexpression" or "shared" in line["flags"]):
            refuse(what, f"spikes are added to {line['name']!r}, which is no variable of each neuron", line["text"])
    for line in lines:
        if line["name"] in summed and (line["type"] != "parameter" or "shared" in line["flags"]):
            refuse(what, f"{line['name']!r} is summed over synapses; expected a line `{line['name']} : unit` for it",
                   line["text"])  # fmt: skip
        if line["name"] in summed & into:
            refuse(what, f"spikes are added to {line['name']!r}, which is summed anew in every step", line["text"])
    _whole_numbers(what, group)
    given = constants(what, group["names"])
    values = {key: Number.of(entry) for key, entry in group["values"].items()}
    for key, value in (("i", np.arange(n, dtype=float)), ("N", np.asarray(float(n)))):
        if key in names_in(*_texts(group)) and key not in values:
            given[key] = Number(value, ONE)
    values |= given
    fed = input_of(what, group)
    values = {key: number for key, number in values.items() if key not in summed}
    lines = [{**line, "flags": [*line["flags"], "summed"]} if line["name"] in summed else line for line in lines]
    texts = Texts(what, free_names(lines, given), fed)
    written = [*texts.equations(lines, into), *texts.parameters(given)]
    refractory, threshold = group["refractory"], texts.new(group["threshold"])
    if isinstance(refractory, Mapping):
        values["refractory_period"] = Number.of(refractory)
        written.append("refractory_period : second")
        refractory = "refractory_period"
    else:
        refractory = texts.new(refractory)
    made: dict[str, Any] = {
        "threshold": threshold, "reset": texts.new(group["reset"]) if threshold else None, "refractory": refractory,
        "method": None if method is None else METHODS[method], "current": INPUT, "name": "BrianNeuron",
    }  # fmt: skip
    text = "\n".join(written)
    kind = _class(what, text, **made)
    if method == "exponential_euler" and not linear_in_itself(kind.model):
        kind = _class(what, text, **{**made, "method": "conditionally_linear"})
    neuron = kind(**{texts.name(key): _leaf(number, n) for key, number in values.items()})
    ports = {texts.name(x): Into(texts.name(x)) for x in sorted(into)} or {"v": Into("v")}
    kept = {key: number for key, number in values.items() if texts.name(key) not in kind.model.variables}
    drives = () if fed is None else (held(what, name, fed, dt, n),)
    kinds = {line["name"]: line["kind"] for line in lines}
    return Cells(Population(neuron, n, ports=ports), drives, texts.names, kept, kinds, frozenset(map(texts.name, into)))


def _whole_numbers(what: str, group: Mapping[str, Any]) -> None:
    """Resets leave integer variables integers, which here are real numbers: `n += 1`, `n = 0`."""
    integers = {line["name"] for line in group["equations"] if line["kind"] == "integer" and line["expr"] is None}
    for statement in re.split(r"[;\n]", re.sub(r"#[^\n]*", "", group["reset"] or "")):
        head = re.match(r"\s*(\w+)\s*([-+*/]?=)(?!=)\s*(.*?)\s*$", statement)
        if (
            head is not None
            and head[1] in integers
            and (head[2] == "/=" or re.fullmatch(r"[\w\s+*()-]*", head[3]) is None)
        ):
            refuse(
                what, f"{head[1]!r} is an integer and is set to what may be none, which Brian2 rounds down", statement
            )


def _texts(group: Mapping[str, Any]) -> list[str | None]:
    refractory = group["refractory"]
    own = [group["threshold"], group["reset"], refractory if isinstance(refractory, str) else None]
    return [*(line["expr"] for line in group["equations"]), *own]


def _class(what: str, text: str, **given: Any) -> Any:
    try:
        return equations.neuron(text, **given)
    except equations.EquationError as error:
        refuse(what, str(error))


def _leaf(number: Number, n: int) -> Any:
    value = np.asarray(number.value)
    if value.ndim == 0:
        return number.plain
    if value.size != n:
        raise ValueError(f"Got {value.size} numbers for a parameter of {n} neurons; expected one for each, or one.")
    return on_device(value.reshape(n))


def _poisson(name: str, group: Mapping[str, Any], dt: float) -> Cells:
    """A PoissonGroup: a neuron that fires where a random number is below `rates dt`, as in Brian2."""
    rates = group["rates"]
    kind, text = ("subexpression", rates) if isinstance(rates, str) else ("parameter", None)
    line = {"name": "rates", "type": kind, "expr": text, "dim": [0, 0, -1, 0, 0, 0, 0], "flags": [], "kind": "float",
            "text": str(rates)}  # fmt: skip
    given = {
        "equations": [line], "values": {} if text else {"rates": rates}, "threshold": "rand() < rates*dt",
        "reset": None, "refractory": None, "method": None,
    }  # fmt: skip
    return _neurons(f"PoissonGroup {name!r}", name, {**group, **given}, dt, set(), set())


def _generator(name: str, group: Mapping[str, Any], dt: float) -> Cells:
    """A SpikeGeneratorGroup: a spike at time t is one of step `floor((t + dt/1000)/dt)`, as in Brian2."""
    steps, indices = np.floor((np.asarray(group["times"]) + 1e-3 * dt) / dt), np.asarray(group["indices"])
    spikes = SpikeGenerator(indices, steps * (dt * 1e3), into=f"{name}.in", start=0.0) if steps.size else None
    return Cells(Population(Fed(), group["n"]), () if spikes is None else (AsCurrents(spikes),), {}, {})
