"""What a program uses of the chip, and what was lost on the way: as data, and as text."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from .advice import advice
from .bound import ASSUMED
from .ir import Graph
from .place import binding
from .targets import AbstractTarget


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """`print(report)`, `report.data` (nested dicts), `report.json`, `report.html`, `report.save("report.html")`.

    It never tells two programs apart, also not one with a report from one without: `==` holds for None too. Programs
    with the same arrays of the same shapes can be stacked into a batch, and what was compiled for one is for all.
    """

    json: str

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Report)

    def __hash__(self) -> int:
        return hash(None)

    @property
    def data(self) -> dict[str, Any]:
        """Everything there is, as nested dictionaries of numbers and text."""
        return json.loads(self.json)

    @property
    def html(self) -> str:
        """One file with pictures and tables, which needs nothing else. Drawn by matplotlib (extra `plot`)."""
        from .html import page

        return page(self.data)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it: as HTML, JSON or text, by the suffix `.html`, `.json` or `.txt`."""
        path = Path(path)
        kinds = {".html": lambda: self.html, ".json": lambda: self.json, ".txt": lambda: f"{self}\n"}
        if path.suffix not in kinds:
            raise ValueError(f"Got a report to write to {str(path)!r}, expected a name with {', '.join(kinds)}.")
        path.write_text(kinds[path.suffix](), encoding="utf-8")

    def __str__(self) -> str:
        return "\n".join(_text(self.data))

    def __repr__(self) -> str:
        return f"Report of {len(self.json)} characters; print it"


def report(
    graph: Graph, target: AbstractTarget, *, agreement: Any = None, learned: Any = None, energy: Any = None
) -> Report:
    """The report of a graph that all passes have gone over. Traced numbers are left out.

    `agreement`: of spikes, by group. `learned`: of weights at the end of the calibration, by link that learns.
    """
    data: dict[str, Any] = {
        "target": target.name,
        "dt ms": graph.dt,
        "passes": list(graph.done),
        "late": dict(graph.late),
        "proofs assume": ASSUMED,
    }
    if graph.plan is not None:
        limit, group, used, room = binding(graph, target)
        cores = graph.plan.cores
        data["chip"] = {
            "cores": len(cores),
            "chips": 1 + max((core.chip for core in cores), default=0),
            "binding limit": {"limit": limit, "group": group, "used": used, "room": room},
            "synaptic memory bits": sum(core.synapse_bits for core in cores),
            "axons in": sum(core.in_axons for core in cores),
            "axons out": sum(core.out_axons for core in cores),
            "room of a core": {
                name: getattr(target, name) for name in ("cells", "synapse_bits", "in_axons", "out_axons")
            },
            "placement": [core._asdict() for core in cores],
        }
    data["cells"] = {name: _cell(graph, name) for name, cell in graph.cells.items() if not cell.is_input}
    data["links"] = {
        name: {
            "from": link.pre,
            "to": link.post,
            "sign": type(link.sign).__name__,
            "exponent": _plain(link["exponent"]) if "exponent" in link.values else None,
            "bits": _plain(link["bits"]) if "bits" in link.values else None,
            "longest delay": link.max_delay,
            **{key: _plain(x) for key, x in graph.counts.get(name, {}).items()},
            **({} if link.learning is None else {"learning": _learning(graph, name, (learned or {}).get(name))}),
        }
        for name, link in graph.links.items()
    }
    if agreement is not None:
        data["agreement"] = agreement
    if energy is not None:
        data["energy"] = energy
    data["advice"] = advice(data)
    return Report(json.dumps(data))


def _cell(graph: Graph, name: str) -> dict[str, Any]:
    cell, counts = graph.cells[name], graph.counts.get(name, {})
    numbers = {key: _plain(x) for key, x in counts.items()}
    return {"n": cell.n, "scale": _plain(cell["scale"]) if "scale" in cell.values else None, **numbers}


def _learning(graph: Graph, name: str, learned: Any) -> dict[str, Any]:
    link = graph.links[name]
    assert link.learning is not None
    scale = graph.cells[link.post]["scale"]
    data = link.learning.mapped(name, link.post, scale, link["exponent"], graph.dt).data
    if (exponent := int(link["exponent"])) < 0:
        carried = f"a spike adds a multiple of {2**-exponent} mantissas, rounded down: inputs are multiples of 2^6"
        data["notes"].append(carried)
    return data if learned is None else data | {"learned": learned}


