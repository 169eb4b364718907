"""Synapses of Brian2 whose variables are integrated in every step, `(clock-driven)`, and are summed into neurons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ... import equations
from ..._linear import Current
from ..._types import canonical_float, on_device
from ...equations.cell import EquationNeuron, assigned
from ...equations.expressions import Expression
from ...equations.functions import FUNCTIONS
from ...equations.names import Names
from ...equations.parse import statements
from ...equations.source import EquationError, Source
from ...equations.splitting import linear_in_itself
from ...equations.units import Units, resolved
from ...models import Inputs
from ...simulation.drives.base import AbstractDrive
from .cells import METHODS, Cells
from .learners import parsed
from .numbers import Number, unit_text
from .pathways import Numbers, calls, delay_ms, line_of, sided
from .plain import names_in, refuse, renamed
from .sums import Read
from .tables import INPUT
from .texts import free_names, line_text


class Events(NamedTuple):
    """What spikes of a population do at the synapses: `code`, after `delay` steps; `longest` of them."""

    side: str
    population: str
    code: str
    longest: int


class Total(NamedTuple):
    """A sum over the synapses of each neuron of `into`: of an expression, which may read neurons."""

    expression: str
    reads: tuple[Read, ...]
    into: str
    n: int


class ClockedSynapses(AbstractDrive):
    """Synapses with a state that is integrated in every step and changed by spikes, whose sums are currents.

    Brian2: `ds/dt = -s/tau : 1 (clock-driven)`, `on_pre="s += w"`, `s_total_post = s : 1 (summed)`. As there, step `k`
    sums the state at `t_k`, integrates it, and then has the spikes of step `k` that arrive without delay.

    **Arguments:** `cell`: the equations of a synapse, with its numbers. `pre`, `post`: neurons of each synapse.
    `events`: pathways; `delays`: of each, steps, `()` or one a synapse. `totals`: what is summed.
    """

    cell: EquationNeuron
    pre: Int[Array, " synapses"]
    post: Int[Array, " synapses"]
    delays: tuple[Int[Array, "..."], ...]
    events: tuple[Events, ...] = eqx.field(static=True)
    totals: tuple[Total, ...] = eqx.field(static=True)
    sizes: tuple[tuple[str, int], ...] = eqx.field(static=True)
    dt: float = eqx.field(static=True)

    def prepare(self, model, first):
        return eqx.tree_at(lambda d: d.cell, self, self.cell.prepared(self.dt))

    def init(self, *, key):
        dtype, sizes = canonical_float(), dict(self.sizes)
        fired = tuple(jnp.zeros((each.longest + 1, sizes[each.population]), dtype) for each in self.events)
        return self.cell.init(self.pre.shape, dtype), fired

    def step(self, d, t, signals, *, key):
        s, kept = d
        index, fired = {"pre": self.pre, "post": self.post}, []
        for each, delay, ring in zip(self.events, self.delays, kept, strict=True):
            length = each.longest + 1
            ring = ring.at[(t - 1) % length].set(signals.spikes[each.population])
            arrived = ring[(t - 1 - delay) % length, index[each.side]]
            for one in statements(Source.of(each.code, f"on_{each.side}")):
                new = Names(self.cell, self.cell.model, s).shaped(one.expression)
                s = s._replace(**{one.name: assigned(one.operation, getattr(s, one.name), new, arrived)})
            fired.append(ring)
        currents: dict[str, Array] = {}
        for total in self.totals:
            seen = {x.name: signals.state[x.population][x.variable][index[x.side]] for x in total.reads}
            expression = Expression.of(Source.of(total.expression, "summed"), 0, len(total.expression))
            x = Names(self.cell, self.cell.model, s, **seen).shaped(expression)
            currents[total.into] = jnp.zeros(total.n, x.dtype).at[self.post].add(x)
        silent = Current(jnp.zeros_like(s.v))
        s = self.cell.reset(self.cell.advance(s, silent, self.dt), jnp.zeros_like(s.v), self.dt)
        return (s, tuple(fired)), Inputs(currents=currents)


def is_clocked(entry: Mapping[str, Any]) -> bool:
    """Whether any variable of the synapses is integrated in every step."""
    return any(line["type"] == "differential" and "event-driven" not in line["flags"] for line in entry["equations"])


def at_spikes(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Synapses that pass something on at spikes and sum nothing, as if their variables were event-driven: between two
    spikes that read them, an exact integration in every step comes to the same.
    """
    code = [each for path in entry["pathways"] for each in parsed("", path["code"], path["side"])]
    passed_on = {each.name for each in code} - {line["name"] for line in entry["equations"]}
    if entry["summed"] or not passed_on or entry["method"] not in ("exact", "linear", "exponential_euler"):
        return entry
    lines = [
        {**line, "flags": ["event-driven"]} if line["type"] == "differential" else line for line in entry["equations"]
    ]
    return {**entry, "equations": lines}


