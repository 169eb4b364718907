"""Groups of Brian2 as plain data: neurons by equations, Poisson sources, generators of given spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .plain import assigned_in, kind_of, names_in, powers, quantity, refuse
from .reading_regular import Regular, put, regular

_OWN = ("lastspike", "not_refractory")  # what Brian2 adds for refractoriness
_PARTS = ("StateUpdater", "Thresholder", "Resetter", "SubexpressionUpdater")


def neurons(what: str, group: Any, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """A NeuronGroup: equations, threshold, reset, refractoriness, method; numbers of variables and of other names."""
    set_anew = _own_parts(what, group)
    if set(group.events) - {"spike"}:
        refuse(what, f"it has the event {next(iter(set(group.events) - {'spike'}))!r}; jaxsnn has spikes only")
    lines = equations(group.user_equations)
    refractory = group._refractory
    if refractory is False:
        refractory = None
    elif not isinstance(refractory, str):
        refractory = quantity(refractory)
    threshold, reset = group.events.get("spike"), group.event_codes.get("spike")
    put(what, int(group.N), lines, set_anew)
    texts = [line["expr"] for line in lines] + [threshold, reset, refractory if isinstance(refractory, str) else None]
    _as_at_first(what, group, namespace)
    local = {name for name in assigned_in(reset) if name not in group.variables}
    values = {line["name"]: value_of(what, group, line) for line in lines if line["type"] != "subexpression"}
    return {
        "kind": "neurons", "n": int(group.N), "equations": lines, "threshold": threshold, "reset": reset,
        "refractory": refractory, "method": method_of(what, group, namespace, lines), "values": values,
        "names": outside(what, group, names_in(*texts) - local, namespace),
    }  # fmt: skip


def _as_at_first(what: str, group: Any, namespace: Mapping[str, Any]) -> None:
    """No neuron is refractory from before, and refractoriness counts steps."""
    variables = group.variables
    if "lastspike" in variables and np.any(variables["lastspike"].get_value() > -1e3):
        refuse(what, "its 'lastspike' was set; here no neuron has fired before the run")
    if "not_refractory" in variables and not np.all(variables["not_refractory"].get_value()):
        refuse(what, "its 'not_refractory' was set; here no neuron is refractory when a run begins")
    code = group.state_updater._get_refractory_code(run_namespace=dict(namespace))
    if "lastspike" in code and "timestep(" not in code:
        refuse(what, "prefs.legacy.refractory_timing is on; refractoriness here is that of Brian2 2.2 and later")


def value_of(what: str, group: Any, line: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a variable or parameter; a linked one is refused."""
    variable = group.variables[line["name"]]
    if "linked" in line["flags"]:
        refuse(what, f"{line['name']!r} is linked to a variable of another group; populations here are joined by "
               "projections only", line["text"])  # fmt: skip
    return quantity(variable.get_value(), variable.dim)


def _own_parts(what: str, group: Any) -> list[Regular]:
    """Nothing but what a group has of itself, in Brian2's own slots; and what is set anew in every step."""
    slots = {"StateUpdater": "groups", "Thresholder": "thresholds", "Resetter": "resets"}
    found = []
    for part in group.contained_objects:
        kind = kind_of(part)
        if kind in _PARTS and (part.when, part.order, bool(part.active)) != (slots.get(kind, part.when), 0, True):
            refuse(what, f"{part.name!r} runs in slot {part.when!r}, order {part.order}; expected Brian2's own place")
        if kind not in _PARTS:
            found += regular(what, group, part)
    return found


