"""Groups of Brian2 as populations: neurons by equations, with every number a leaf of its Brian2 name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ... import equations
from ..._types import on_device
from ...networks.population import Population
from ...simulation.drives.base import AbstractDrive
from ...simulation.drives.generator import SpikeGenerator
from ...synapses.into import Into
from ...equations.dimensions import ONE
from .numbers import Number, unit_text
from .plain import names_in, refuse, renamed
from .sources import AsCurrents, Fed, HeldTable
from .texts import INPUT, Table, constants, free_names, line_text, table_of, with_input

_METHODS = {
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


def cells(name: str, group: Mapping[str, Any], dt: float, into: set[str]) -> Cells:
    """The population of a group. `into`: its variables that spikes are added to."""
    match group["kind"]:
        case "neurons":
            return _neurons(f"NeuronGroup {name!r}", name, group, dt, into)
        case "poisson":
            return _poisson(name, group, dt)
        case "generator":
            return _generator(name, group, dt)
    refuse(name, f"its kind is {group['kind']!r}, expected neurons, poisson or generator")


def _neurons(what: str, name: str, group: Mapping[str, Any], dt: float, into: set[str]) -> Cells:
    lines, method = group["equations"], group["method"]
    if method is not None and method not in _METHODS:
        refuse(what, f"its method is {method!r}, expected one of {', '.join(_METHODS)}")
    for line in lines:
        if line["name"] in into and (line["type"] == "subexpression" or "shared" in line["flags"]):
            refuse(what, f"spikes are added to {line['name']!r}, which is no variable of each neuron", line["text"])
    given = constants(what, group["names"])
    refractory = group["refractory"]
    texts = [line["expr"] for line in lines] + [group["threshold"], group["reset"]]
    texts += [refractory] if isinstance(refractory, str) else []
    names = free_names(lines, given)
    table, more = table_of(what, group["names"], texts), []
    if table is not None:
        if method == "rk4":
            refuse(
                what, f"'rk4' reads the TimedArray {table.name!r} within a step; the input here is that of its start"
            )
        within = [line["expr"] for line in lines if line["type"] == "differential"]
        direct = table.name not in names_in(*(set(texts) - set(within)))
        now = INPUT if direct else f"{INPUT}_held"  # what a threshold reads has to be kept for the step
        more = [] if direct else [f"{now} = {INPUT} : {unit_text(Number.of(table.entry).dimension)} (constant over dt)"]
    rewritten = lambda text: (
        None if text is None else renamed(with_input(what, text, table, now if table else ""), names)
    )
    written = []
    for line in lines:
        expr = rewritten(line["expr"])
        if line["name"] in into and line["type"] == "parameter":  # spikes change it, and nothing else between them
            at = names.get(line["name"], line["name"])
            line, expr = {**line, "type": "differential", "flags": []}, f"0*{at}/ms"
        written.append(line_text(line, expr, names))
    written += more
    values = {key: Number.of(entry) for key, entry in group["values"].items()}
    values |= given
    for key, value in (("i", np.arange(group["n"], dtype=float)), ("N", np.asarray(float(group["n"])))):
        if key in names_in(*texts) and key not in values:
            values[key] = given[key] = Number(value, ONE)
    written += [f"{names.get(key, key)} : {unit_text(given[key].dimension)}" for key in given]
    if not isinstance(refractory, str | None):
        values["refractory_period"] = Number.of(refractory)
        written.append("refractory_period : second")
        refractory = "refractory_period"
    else:
        refractory = rewritten(refractory)
    threshold = rewritten(group["threshold"])
    kind = _class(
        what, "\n".join(written), threshold=threshold, reset=rewritten(group["reset"]) if threshold else None,
        refractory=refractory, method=_METHODS.get(method), current=INPUT, name="BrianNeuron",
    )  # fmt: skip
    made = kind(**{names.get(key, key): _leaf(number, group["n"]) for key, number in values.items()})
    ports = {names.get(x, x): Into(names.get(x, x)) for x in sorted(into)} or {"v": Into("v")}
    drives = () if table is None else (_held(what, name, table, dt, group["n"]),)
    changed = {*into, *kind.model.variables, *(old for old, new in names.items() if new in kind.model.variables)}
    kept = {key: number for key, number in values.items() if key not in changed}
    return Cells(Population(made, group["n"], ports=ports), drives, names, kept)


def _class(what: str, text: str, **given: Any) -> Any:
    try:
        return equations.neuron(text, **given)
    except equations.EquationError as error:
        refuse(what, str(error))


def _leaf(number: Number, n: int) -> Any:
    value = np.asarray(number.value)
    return number.plain if value.ndim == 0 else on_device(value.reshape(n))


def _held(what: str, name: str, table: Table, dt: float, n: int) -> HeldTable:
    """The table as the current of the population."""
    rows, ratio = Number.of(table.entry).value, table.entry["table"] * 1e3 / dt
    every, ahead = max(round(ratio), 1), max(round(1 / ratio), 1)
    if abs(ratio - every / ahead) > 1e-6 * ratio:
        refuse(what, f"the TimedArray {table.name!r} has dt = {table.entry['table'] * 1e3:g} ms, expected whole steps of "
               f"{dt:g} ms")  # fmt: skip
    if rows.ndim == 2 and rows.shape[1] < n:
        refuse(what, f"the TimedArray {table.name!r} has {rows.shape[1]} columns, expected one for each of {n} neurons")
    return HeldTable(rows if rows.ndim == 1 else rows[:, :n], into=name, every=every, ahead=ahead)


def _poisson(name: str, group: Mapping[str, Any], dt: float) -> Cells:
    """A PoissonGroup: a neuron that fires where a random number is below `rates dt`, as in Brian2."""
    rates = group["rates"]
    kind, text = ("subexpression", rates) if isinstance(rates, str) else ("parameter", None)
    line = {"name": "rates", "type": kind, "expr": text, "dim": [0, 0, -1, 0, 0, 0, 0], "flags": [], "text": str(rates)}
    given = {
        "equations": [line], "values": {} if text else {"rates": rates}, "threshold": "rand() < rates*dt",
        "reset": None, "refractory": None, "method": None,
    }  # fmt: skip
    return _neurons(f"PoissonGroup {name!r}", name, {**group, **given}, dt, set())


def _generator(name: str, group: Mapping[str, Any], dt: float) -> Cells:
    """A SpikeGeneratorGroup: a spike at time t is one of step `floor(t/dt + 0.001)`, as in Brian2."""
    steps = np.floor(np.asarray(group["times"]) * 1e3 / dt + 1e-3)
    drives = ()
    if steps.size:
        drives = (AsCurrents(SpikeGenerator(np.asarray(group["indices"]), steps * dt, into=f"{name}.in", start=0.0)),)
    return Cells(Population(Fed(), group["n"]), drives, {}, {})
