"""The report of a lowering or of a program: use of the chip, and losses of precision, as data and as text."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np

from .advice import advice
from .calibrate import Calibration, calibration_of, observe
from .document import AbstractDocument
from .graph import Graph
from .intervals import ASSUMED
from .program import Program
from .proofs import bounds
from .target import AbstractTarget, verify
from .written import DONE, concrete


@dataclasses.dataclass(frozen=True)
class Report(AbstractDocument):
    """`print(report)`, `report.data` (nested dicts), `report.json`, `report.html`, `report.save("report.html")`."""

    json: str
    noun = "report"

    @property
    def html(self) -> str:
        from .html import page

        return page(self.data)

    def __str__(self) -> str:
        return "\n".join(_text(self.data))

    def __repr__(self) -> str:
        return f"Report of {len(self.json)} characters; print it"


def report(program: Program, target: AbstractTarget, *, calibrate: Any = None) -> Report:
    """What a program takes of a chip, whether its registers can overflow, and what it costs: also of one by hand.

    It is the report of `lower`, without what only a network can tell: which numbers were asked for, and which spikes.

    **Arguments:**

    - `program`: written by hand, read from a file, trained (`relaxed.program`) or lowered. A matrix has a synapse for
      every pair, also where its weight is 0.
    - `target`: a chip of `snn.chips`.
    - `calibrate`: a `Replay`, or `Calibration(drive, steps=, key=)`: a run in which messages are counted, for rates,
      what overflowed, energy and time. None: there are none of these.

    **Returns:** `Report`. **Raises:** ValueError for what the chip does not have, or has no room for, by name.
    """
    verify(program, target)
    concrete(program)
    calibration = calibration_of(calibrate)
    graph, found = target.graph_of(program), {}
    if calibration is not None:
        seen = observe(program, calibration)
        rates = {name: np.asarray(raster.dense()).mean(axis=0) for name, raster in seen["spikes"].items()}
        found = {
            "ran": _ran(program, calibration, rates, seen.problems),
            "counted": {name: cells.counted(seen.state.model.cells[name]) for name, cells in program.cells.items()},
            "energy": target.cost(graph, rates, calibration.inference or calibration.steps),
        }
    return report_on(graph, program, target, **found)


def _ran(program: Program, calibration: Calibration, rates: dict[str, Any], problems: Any) -> dict[str, Any]:
    """Messages of a run, by group, and what went wrong in it."""
    hz = {name: float(1e3 * np.mean(rate) / program.dt) for name, rate in rates.items()}
    return {"steps": calibration.steps, "rate Hz": hz, "problems": list(problems)}


def report_on(
    graph: Graph,
    program: Program,
    target: AbstractTarget,
    *,
    agreement: Any = None,
    learned: Any = None,
    energy: Any = None,
    ran: Any = None,
    counted: dict[str, dict[str, int]] | None = None,
) -> Report:
    """The report of a lowered graph and its program.

    `agreement`: of spikes, by group. `learned`: of weights at the end of the calibration, by group of plastic edges.
    `energy`: as the target gives it. `ran`: of a run without a model. `counted`: what the calibration run counted, by
    group of cells.
    """
    data: dict[str, Any] = {
        "target": target.name,
        "dt ms": graph.dt,
        "passes": list(graph.done),
        "late": dict(graph.lags),
        "proofs assume": ASSUMED,
    }
    if (placed := target.placed(graph)) is not None:
        data["chip"] = placed
    data["cells"] = _cells(graph, program, counted or {})
    data["links"] = {
        name: {
            "from": edge.pre,
            "to": edge.post,
            **edge.values["weight"].format.data,
            "longest delay": edge.max_delay,
            **{key: _plain(x) for key, x in graph.counts.get(name, {}).items()},
            **({} if edge.rule is None else {"learning": _learning(graph, name, (learned or {}).get(name))}),
        }
        for name, edge in graph.edges.items()
    }
    if DONE in graph.done:
        for name, part in program.named.items():
            said, part_of = part.describe(), data["links"] if name in program.synapses else data["cells"]
            if name in part_of:
                part_of[name]["described"] = [said] if isinstance(said, str) else said
    if agreement is not None:
        data["agreement"] = agreement
    if ran is not None:
        data["run"] = ran
    if energy is not None:
        data["energy"] = energy
    data["advice"] = advice(data)
    return Report(json.dumps(data))


def _cells(graph: Graph, program: Program, counted: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Scale, losses, counts of a run and bounds of registers, by group, in a fixed order."""
    proofs, found = bounds(program), {}
    for name, cell in graph.cells.items():
        if cell.is_input:
            continue
        numbers: dict[str, Any] = {key: _plain(x) for key, x in graph.counts.get(name, {}).items()}
        numbers |= counted.get(name, {})
        for register, bound in proofs.get(name, {}).items():
            numbers |= {f"{register} from": _finite(bound.low), f"{register} to": _finite(bound.high)}
            numbers[f"{register} is proved"] = bound.proved
        scale = _plain(cell["scale"]) if "scale" in cell.values else None
        limits = {key: list(ends) for key, ends in program.cells[name].limits().items()}
        found[name] = {"n": cell.n, "scale": scale, **dict(sorted(numbers.items())), "registers": limits}
    return found


