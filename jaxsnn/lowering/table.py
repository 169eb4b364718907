"""The comparison of targets as text."""

from __future__ import annotations

from typing import Any

HEAD = (
    *("target", "fits", "cores", "chips", "memory", "coincide", "score", "energy", "time"),
    *("clipped", "rounded", "to 0", "rms error"),
)


def cells(name: str, row: dict[str, Any]) -> dict[str, str]:
    """A row of the table, as text by column; a dash where there is nothing to say."""
    if not row["fits"]:
        return {**dict.fromkeys(HEAD, "-"), "target": name, "fits": "no"}
    energy, weights, worst = row["energy"], row["weights"], least(row)
    return {
        "target": name,
        "fits": "yes",
        "cores": _whole(row["cores"]),
        "chips": _whole(row["chips"]),
        "memory": "-" if row["memory bits"] is None else f"{row['memory bits'] / 8192:.3g} KiB",
        "coincide": "-" if worst is None else f"{100 * worst[1]:.1f} %",
        "score": f"{row['score']:.4g}" if "score" in row else "-",
        "energy": scaled(energy["nJ an inference, all"], "nJ", "uJ", "mJ", "J") if energy["available"] else "no figure",
        "time": scaled(energy["us an inference"], "us", "ms", "s") if energy["available"] else "no figure",
        "clipped": _whole(weights["weights clipped"] + sum(_total(x) for x in row["clipped"].values())),
        "rounded": _whole(weights["weights rounded"]),
        "to 0": _whole(weights["weights rounded to 0"]),
        "rms error": f"{100 * weights['largest relative rms error']:.2g} %",
    }


def least(row: dict[str, Any]) -> tuple[str, float] | None:
    """The group whose spikes coincide least with the model's, of those that fire in either; None if none does."""
    fires = {
        name: one["coincidence"]
        for name, one in (row.get("agreement") or {}).items()
        if one["rate Hz"] or one["rate of the model Hz"]
    }
    return min(fires.items(), key=lambda pair: pair[1]) if fires else None


def notes(row: dict[str, Any]) -> list[str]:
    """What a row cannot say: the limit or the reason, and where its figures are from."""
    if not row["fits"]:
        return [row["why"]]
    lines = [*row["summary"]]
    if (limit := row["limit"]) and not any("limit" in line for line in lines):
        lines.append(f"nearest limit: {limit['limit']}, {limit['used']} of {limit['room']}, at {limit['group']!r}")
    if worst := least(row):
        lines.append(f"spikes coincide least in {worst[0]!r}")
    lines += [f"{what}: {_whole(_total(x))}" for what, x in row["clipped"].items()]
    energy = row["energy"]
    if energy["available"]:
        said = f"energy and time of {energy['steps an inference']} steps: {energy['source']}; {energy['caveat']}"
        lines.append(said)
    else:
        lines.append(f"energy and time: {energy['why']}")
    return lines


def table(data: dict[str, Any]) -> str:
    """The table, then what it cannot say of each target."""
    rows = {name: cells(name, row) for name, row in data["targets"].items()}
    shown = [c for c in HEAD if any(row[c] != "-" for row in rows.values())]
    wide = {c: max(len(c), *(len(row[c]) for row in rows.values())) for c in shown}
    line = lambda row: "  ".join(row[c].ljust(wide[c]) for c in shown).rstrip()
    lines = [line(dict(zip(HEAD, HEAD, strict=True))), *(line(row) for row in rows.values())]
    if "score of the model" in data:
        lines.append(f"score of the float model: {data['score of the model']:.4g}")
    for name, row in data["targets"].items():
        lines += ["", f"{name} ({row['target']})", *(f"  {note}" for note in notes(row))]
    return "\n".join(lines)


def scaled(x: float, *units: str) -> str:
    """A number in the unit, of a thousand times each other, in which it is below 1000."""
    at = 0
    while abs(x) >= 1000.0 and at < len(units) - 1:
        x, at = x / 1000.0, at + 1
    return f"{x:.3g} {units[at]}"


def _whole(x: Any) -> str:
    return "-" if x is None else f"{int(x):,}".replace(",", " ")


def _total(x: Any) -> int:
    return int(sum(x)) if isinstance(x, list) else int(x)