def check_clocked(what: str, entry: Mapping[str, Any]) -> None:
    """Refuses what only synapses that change at spikes do."""
    clocked = next(line for line in entry["equations"] if line["type"] == "differential")
    for line in entry["equations"]:
        if "event-driven" in line["flags"]:
            refuse(what, f"{line['name']!r} is event-driven beside variables that are integrated in every step; "
                   "expected all of one kind", line["text"])  # fmt: skip
    for path in entry["pathways"]:
        for each in parsed(what, parted(what, entry, path)[0], path["side"]):
            if calls(each.expression):
                refuse(what, "a spike draws random numbers; expected numbers of the synapse", line_of(each))
    if not entry["summed"]:
        refuse(what, f"{clocked['name']!r} is integrated in every synapse and step (clock-driven), and nothing of it "
               "reaches neurons; expected a summed variable", clocked["text"])  # fmt: skip


def parted(what: str, entry: Mapping[str, Any], path: Mapping[str, Any]) -> tuple[str, str]:
    """The statements of a pathway that change the synapse, and those that add to neurons."""
    own, found = {line["name"] for line in entry["equations"]}, ([], [])
    parsed(what, path["code"], path["side"])
    for piece in re.split(r"[;\n]", re.sub(r"#[^\n]*", "", path["code"])):
        if piece.strip():
            (each,) = parsed(what, piece.strip(), path["side"])
            found[each.name not in own].append(piece.strip())
    changing = {line["name"] for line in entry["equations"] if line["type"] != "parameter"}
    changing |= {each.name for other in entry["pathways"] for each in parsed(what, other["code"], other["side"])} & own
    for piece in found[1]:
        if passed := sorted(changing & names_in(piece)):
            refuse(what, f"a spike passes on {passed[0]!r}, which changes; expected it to be summed", piece)
    return "; ".join(found[0]), "; ".join(found[1])


def clocked(name: str, entry: Mapping[str, Any], groups: Mapping[str, Cells], dt: float) -> ClockedSynapses:
    """The drive of the synapses `name`. `dt`: s."""
    what, ends = f"Synapses {name!r}", {"pre": entry["source"]["group"], "post": entry["target"]["group"]}
    numbers = Numbers(what, entry, {side: groups[group].kept for side, group in ends.items()})
    entry = {**entry, "pathways": [{**path, "code": parted(what, entry, path)[0]} for path in entry["pathways"]]}
    lines = {line["name"]: line for line in entry["equations"]}
    changed = {each.name for path in entry["pathways"] for each in parsed(what, path["code"], path["side"])}
    texts = [*(line["expr"] for line in lines.values()), *(path["code"] for path in entry["pathways"])]
    sums = [each["expr"] for each in entry["summed"]]
    given: dict[str, Number] = {}
    reads: dict[str, Read] = {}
    for each in sorted(names_in(*texts, *sums) - {*lines}):
        found = numbers.find(each)
        if each in FUNCTIONS or (resolved(each) is not None and each not in entry["names"]):
            continue
        if found is not None:
            given[each] = found
        elif each in names_in(*texts):
            refuse(what, f"it depends on {each!r} in every step; expected numbers and variables of the synapse")
        else:
            reads[each] = _read(what, each, ends, groups)
    names = free_names(lines.values(), given)
    kind = _class(what, entry, lines, changed, given, names)
    values = {key: Number.of(value) for key, value in entry["values"].items()} | given
    n = len(entry["pre"])
    cell = kind(**{names.get(key, key): _leaf(number, n) for key, number in values.items()})
    _check_units(what, entry, cell, reads, groups, names)
    steps = [np.rint(np.asarray(delay_ms(path, dt)) / (dt * 1e3)).astype(np.int32) for path in _ordered(entry)]
    events = tuple(
        Events(path["side"], ends[path["side"]], renamed(path["code"], names), int(np.max(delay, initial=0)))
        for path, delay in zip(_ordered(entry), steps)
    )
    totals = tuple(
        Total(renamed(x["expr"], names), tuple(reads[r] for r in sorted(names_in(x["expr"]) & {*reads})),
              ends["post"], groups[ends["post"]].population.n) for x in entry["summed"]
    )  # fmt: skip
    sizes = tuple((group, groups[group].population.n) for group in sorted({*ends.values()}))
    pre, post = (on_device(entry[side].astype(np.int32)) for side in ("pre", "post"))
    return ClockedSynapses(cell, pre, post, tuple(map(on_device, steps)), events, totals, sizes, dt * 1e3)