def _learning(graph: Graph, name: str, learned: Any) -> dict[str, Any]:
    edge = graph.edges[name]
    assert edge.rule is not None
    data = edge.rule.data(name, edge, graph.cells[edge.post]["scale"], graph.dt)
    return data if learned is None else data | {"learned": learned}


def _finite(x: float) -> float | None:
    """An end of a bound, None where there is none: JSON has no infinite number."""
    return x if np.isfinite(x) else None


def _plain(x: Any) -> Any:
    """A number that JSON can write."""
    value = np.asarray(x)
    return value.item() if value.ndim == 0 else value.tolist()


def _text(data: dict[str, Any]) -> list[str]:
    lines = [f"{data['target']}, dt = {data['dt ms']:g} ms: {', '.join(data['passes'])}"]
    lines += [f"  {line}" for line in data.get("chip", {}).get("summary", ())]
    if any(f"{register} to" in cell for cell in data["cells"].values() for register in cell["registers"]):
        lines.append(f"  proofs of registers assume that {data['proofs assume']}")
    for name, cell in data["cells"].items():
        late = data["late"].get(name, 0)
        scale = "" if cell["scale"] is None else f", scale {_scale(cell['scale'])} a unit of v, {late} step(s) late"
        lines.append(f"  {name}: {cell['n']} cells{scale}")
        lines += [f"    {line}" for line in cell.get("described", ())]
        for register in cell["registers"]:
            if f"{register} to" in cell:
                proof = (
                    "proved" if cell[f"{register} is proved"] else "NOT PROVED: it can overflow, and says so if it does"
                )
                if register == "voltage" and not cell["voltage is proved"]:
                    proof = "not proved: it is clipped there"
                ends = [cell[f"{register} {end}"] for end in ("from", "to")]
                lines.append(f"    {register}: {' .. '.join('?' if x is None else f'{x:.0f}' for x in ends)}, {proof}")
        lines += [f"    {key}: {_short(x)}" for key, x in cell.items() if "error" in key or ("clipped" in key and x)]
    for name, link in data["links"].items():
        format_ = "".join(f", {key} {link[key]}" for key in ("sign", "bits", "exponent") if key in link)
        lines.append(
            f"  {name}: {link['from']} -> {link['to']}, {link.get('synapses', '?')} synapses{format_}, "
            f"delays up to {link['longest delay']}"
        )
        lines += [f"    {line}" for line in link.get("described", ())]
        counted = ("weights", "receivers' gains")
        lines += [f"    {key}: {_short(link[key])}" for key in link if key.startswith(counted) and link[key]]
        lines += _learning_text(link["learning"]) if "learning" in link else []
    for name, one in data.get("agreement", {}).items():
        lines.append(
            f"  {name}: {one['rate Hz']:.3f} Hz, {one['rate of the model Hz']:.3f} Hz in the model; "
            f"{100 * one['coincidence']:.1f} % of spikes coincide; first difference: {one['first difference, step']}"
        )
    if run := data.get("run"):
        rates = ", ".join(f"{name} {hz:.3f} Hz" for name, hz in run["rate Hz"].items())
        lines += [f"  in {run['steps']} steps: {rates}", *(f"  {line}" for line in run["problems"])]
    lines += [f"  {line}" for line in data.get("energy", {}).get("summary", ())]
    return lines + [f"  to change: {line}" for line in data.get("advice", ())]


def _learning_text(learning: dict[str, Any]) -> list[str]:
    """The rule on the chip, and what it learned, as text."""
    numbers = ", ".join(f"{name} {learning['got'][name]:.5g} for {x:.5g}" for name, x in learning["asked"].items())
    lines = [f"    learns: {learning['rule']}, {learning['lowest bits a unit']:.6g} lowest bits a unit of weight"]
    lines += [f"      {numbers}", f"      window error {learning['window error']:.2g} of the largest change"]
    lines += [f"      {note}" for note in learning["notes"]]
    if one := learning.get("learned"):
        alike = "" if one["correlation"] is None else f"correlation {one['correlation']:.3f}, "
        lines.append(
            f"      learned: {one['mean']:.4g} on average, {one['mean of the model']:.4g} in the model; {alike}mean "
            f"absolute difference {one['mean absolute difference']:.3g}"
        )
    return lines


def _scale(x: Any) -> str:
    ends = np.asarray(x)
    low, high = f"{ends.min():.6g}", f"{ends.max():.6g}"
    return low if low == high else f"{low} .. {high}"


def _short(x: Any) -> str:
    return f"{x:.3g}" if isinstance(x, float) else str(x)
