"""Where the result of a sweep is read from, and what is known about how it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..sweeps import open_sweep
from ..sweeps.gather import NAME

if TYPE_CHECKING:
    import xarray

_PROVENANCE = {  # attributes and entries of the manifest that say how it was made, and what the page calls them
    "made": "made (UTC)",
    "revision": "git revision",
    "base_seed": "base seed",
    "key": "key",
    "wall_s": "wall time (s)",
    "compile_s": "compiling (s)",
    "device_s": "computing (s)",
    "device": "device",
    "float": "numbers",
    "versions": "versions",
    "python": "Python",
}
_OWN = {"points", "finished", "problems", "units", "nan", "experiment", "command", *_PROVENANCE}


class Source(NamedTuple):
    """A sweep to be shown."""

    dataset: xarray.Dataset
    title: str
    folder: Path | None  # where it lies
    experiment: Path | None  # the file that made it, if that is still there
    command: str  # runs one point, with `{name}` for what varies
    about: dict[str, dict[str, Any]]


def opened(source: str | Path | xarray.Dataset) -> Source:
    """A dataset, or the sweep in a folder such as `results/brunel`, also while it runs.

    **Raises:** ValueError where there is no sweep.
    """
    import xarray

    if isinstance(source, xarray.Dataset):
        return _described(source, None, {})
    if not isinstance(source, str | Path):
        node = "; of a tree, show a node: tree['n=500'].to_dataset()" if isinstance(source, xarray.DataTree) else ""
        raise ValueError(f"Got a {type(source).__name__}, expected the folder of a sweep or its xarray.Dataset{node}.")
    folder = Path(source)
    if folder.name == NAME:
        folder = folder.parent
    if not folder.is_dir():
        kind = "a file" if folder.exists() else "not there"
        raise ValueError(
            f"Got {str(source)!r}, which is {kind}; expected the folder of a sweep, such as results/brunel."
        )
    manifest = folder / "manifest.json"
    made = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    return _described(open_sweep(folder), folder, made)


def _described(dataset: xarray.Dataset, folder: Path | None, manifest: Mapping[str, Any]) -> Source:
    attrs = dataset.attrs
    made = manifest.get("experiment", {})
    file = str(made.get("file") or attrs.get("experiment") or "")
    title = Path(file).stem or (folder.resolve().name if folder else "")
    path = Path(file) if file.endswith(".py") and Path(file).is_file() else None
    return Source(dataset, title, folder, path, str(attrs.get("command", "")), _about(attrs, manifest, file))


def _about(attrs: Mapping[str, Any], manifest: Mapping[str, Any], file: str) -> dict[str, dict[str, Any]]:
    units = _parsed(attrs.get("units", "{}"))
    fixed = {f"{name} ({units[name]})" if name in units else name: x for name, x in attrs.items() if name not in _OWN}
    found = {**attrs, **manifest}
    made: dict[str, Any] = {"experiment": file} if file else {}
    for name, called in _PROVENANCE.items():
        if name in found:
            made[called] = _parsed(found[name]) if name == "versions" else found[name]
    if str(made.get("git revision", "")).endswith("+"):
        made["git revision"] = f"{made['git revision'][:-1]}, with changes that were not committed"
    if sha := manifest.get("experiment", {}).get("sha256"):
        made["sha256 of the code"] = sha
    return {"Parameters that do not vary": fixed, "The run": made}


def _parsed(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text