def _ordered(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Pathways in Brian2's order: those of senders first, and then by name."""
    return sorted(entry["pathways"], key=lambda path: (path["side"] != "pre", path["name"]))


def _read(what: str, name: str, ends: Mapping[str, str], groups: Mapping[str, Cells]) -> Read:
    """A name in a sum that is a variable of neurons."""
    variable, side = sided(name)
    own = groups[ends[side]].names.get(variable, variable)
    if own not in groups[ends[side]].dimensions:
        refuse(what, f"what is summed depends on {name!r}; expected variables that are integrated, and numbers")
    return Read(name, side, ends[side], own)


def _class(
    what: str, entry: Mapping[str, Any], lines: Mapping[str, Any], changed: set[str], given: Mapping[str, Number],
    names: Mapping[str, str],
) -> Any:  # fmt: skip
    """The equations of a synapse; a parameter that spikes change is a variable that else stays."""
    written = []
    for name, line in lines.items():
        expr = None if line["expr"] is None else renamed(line["expr"], names)
        flags = [flag for flag in line["flags"] if flag not in ("clock-driven", "constant")]
        if name in changed and line["type"] == "parameter":
            line, expr = {**line, "type": "differential"}, f"0*{names.get(name, name)}/ms"
        written.append(line_text({**line, "flags": flags}, expr, names))
    written += [f"{names.get(name, name)} : {unit_text(number.dimension)}" for name, number in given.items()]
    method = entry["method"]
    if method not in METHODS:
        refuse(what, f"its method is {method!r}, expected one of {', '.join(METHODS)}")
    made: dict[str, Any] = {"method": METHODS[method], "current": INPUT, "name": "BrianSynapse"}
    try:
        kind = equations.neuron("\n".join(written), **made)
        if method == "exponential_euler" and not linear_in_itself(kind.model):
            kind = equations.neuron("\n".join(written), **{**made, "method": "conditionally_linear"})
    except EquationError as error:
        refuse(what, str(error))
    if kind.model.noises or kind.model.draws:
        refuse(what, "its variables have noise; expected equations without chance")
    return kind


def _leaf(number: Number, n: int) -> Any:
    value = np.asarray(number.value)
    return number.plain if value.ndim == 0 else on_device(value.reshape(n))


def _check_units(
    what: str, entry: Mapping[str, Any], cell: EquationNeuron, reads: Mapping[str, Read], groups: Mapping[str, Cells],
    names: Mapping[str, str],
) -> None:  # fmt: skip
    """Statements and sums have the units that they need."""
    known = cell.model.dimensions | {
        name: groups[read.population].dimensions[read.variable] for name, read in reads.items()
    }
    units = Units(known)
    several = [*(path["code"] for path in entry["pathways"]), *(each["expr"] for each in entry["summed"])]
    for name in names_in(*(renamed(text, names) for text in several)):
        if name not in known and (meant := resolved(name)) is not None:
            units.named[name] = meant[1]
    try:
        for path in entry["pathways"]:
            for each in parsed(what, renamed(path["code"], names), path["side"]):
                if each.operation in ("=", "+=", "-="):
                    units.check(each.expression, units.named[each.name], each.name)
        for each in entry["summed"]:
            text = renamed(each["expr"], names)
            with jax.ensure_compile_time_eval():
                units.of_expression(Expression.of(Source.of(text, "summed"), 0, len(text)))
    except EquationError as error:
        refuse(what, str(error))
