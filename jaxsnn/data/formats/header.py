"""The headers of Prophesee's files: lines that begin with a percent sign, and what is of use in them."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..source import Source


class Header(NamedTuple):
    """What the lines say of the events: `size`: width and height; `version`: 2 or 3 for EVT 2.0 and 3.0."""

    size: tuple[int, int] | None
    version: int | None


def percent_header(source: Source) -> Header:
    """Read the header; the source is then at the first byte after it."""
    said: dict[str, str] = {}
    while source.peek(1) == b"%":
        line = source.line().decode("latin-1")[1:].strip()
        name, _, value = line.partition(" ")
        if name == "end":
            break
        said.setdefault(name.lower(), value.strip())
    return Header(_size(said), _version(said))


def _version(said: dict[str, str]) -> int | None:
    found = re.match(r"EVT([23])(?:;|$)", said.get("format", "")) or re.match(r"([23])\.0", said.get("evt", ""))
    return int(found[1]) if found else None


def _size(said: dict[str, str]) -> tuple[int, int] | None:
    """Of `format EVT3;height=720;width=1280`, `geometry 1280x720`, or `Width 1280` and `Height 720`."""
    parts = (part.partition("=") for part in said.get("format", "").split(";"))
    options = {name: value for name, _, value in parts}
    width, _, height = said.get("geometry", "").partition("x")
    for pair in (
        (options.get("width", ""), options.get("height", "")),
        (width, height),
        (said.get("width", ""), said.get("height", "")),
    ):
        if all(re.fullmatch(r"\d{1,5}", n) and 1 <= int(n) <= 2**16 for n in pair):
            return int(pair[0]), int(pair[1])
    return None
