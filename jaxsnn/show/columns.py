"""Columns of numbers or text as a page carries them: exact or rounded, sorted by bytes, deflated, in base 85."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np

FULL = 23  # bits after the binary point of a float32
_DIGITS = np.frombuffer(  # those of RFC 1924, with a comma for "<", which HTML might misread
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;,=>?@^_`{|}~", np.uint8
)
FORMS = (FULL, 18, 15, 13, 11, 9, 8)  # how exactly results are carried


def packed(values: np.ndarray, bits: int = FULL, *, exact: bool = False) -> dict[str, Any]:
    """A column: `{"type", "n", "data"}`, and `"table"` where the data are places in a table.

    Numbers are float32 with `bits` bits after the binary point; float64 where float32 does not reach, for whole numbers
    that it does not hold, and, if `exact`, for all that it does not hold. Text, and numbers of which there are few
    different ones, are places (uint8, uint16 or uint32) in a table. The bytes of numbers are sorted by significance,
    which deflates better: first the lowest byte of every number, and so on.
    """
    if values.dtype.kind not in "biuf":
        table, places = np.unique(values.astype(str), return_inverse=True)
        return _coded(table.tolist(), places)
    plain = _plain(values, exact)
    whole = _stored(rounded(plain, bits) if plain.dtype == np.float32 else plain)
    table, places = np.unique(plain, return_inverse=True)  # every NaN is the same here
    if len(table) > 2**16 or 4 * len(table) > len(plain):
        return whole
    if np.isinf(table).any():  # which JSON cannot write
        return whole
    return min(whole, _coded([None if x != x else x for x in table.tolist()], places), key=nbytes)


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """float32 to the nearest number with `bits` bits after the binary point (halves to even), as Klöwer et al. (Nature
    Computational Science 1:713, 2021) do before compressing: a relative error of at most `2^-(bits + 1)`.
    """
    if bits == FULL:
        return values
    cut = FULL - bits
    raw = values.view(np.uint32)
    near = (raw + ((1 << (cut - 1)) - 1) + ((raw >> cut) & 1)) >> cut << cut
    found = near.astype(np.uint32).view(np.float32)
    return np.where(np.isfinite(values) & np.isfinite(found), found, values)


def digits(bits: int) -> float:
    """How many decimal digits of a number so rounded are right: its relative error is `10^-digits` at most."""
    return (bits + 1) * math.log10(2)


def nbytes(form: Any) -> int:
    """What a part of the page takes, roughly: the length of its text."""
    if isinstance(form, dict):
        return sum(len(str(key)) + 4 + nbytes(part) for key, part in form.items())
    if isinstance(form, list | tuple):
        return 2 + sum(1 + nbytes(part) for part in form)
    return len(str(form)) + (2 if isinstance(form, str) else 0)


def _plain(values: np.ndarray, exact: bool) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        short, long = values.astype(np.float32), values.astype(np.float64)
    held = (np.isinf(short) == np.isinf(long)) & ((short == 0) == (long == 0))
    if exact or values.dtype.kind != "f":
        held = (short == long) | np.isnan(long)
    return short if held.all() else long


def _coded(table: list[Any], places: np.ndarray) -> dict[str, Any]:
    kind = next(t for t in (np.uint8, np.uint16, np.uint32) if len(table) <= np.iinfo(t).max + 1)
    return _stored(places.ravel().astype(kind)) | {"table": table}


def _stored(values: np.ndarray) -> dict[str, Any]:
    kind = f"{values.dtype.kind}{values.dtype.itemsize}"
    little = values.astype(values.dtype.newbyteorder("<"))
    by_bytes = np.ascontiguousarray(little).view(np.uint8).reshape(len(values), values.dtype.itemsize).T
    data = _in_base_85(zlib.compress(by_bytes.tobytes(), 6))
    return {"type": kind, "n": len(values), "data": data}


def _in_base_85(data: bytes) -> str:
    """Four bytes, the highest first, as five digits of a base of 85 (RFC 1924); fewer at the end as so many fewer."""
    missing = -len(data) % 4
    words = np.frombuffer(data + bytes(missing), ">u4").astype(np.int64)
    text = _DIGITS[words[:, None] // 85 ** np.arange(4, -1, -1) % 85].tobytes().decode("ascii")
    return text[: len(text) - missing]
