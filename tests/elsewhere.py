"""What accelerators run, run on this CPU."""

from __future__ import annotations

import importlib

import jax
import pytest


def as_accelerators(patch: pytest.MonkeyPatch) -> None:
    """Until `patch` is undone, what is traced takes the way of accelerators. Nothing traced before may be used."""
    there = lambda *args, default, **others: default(*args)
    patch.setattr(jax.lax, "platform_dependent", there)
    patch.setattr(importlib.import_module("jaxsnn._xla.dispatch"), "by_platform", there)
