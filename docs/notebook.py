"""The first hour as a notebook for Jupyter, from its page: `python -m docs.notebook` writes it.

A Python block of the page is a cell, and what stands between is text. The tests run the blocks of the page, and check
that the notebook has the same.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "pages" / "first-hour.md"
NOTEBOOK = PAGE.with_suffix(".ipynb")
_FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def cells(text: str) -> list[dict[str, Any]]:
    """The cells of a page, each named by its place."""
    found = []
    for i, part in enumerate(_FENCE.split(text)):  # text and code in turn
        lines = part.strip("\n").splitlines(keepends=True)
        if lines:
            more = {"execution_count": None, "outputs": []} if i % 2 else {}
            kind = "code" if i % 2 else "markdown"
            found.append({"cell_type": kind, "id": f"cell-{i}", "metadata": {}, "source": lines, **more})
    return found


def notebook(page: Path = PAGE) -> str:
    """The notebook as the text of its file, format 4.5."""
    about = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    whole = {"cells": cells(page.read_text()), "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    NOTEBOOK.write_text(notebook())
