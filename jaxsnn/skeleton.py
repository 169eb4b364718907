"""The skeleton of an experiment: a file that runs, sweeps and draws as it stands, to be changed line by line."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path


def write_skeleton(name: str, folder: Path = Path()) -> Path:
    """Write `name.py`, an experiment that works. `name` may be a path: `experiments/rhythm` is `rhythm` in that folder.

    **Raises:** ValueError for a name that no module can have, or a file that is there already.
    """
    path = folder / name
    stem = path.stem if path.suffix == ".py" else path.name
    if not re.fullmatch(r"[^\W\d]\w*", stem) or keyword.iskeyword(stem):
        raise ValueError(f"Got the name {stem!r}, expected letters, digits and underscores, such as 'my_network'.")
    path = path.with_name(f"{stem}.py")
    if path.exists():
        raise ValueError(f"Got the name {name!r}, but {path} is there already; choose another, or remove it.")
    text = (resources.files("jaxsnn") / "skeleton.txt").read_text(encoding="utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        text.replace("FILE", path.as_posix()).replace("TITLE", stem.replace("_", " ").capitalize()), encoding="utf-8"
    )
    return path
