"""The page: one HTML file with a sweep's numbers, a style and a program inside it, and nothing from elsewhere."""

from __future__ import annotations

import html
import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np

from .columns import FORMS, FULL, digits, nbytes, packed
from .pictures import Picture
from .series import Series
from .view import View

SCRIPTS = (  # one program in this order; what runs when it is read stands in the last
    *("data", "scales", "colours", "canvas", "legend", "map", "cells", "dots"),
    *("lines", "curves", "parallel", "upright", "ranges", "point", "failed", "controls", "main"),
)
QUIET = 255  # what stands for no value among the heights of a curve


def document(
    view: View,
    *,
    title: str,
    about: Mapping[str, Any],
    caption: str = "",
    summary: str = "",
    command: str = "",
    pictures: Sequence[Picture] = (),
    notes: Sequence[str] = (),
    room: int = 3_000_000,
    refresh: float | None = None,
) -> str:
    """The page as text of about `room` bytes at most, as far as numbers can be rounded and curves be left out for it.

    What matters most is kept first: every result of every point (rounded to fewer digits if need be, never below 2.7),
    the picture of the whole sweep, curves, pictures of points. Axes are as an experiment gets them. `caption`: a
    sentence below the title; `summary`: text of the experiment's own. `about`: tables of names and values. `command`:
    runs a point, with `{name}` for what varies. `refresh`: seconds after which the page looks for a newer one.
    """
    data: dict[str, Any] = {
        "title": title,
        "command": command,
        "summary": summary,
        "refresh": refresh,
        "dims": view.dims,
        "parameters": _parameters(view, room // 3),
        "troubles": [t._asdict() | {"points": packed(t.points)} for t in view.troubles],
        "pending": packed(np.flatnonzero(view.pending)),
        "series": [],
        "pictures": [],
    }
    style, program = _text("style.css"), "\n".join(_text(f"{name}.js") for name in SCRIPTS)
    left = int(0.99 * room) - nbytes(data) - len(style) - len(program) - nbytes(dict(about)) - 10_000
    bits, data["variables"] = _variables(view, left)
    left -= nbytes(data["variables"])
    notes = [*notes, *(f"Of {name} it carries the mean." for name in view.kept)]
    for one in _pictures_first(view.series, pictures):
        form = _curves(one) if isinstance(one, Series) else one._asdict()
        if nbytes(form) <= left:
            left -= nbytes(form)
            data["series" if isinstance(one, Series) else "pictures"].append(form)
        elif isinstance(one, Series):
            notes.append(f"Of {one.name} it carries the mean: the curves take {nbytes(form) / 1e6:.1f} MB.")
    if left < 0:
        notes.append(
            f"It is larger than the {room / 1e6:g} MB that were asked for: all results of all points take that."
        )
    data["digits"] = round(digits(bits))
    return _filled(
        title=html.escape(title),
        caption=html.escape(caption),
        head=html.escape(_headline(view)),
        about=_about(about, notes, bits),
        style=style,
        data=json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        program=program,
    )


def _parameters(view: View, room: int) -> list[dict[str, Any]]:
    """Exactly; where that takes too much, as float32: what an experiment gets unless 64-bit floats are on."""
    found: list[dict[str, Any]] = []
    for exact in (True, False):
        found = [p._asdict() | {"values": packed(p.values, exact=exact), "exact": exact} for p in view.parameters]
        if nbytes(found) <= room:
            break
    return found


def _variables(view: View, room: int) -> tuple[int, list[dict[str, Any]]]:
    """Every result as a column, as exactly as there is room for."""
    made = lambda bits: [v._asdict() | {"values": packed(v.values, bits)} for v in view.variables]
    first = bisect_left(FORMS, True, hi=len(FORMS) - 1, key=lambda bits: nbytes(made(bits)) <= room)
    return FORMS[first], made(FORMS[first])


def _pictures_first(series: Sequence[Series], pictures: Sequence[Picture]) -> list[Series | Picture]:
    whole = [picture for picture in pictures if picture.point is None]
    return [*whole, *series, *(picture for picture in pictures if picture.point is not None)]


def _curves(series: Series) -> dict[str, Any]:
    """Heights in 254 steps between the lowest and the highest of each curve."""
    there = np.isfinite(series.values)
    low = np.min(series.values, 1, where=there, initial=np.inf)
    high = np.max(series.values, 1, where=there, initial=-np.inf)
    empty = ~there.any(1)
    low, high = np.where(empty, np.nan, low), np.where(empty, np.nan, high)
    span = np.where(high > low, high - low, 1.0)
    steps = np.where(there, (series.values - low[:, None]) / span[:, None] * (QUIET - 1), QUIET)
    return {
        **{key: value for key, value in series._asdict().items() if key not in ("values", "places")},
        "places": packed(series.places),
        "low": packed(low),
        "high": packed(high),
        "steps": packed(np.round(steps).astype(np.uint8).ravel()),
    }


def _headline(view: View) -> str:
    """How many points of what, and how they went."""
    along = {dim: [p.name for p in view.parameters if p.dim == dim] for dim in view.dims}
    grid = [f"{', '.join(names)} {_grouped(view.dims[dim])}" for dim, names in along.items()]
    listed = f" of {', '.join(*along.values())}" if len(along) == 1 else f": {' × '.join(grid)}" if along else ""
    parts = [_count(view.size, "point") + listed]
    failed = len(np.unique(np.concatenate([np.empty(0, int), *(t.points for t in view.troubles)])))
    if waiting := int(view.pending.sum()):
        parts.append(f"{_grouped(view.size - waiting)} done")
    parts.append(f"{_count(failed, 'point')} failed" if failed else "none failed")
    return " · ".join(parts)


def _count(n: int, noun: str) -> str:
    return f"{_grouped(n)} {noun}{'' if n == 1 else 's'}"


def _grouped(n: int) -> str:
    return f"{n:,}".replace(",", "\u202f")


def _about(about: Mapping[str, Any], notes: Sequence[str], bits: int) -> str:
    """Tables of where the sweep came from, and what of it the page leaves out."""
    parts = [f"<h3>{html.escape(name)}</h3>{_table(rows)}" for name, rows in about.items() if rows]
    carried = "as float32" if bits == FULL else f"to {digits(bits):.1f} digits"
    lines = [f"It carries results {carried}.", *notes]
    return "".join(parts) + "<h3>This page</h3>" + "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def _table(rows: Mapping[str, Any]) -> str:
    cells = (f"<tr><th scope=row>{html.escape(str(name))}<td>{html.escape(_said(x))}" for name, x in rows.items())
    return f"<table>{''.join(cells)}</table>"


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(_said, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _text(name: str) -> str:
    return (resources.files("jaxsnn.show") / "web" / name).read_text(encoding="utf-8")


def _filled(**parts: str) -> str:
    """The template with every `%name%` replaced, in one go: what is filled in is not read again."""
    pieces = _text("page.html").split("%")
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))
