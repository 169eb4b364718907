"""What an experiment returns: names, shapes, types and labelled dimensions that a dataset can hold exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .._types import is_concrete
from .labels import check_names

Dims = Mapping[str, Iterable[str]]


class RefusedExperiment(ValueError):
    """An experiment that no sweep can run, whatever the values of its `Static` parameters."""


class Result(NamedTuple):
    """The form of one result of a point."""

    shape: tuple[int, ...]
    dtype: np.dtype
    dims: tuple[str, ...]
    unit: str = ""
    coordinates: dict[str, Any] = {}  # noqa: RUF012  # by dimension: (values, unit)

    @property
    def nbytes(self) -> int:
        """Of one point."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


Form = dict[str, Result]


def form_of(out: Any, taken: set[str], dims: Dims) -> Form:
    """The form of every result, by name.

    **Raises:** RefusedExperiment where one cannot be stored exactly.
    """
    if not isinstance(out, Mapping):
        raise RefusedExperiment(f"The experiment returned {type(out).__name__}, expected a dict of arrays.")
    try:
        check_names(out, "A result of the experiment", taken=taken | {"failure"})
    except ValueError as error:
        raise RefusedExperiment(str(error)) from None
    if unknown := dims.keys() - out.keys():
        raise RefusedExperiment(f"Got dims of {min(unknown)!r}, and the experiment returns {', '.join(sorted(out))}.")
    form = {name: _result(name, out[name], dims.get(name)) for name in sorted(out)}
    _check_dims(form, taken)
    return form


def _result(name: str, value: Any, dims: Iterable[str] | None) -> Result:
    labelled = hasattr(value, "dims") and hasattr(value, "coords") and hasattr(value, "data")  # an xarray.DataArray
    array = value.data if labelled else value
    if not isinstance(array, jax.Array | np.ndarray | np.generic):
        kind = type(array).__name__
        raise RefusedExperiment(f"The experiment returned {name!r}: {kind}, expected a dict of arrays.")
    held = _held(name, array)
    if name == "status" and (array.ndim or array.dtype.kind not in "iu"):
        raise RefusedExperiment(
            f"The experiment returned 'status' of shape {array.shape} and type {array.dtype}, expected one integer of "
            "status bits; jnp.bitwise_or.reduce makes one of several."
        )
    own = value.dims if labelled else dims
    if own is None:
        own = [f"{name}_dim{i}" for i in range(array.ndim)]
    own = tuple(map(str, own if not isinstance(own, str) else (own,)))
    if len(own) != array.ndim or len({*own}) != len(own):
        raise RefusedExperiment(
            f"Got dimensions {own} for {name!r} of shape {array.shape}, expected {array.ndim} names."
        )
    if not labelled:
        return Result(tuple(array.shape), held, own)
    coordinates = {}
    for dim in own:
        if dim in value.coords and dim in value.coords[dim].dims:
            found = value.coords[dim]
            if not is_concrete(found.data):
                raise RefusedExperiment(f"{name!r} has a coordinate {dim!r} that is traced, expected plain numbers.")
            coordinates[dim] = (np.asarray(found.data), str(found.attrs.get("units", "")))
    return Result(tuple(array.shape), held, own, str(value.attrs.get("units", "")), coordinates)


def _held(name: str, value: Any) -> np.dtype:
    """The type in which a file keeps a result."""
    dtype = value.dtype
    if jnp.issubdtype(dtype, jax.dtypes.prng_key):
        raise RefusedExperiment(f"The experiment returned {name!r}: a key; return jax.random.key_data of it.")
    if dtype.kind not in "biufc" or not dtype.isbuiltin:
        remedy = "return numbers" if dtype.kind in "OSUTMm" else "return it as float32 or int32"
        raise RefusedExperiment(f"The experiment returned {name!r} of type {dtype}, which no file holds; {remedy}.")
    held = jax.dtypes.canonicalize_dtype(dtype)
    if held != dtype and not np.array_equal(value, np.asarray(value).astype(held), equal_nan=dtype.kind in "fc"):
        raise RefusedExperiment(
            f"The experiment returned {name!r} of type {dtype}, which jax would round to {held}; return it so, or "
            "enable 64-bit types (jax_enable_x64)."
        )
    return np.dtype(held)


def _check_dims(form: Form, taken: set[str]) -> None:
    """A dimension is no axis and no result, and has one length and one coordinate."""
    sizes: dict[str, int] = {}
    for name, result in form.items():
        for dim, size in zip(result.dims, result.shape, strict=True):
            if dim in taken or dim in form or dim == "failure":
                raise RefusedExperiment(f"{dim!r} is an axis or a result, and a dimension of a result; rename it.")
            if sizes.setdefault(dim, size) != size:
                raise RefusedExperiment(f"{name!r} has {size} entries along {dim!r}, and another result {sizes[dim]}.")


def merged(forms: list[Form]) -> Form:
    """One form for all: results that some `Static` value has fewer entries of are as long as the longest."""
    found = dict(forms[0])
    for form in forms[1:]:
        for name, result in form.items():
            known = found.get(name, result)
            shape = tuple(map(max, known.shape, result.shape)) if len(known.shape) == len(result.shape) else known.shape
            longest = {**result.coordinates, **known.coordinates}
            for dim, (values, unit) in result.coordinates.items():
                if len(values) > len(longest[dim][0]):
                    longest[dim] = (values, unit)
            found[name] = known._replace(shape=shape, coordinates=longest)
    return found
