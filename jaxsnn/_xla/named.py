"""Programs with names of their own, by which `compilers` knows what they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax


def named(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`jax.jit` under the name `jaxsnn.<name>`, which no function of a user can have by accident: it has a dot."""

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__name__ = f"jaxsnn.{name}"
        return jax.jit(function)

    return decorated