def equations(given: Any) -> list[dict[str, Any]]:
    """The lines of an `Equations`, each in parts: `type`, `name`, `expr`, `dim`, `flags`, and as text."""
    found = []
    for name, line in given.items():
        if name in _OWN:
            continue
        expr = None if line.expr is None else " ".join(line.expr.code.split())
        kind = {"differential equation": "differential"}.get(line.type, line.type)
        head = f"d{name}/dt = {expr}" if kind == "differential" else name if expr is None else f"{name} = {expr}"
        flags = [str(flag) for flag in line.flags]
        unit = str(line.var_type) if str(line.var_type) != "float" else line.unit if any(powers(line.dim)) else "1"
        text = f"{head} : {unit}" + (f" ({', '.join(flags)})" if flags else "")
        found.append({"type": kind, "name": name, "expr": expr, "dim": powers(line.dim), "flags": flags, "text": text,
                      "kind": str(line.var_type)})  # fmt: skip
    return found


def method_of(what: str, group: Any, namespace: Mapping[str, Any], lines: list[dict[str, Any]]) -> str | None:
    """The name of the method that Brian2 takes; None where there is nothing to integrate."""
    updater = group.state_updater
    if not any(line["type"] == "differential" for line in lines) or updater is None:
        return None
    options, choice = updater.method_options, updater.method_choice
    if options:
        refuse(what, f"its method has options, {options}, which no method here has")
    if isinstance(choice, str):
        return choice.lower()
    if callable(choice) or choice is None:
        refuse(what, f"its method is {choice!r}, expected the name of one of Brian2's methods")
    try:  # the first that Brian2 itself finds suitable
        for one in choice:
            updater.method_choice = one
            try:
                updater.update_abstract_code(run_namespace=dict(namespace))
                return one
            except Exception as error:
                if "Unsupported" not in kind_of(error):
                    raise
    finally:
        updater.method_choice = choice
    refuse(what, f"Brian2 finds none of its methods {choice} suitable; give method=")


def outside(what: str, group: Any, names: set[str], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """The names that the group does not define: constants and units as quantities, tables over time, functions."""
    found: dict[str, Any] = {}
    missing: list[str] = []
    for name in sorted(names - {"and", "or", "not", "True", "False"}):
        if name in group.variables or name == "xi" or name.startswith("xi_"):
            continue
        try:
            known = group.resolve_all({name}, dict(namespace))[name]
        except KeyError:
            missing.append(name)
            continue
        if kind_of(known) == "TimedArray":
            table = quantity(np.asarray(known.values), known.dim)
            table["si"] = np.array(known.values, dtype=float)
            found[name] = {**table, "table": float(known.dt)}
        elif hasattr(known, "implementations"):
            found[name] = {"function": name}
        else:
            found[name] = quantity(known.get_value(), known.dim)
    if missing:
        several = ", ".join(map(repr, missing)) + (" is" if len(missing) == 1 else " are")
        handed = ", ".join(f"{name!r}: ..." for name in missing)
        refuse(
            what,
            f"{several} not defined where from_brian2 was called; hand over what the equations mean, "
            f"from_brian2(network, namespace={{{handed}}}), or namespace=vars(module) of the module with the network",
        )
    return found


def poisson(what: str, group: Any, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """A PoissonGroup: rates as numbers or as text."""
    for each in _own_parts(what, group):
        refuse(what, "its rates are set by run_regularly; give them as text or as a TimedArray of t", each.text)
    rates = group.variables["rates"]
    text = getattr(rates, "expr", None)
    return {
        "kind": "poisson", "n": int(group.N),
        "rates": quantity(rates.get_value(), rates.dim) if text is None else " ".join(text.split()),
        "names": {} if text is None else outside(what, group, names_in(text), namespace),
    }  # fmt: skip


def generator(what: str, group: Any, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """A SpikeGeneratorGroup: who, and when, in s."""
    if float(group.variables["period"].get_value()[0]) != 0.0:
        refuse(what, "its spikes repeat with a period; give the spikes of the whole run")
    return {
        "kind": "generator", "n": int(group.N), "indices": np.array(group._neuron_index, dtype=np.int64),
        "times": np.array(group._spike_time, dtype=float),
    }  # fmt: skip