def _plain(x: Any) -> Any:
    """A number as JSON has it."""
    value = np.asarray(x)
    return value.item() if value.ndim == 0 else value.tolist()


def _text(data: dict[str, Any]) -> list[str]:
    lines = [f"{data['target']}, dt = {data['dt ms']:g} ms: {', '.join(data['passes'])}"]
    if chip := data.get("chip"):
        b, memory = chip["binding limit"], chip["synaptic memory bits"] / 8192
        lines += [
            f"  {chip['cores']} core(s) on {chip['chips']} chip(s), {memory:.1f} KB of synapses, "
            f"{chip['axons in']} axons in, {chip['axons out']} out",
            f"  binding limit: {b['limit']}, {b['used']} of {b['room']} ({100 * b['used'] / b['room']:.0f} %) on a "
            f"core of {b['group']!r}",
        ]
    if any("input to" in cell for cell in data["cells"].values()):
        lines.append(f"  proofs of registers assume that {data['proofs assume']}")
    for name, cell in data["cells"].items():
        late = data["late"].get(name, 0)
        lines.append(f"  {name}: {cell['n']} cells, scale {cell['scale'] or 0:.6g} a unit of v, {late} step(s) late")
        for register in ("input", "current", "biased", "voltage"):
            if f"{register} to" in cell:
                proof = (
                    "proved" if cell[f"{register} is proved"] else "NOT PROVED: it can overflow, and says so if it does"
                )
                if register == "voltage" and not cell["voltage is proved"]:
                    proof = "not proved: it is clipped there"
                lines.append(f"    {register}: {cell[f'{register} from']:.0f} .. {cell[f'{register} to']:.0f}, {proof}")
        lines += [f"    {key}: {_short(x)}" for key, x in cell.items() if "error" in key or ("clipped" in key and x)]
    for name, link in data["links"].items():
        lines.append(
            f"  {name}: {link['from']} -> {link['to']}, {link.get('synapses', '?')} synapses, {link['sign']}, "
            f"{link['bits']} bits, exponent {link['exponent']}, delays up to {link['longest delay']}"
        )
        counted = ("weights", "receivers' gains")
        lines += [f"    {key}: {_short(link[key])}" for key in link if key.startswith(counted) and link[key]]
        lines += _learning_text(link["learning"]) if "learning" in link else []
    for name, one in data.get("agreement", {}).items():
        lines.append(
            f"  {name}: {one['rate Hz']:.3f} Hz, {one['rate of the model Hz']:.3f} Hz in the model; "
            f"{100 * one['coincidence']:.1f} % of spikes coincide; first difference: {one['first difference, step']}"
        )
    if energy := data.get("energy"):
        if energy["available"]:
            by = ", ".join(f"{name} {nj:.3g}" for name, nj in energy["nJ a step by event"].items())
            lines += [
                f"  {energy['nJ a step']:.3f} nJ ({by}) and {energy['us a step']:.3f} us a step;",
                f"  {energy['nJ an inference']:.4g} nJ and {energy['us an inference']:.4g} us an inference of "
                f"{energy['steps an inference']} steps",
                f"    {energy['source']};",
                f"    {energy['caveat']};",
                f"    a chip's static power on top: {energy['static nJ a step']:.3g} nJ a step "
                f"({energy['static source']})",
            ]
        else:
            lines.append(f"  energy and time: not available, {energy['why']}")
    return lines + [f"  to change: {line}" for line in data.get("advice", ())]


def _learning_text(learning: dict[str, Any]) -> list[str]:
    """What the rule became, and what it learned."""
    numbers = ", ".join(f"{name} {learning['got'][name]:.5g} for {x:.5g}" for name, x in learning["asked"].items())
    lines = [f"    learns: {learning['rule']}, {learning['mantissas a unit']:.6g} mantissas a unit of weight"]
    lines += [f"      {numbers}", f"      window error {learning['window error']:.2g} of the largest change"]
    lines += [f"      {note}" for note in learning["notes"]]
    if one := learning.get("learned"):
        alike = "" if one["correlation"] is None else f"correlation {one['correlation']:.3f}, "
        lines.append(
            f"      learned: {one['mean']:.4g} on average, {one['mean of the model']:.4g} in the model; {alike}mean "
            f"absolute difference {one['mean absolute difference']:.3g}"
        )
    return lines


def _short(x: Any) -> str:
    return f"{x:.3g}" if isinstance(x, float) else str(x)
