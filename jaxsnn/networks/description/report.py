"""The tables that a paper asks for, from the model: Nordlie, Gewaltig and Plesser (2009)."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from . import latex
from .rows import tables
from .table import Table, as_html, as_markdown, marked, page


@dataclasses.dataclass(frozen=True)
class Description:
    """What `describe` returns: `print(description)` is Markdown.

    `title`: text. `tables`: what it says. `markdown`, `latex`: the same as text, the second a document that compiles.
    `save("model.md")`, `save("model.tex")`: to a file.
    """

    title: str
    tables: tuple[Table, ...]

    @property
    def markdown(self) -> str:
        """A heading and a table for each part."""
        return "\n\n".join([f"# {self.title}", *map(as_markdown, self.tables)]) + "\n"

    @property
    def latex(self) -> str:
        """A document of tables, which needs the packages `longtable` and `booktabs`."""
        return latex.document(self.title, self.tables)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as Markdown or LaTeX, by the ending `.md` or `.tex`."""
        path = Path(path)
        forms = {".md": lambda: self.markdown, ".tex": lambda: self.latex}
        if path.suffix not in forms:
            raise ValueError(
                f"Got a description to write to {str(path)!r}, expected a name that ends in {' or '.join(forms)}."
            )
        path.write_text(forms[path.suffix](), encoding="utf-8")

    def __str__(self) -> str:
        return self.markdown

    def __repr__(self) -> str:
        return f"Description of {self.title!r} in {len(self.tables)} tables; print it, or save it as .md or .tex"

    def _repr_html_(self) -> str:
        return page([f"<h3>{marked(self.title)}</h3>", *map(as_html, self.tables)])


def describe(net: Any, drive: Any = None, record: Any = None, *, title: str = "Model description") -> Description:
    """A network in the tables that papers ask for: summary, populations, connectivity, neurons, synapses, plasticity,
    input, measurements, simulation, parameters.

    Equations and meanings are those of the docstrings, numbers and units those of the model. Laws of weights and delays
    are those that the network was built with, beside the range of the numbers that it has now.

    **Arguments:** `net`: a `Network`. `drive`: what feeds it, as in `simulate`, or a list of drives. `record`: the
    probes, as in `simulate`. `title`: text.

    **Returns:** a `Description`, with `.markdown`, `.latex` and `.save(path)`.

    **Raises:** ValueError for what is no network.

    **Source:** Nordlie, Gewaltig and Plesser, PLoS Comput. Biol. 5:e1000456 (2009).
    """
    if not all(hasattr(net, name) for name in ("populations", "projections", "order")):
        raise ValueError(f"Got {type(net).__name__}, expected a network, as network(...) makes it.")
    if not isinstance(title, str):
        raise ValueError(f"Got title = {title!r}, expected text.")
    return Description(title, tables(net, drive, record))
