"""How operations that are not elementwise are written, by the name of the primitive."""

from __future__ import annotations

from collections.abc import Callable

from . import control, indexed, keys, reductions, shapes
from .program import Op
from .writer import Writer

RULES: dict[str, Callable[[Writer, Op], None]] = {
    **shapes.RULES,
    **indexed.RULES,
    **reductions.RULES,
    **control.RULES,
    **keys.RULES,
}
