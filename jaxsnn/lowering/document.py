"""What reports and tables share: data as JSON, which is read as text, and as one HTML page."""

from __future__ import annotations

import abc
import json
import os
from pathlib import Path
from typing import Any, ClassVar


class AbstractDocument(abc.ABC):
    """A dataclass with its data in `json`; `str` of it is the text. `noun`: what it is called in errors."""

    json: str
    noun: ClassVar[str]

    @property
    def data(self) -> dict[str, Any]:
        """The document as nested dictionaries of numbers and text."""
        return json.loads(self.json)

    @property
    @abc.abstractmethod
    def html(self) -> str:
        """One file with pictures and tables, which needs nothing else. Drawn by matplotlib (extra `plot`)."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the document as HTML, JSON or text, by the suffix `.html`, `.json` or `.txt`."""
        path = Path(path)
        kinds = {".html": lambda: self.html, ".json": lambda: self.json, ".txt": lambda: f"{self}\n"}
        if path.suffix not in kinds:
            raise ValueError(f"Got a {self.noun} to write to {str(path)!r}, expected a name with {', '.join(kinds)}.")
        path.write_text(kinds[path.suffix](), encoding="utf-8")
