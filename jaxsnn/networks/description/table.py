"""A table, and its forms: columns of text, Markdown, HTML."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple


class Table(NamedTuple):
    """Rows of text under a title; what stands in backticks is code or a formula."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def without_empty(self) -> Table:
        """Without the columns in which no row has anything."""
        keep = [i for i in range(len(self.head)) if any(row[i] for row in self.rows)]
        return Table(self.title, tuple(self.head[i] for i in keep), tuple(tuple(r[i] for i in keep) for r in self.rows))


_WIDEST = 64  # characters of a column, so that those behind it are seen in a terminal


def as_text(table: Table) -> list[str]:
    """Lines of columns; what is long continues below, the last column may be as long as it is."""
    rows = [[*map(_lines, row[:-1]), [row[-1]]] for row in [(table.title, *table.head[1:]), *table.rows]]
    width = [max(len(line) for row in rows for line in row[i]) for i in range(len(table.head))]
    several = [zip_longest(*row, fillvalue="") for row in rows]
    return ["  ".join(map(str.ljust, line, width)).rstrip() for lines in several for line in lines]


def _lines(cell: str) -> list[str]:
    found = textwrap.wrap(cell, _WIDEST, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return found or [""]


def as_markdown(table: Table) -> str:
    """A heading and a table, with what would end a cell escaped."""
    line = lambda cells: "| " + " | ".join(_cell(cell) for cell in cells) + " |"
    rule = "|" + "---|" * len(table.head)
    return "\n".join([f"## {table.title}", "", line(table.head), rule, *map(line, table.rows)])


def _cell(text: str) -> str:
    outside = lambda part: re.sub(r"([*_<\[\]])", r"\\\1", part)
    parts = text.replace("|", r"\|").split("`")
    even = len(parts) % 2 == 1  # every backtick has its other one
    return "`".join(outside(p) if i % 2 == 0 else p for i, p in enumerate(parts)) if even else outside(text)


def as_html(table: Table) -> str:
    """A caption and rows; nothing in it is taken as HTML."""
    row = lambda cells, tag: "<tr>" + "".join(f"<{tag}>{marked(cell)}</{tag}>" for cell in cells) + "</tr>"
    body = "".join(row(cells, "td") for cells in table.rows)
    return f"<table><caption>{marked(table.title)}</caption>{row(table.head, 'th')}{body}</table>"


def marked(text: str) -> str:
    """Text as HTML, code in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def page(parts: Sequence[str]) -> str:
    """Parts of HTML in one frame with a style of its own, for a notebook: light or dark as the notebook is."""
    style = (
        "<style>.jaxsnn-model{font:13px/1.45 system-ui,sans-serif;overflow-x:auto}"
        ".jaxsnn-model table{border-collapse:collapse;"
        "margin:.6em 0}.jaxsnn-model caption{text-align:left;font-weight:600}.jaxsnn-model td,.jaxsnn-model th"
        "{text-align:left;vertical-align:top;padding:.15em .9em .15em 0;border-bottom:1px solid #8884}"
        ".jaxsnn-model svg{max-width:100%;height:auto}</style>"
    )
    return f'<div class="jaxsnn-model">{style}{"".join(parts)}</div>'
