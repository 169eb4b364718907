"""One network on every chip: who takes it, what it loses there, and what it costs; a row each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from ..models import known
from ..networks.model import Network
from .calibrate import calibration_of
from .document import AbstractDocument
from .passes.losses import SAMPLE
from .pipeline import Lowered, lower
from .table import table
from .target import AbstractTarget, Precision
from .target import targets as registered

_SUMS = ("synapses", "weights clipped", "weights rounded", "weights rounded to 0")


@dataclasses.dataclass(frozen=True)
class Comparison(AbstractDocument):
    """`print(found)`, `found.data` (nested dicts), `.json`, `.html`, `.save("table.html")`; `found.lowered[name]`.

    `lowered`: what `lower` made for each target that takes the network.
    """

    json: str
    lowered: dict[str, Lowered] = dataclasses.field(repr=False)
    noun = "table"

    @property
    def html(self) -> str:
        from .compared import page

        return page(self.data)

    def __str__(self) -> str:
        return table(self.data)


def compare_targets(
    net: Network,
    targets: Mapping[str, AbstractTarget] | None = None,
    *,
    calibrate: Any = None,
    precision: Precision | None = None,
    score: Callable[[Any], Any] | None = None,
) -> Comparison:
    """Lower a network to every target, and say in one table what became of it.

    **Arguments:**

    - `targets`: by a name of your choice; None for all that are registered, with their defaults.
    - `calibrate`: as of `lower`: the run in which spikes are compared, and whose inference the costs are of. Without
      it there is neither.
    - `precision`: as of `lower`; a target that has no such choice refuses the network.
    - `score`: a function of a model, such as the accuracy of what it says, which is called with the network and with
      the program of every target that takes it.

    **Returns:** `Comparison`: a row a target: whether it takes the network, else the one sentence that says why not;
    the limit that is nearest, cores, chips and memory; the share of spikes that coincide with the float model's;
    energy and time with the source of every figure, or that there is none; weights clipped, rounded, and rounded to 0.

    **Raises:** ValueError for what is no network, no target, or no calibration; not for what a target refuses.
    """
    if not isinstance(net, Network):
        raise ValueError(f"Got {type(net).__name__}, expected a network(...) to lower.")
    chosen = {name: kind() for name, kind in registered().items()} if targets is None else targets
    if not isinstance(chosen, Mapping) or not all(isinstance(one, AbstractTarget) for one in chosen.values()):
        raise ValueError(
            f"Got targets = {type(targets).__name__}, expected targets by name, or None for all there are."
        )
    if not chosen:
        raise ValueError(f"Got no targets to compare; expected some of {known(registered())}.")
    calibration = calibration_of(calibrate)
    rows, lowered = {}, {}
    for name, target in chosen.items():
        try:
            made = lower(net, target, calibrate=calibration, precision=precision)
        except ValueError as error:
            rows[name] = {"target": target.name, "fits": False, "why": str(error)}
            continue
        lowered[name] = made
        rows[name] = _row(target, made)
        if score is not None:
            rows[name]["score"] = float(score(made.program))
    data: dict[str, Any] = {
        "populations": net.sizes,
        "dt ms": net.dt,
        "steps": None if calibration is None else calibration.steps,
        "targets": rows,
    }
    if score is not None:
        data["score of the model"] = float(score(net))
    return Comparison(json.dumps(data), lowered)


def _row(target: AbstractTarget, made: Lowered) -> dict[str, Any]:
    """What the report of a target says, in the same words for all."""
    assert made.report is not None
    report = made.report.data
    chip, energy = report.get("chip", {}), report.get("energy") or {}
    row: dict[str, Any] = {"target": target.name, "fits": True}
    row |= {"limit": chip.get("binding limit"), "summary": chip.get("summary", [])}
    row |= {key: chip.get(key) for key in ("cores", "chips", "memory bits")}
    row["agreement"] = report.get("agreement")
    row["energy"] = {"available": False, "why": "no calibration run"} if "agreement" not in report else _cost(energy)
    parts = {**report["links"], **report["cells"]}
    counted = {name: part for name, part in parts.items() if SAMPLE in part}
    weights: dict[str, Any] = {key: sum(part[key] for part in counted.values()) for key in _SUMS}
    weights["largest relative rms error"] = max(
        (part["weights, relative rms error"] for part in counted.values()), default=0.0
    )
    row["weights"] = weights
    row["clipped"] = {
        f"{name}, {key}": value
        for name, cell in report["cells"].items()
        for key, value in cell.items()
        if "clipped" in key and not key.startswith("weights") and value
    }
    row["sample"] = {name: part[SAMPLE] for name, part in counted.items()}
    return row


def _cost(energy: dict[str, Any]) -> dict[str, Any]:
    """Energy and time of an inference with their source, or why there are none."""
    if not energy.get("available"):
        return {"available": False, "why": energy.get("why", "no public figure")}
    total = energy["nJ an inference"] + energy["steps an inference"] * energy["static nJ a step"]
    kept = ("us an inference", "steps an inference", "source", "caveat", "static source")
    return {"available": True, "nJ an inference, all": total, **{key: energy[key] for key in kept}}
