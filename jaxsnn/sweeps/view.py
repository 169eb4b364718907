"""What a result looks like, apart from the numbers: kept beside them, so that it opens without the experiment."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .form import Form, Result
from .store import AbstractFolder

_FILE = "points.npz"


@dataclass(frozen=True)
class View:
    """The points of a result: where each stands, and what is known of dimensions, results and attributes."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    coordinates: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]]
    form: Form
    attributes: dict[str, Any]
    ids: np.ndarray

    @property
    def size(self) -> int:
        """How many points."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """What the results take."""
        return self.size * (4 + sum(result.nbytes for result in self.form.values()))

    def write(self, folder: AbstractFolder) -> None:
        """Keep it in the folder of a sweep."""
        results = {n: (r.shape, str(r.dtype), r.dims, r.unit) for n, r in self.form.items()}
        about = {"dims": self.dims, "shape": self.shape, "form": results, "attributes": self.attributes}
        about["coordinates"] = [(name, dims, attrs) for name, (dims, _, attrs) in self.coordinates.items()]
        arrays: dict[str, Any] = {f"coordinate{i}": x for i, (_, x, _) in enumerate(self.coordinates.values())}
        file = io.BytesIO()
        np.savez(file, about=np.frombuffer(json.dumps(about).encode(), np.uint8), ids=self.ids, **arrays)
        folder.write(_FILE, file.getvalue())


def read_view(folder: AbstractFolder) -> View:
    """The points that were last asked for.

    **Raises:** ValueError where there is no sweep, or its file is damaged.
    """
    try:
        data = folder.read(_FILE)
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"Got {folder}, which has no sweep in it; expected the folder of one.") from None
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            about = json.loads(bytes(file["about"]))
            coordinates = {
                name: (tuple(dims), file[f"coordinate{i}"], attrs)
                for i, (name, dims, attrs) in enumerate(about["coordinates"])
            }
            form = {
                name: Result(tuple(shape), np.dtype(kind), tuple(dims), unit)
                for name, (shape, kind, dims, unit) in about["form"].items()
            }
            own = about["attributes"]
            return View(tuple(about["dims"]), tuple(about["shape"]), coordinates, form, own, file["ids"])
    except Exception as error:
        raise ValueError(
            f"{folder}/{_FILE} is damaged ({type(error).__name__}); give the command of the sweep again, which "
            "writes it anew and computes nothing that is stored."
        ) from None


def kind_of(parameter: Any) -> str:
    """`Axis`, `Whole`, `Flag`, `Static` or `Seeds`."""
    return type(parameter).__name__
