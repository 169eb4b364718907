"""Modules of the network around a run: one that makes its input, and one that reads what was found at its end."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._time import as_instant, instant, whole
from .._types import OptionalParam, canonical_float
from ..models import Inputs
from .drives.base import AbstractDrive, finite
from .drives.target import Target, fed, one_name, targets
from .drives.when import Rows
from .probes.base import AbstractProbe


class Encoded(AbstractDrive):
    """What a module of the network makes of numbers, e.g. an image: a current in every step, or a row for each.

    The module is applied once a trial, before the first step, and is learnt with the network: `network(...,
    modules={"cnn": eqx.nn.Sequential([...])})`, `Encoded(images, by="cnn", into="hid", steps=20)`. So the statistics of
    a norm in it are one for the whole trial.

    **Arguments:** `x`: what the module takes, with an axis of examples in front for an estimator. `by`: the module's
    name; it returns `(n,)`, held, or `(steps, n)`. `into`: a port, `"E[0:10]"` for some of its neurons. `start`: ms,
    absolute, when row 0 arrives; by default where the run starts. `steps`: how long a trial lasts, static.
    """

    x: Array
    by: str = eqx.field(static=True, kw_only=True)
    into: str = eqx.field(static=True, kw_only=True)
    start: OptionalParam = instant(None, optional=True)
    length: int | None = eqx.field(static=True, kw_only=True)

    def __init__(self, x: Any, *, by: str, into: str, steps: int | None = None, start: Any = None):
        if not eqx.is_array(x) and not hasattr(x, "__array__"):
            raise ValueError(f"Encoded.x is {type(x).__name__}, expected an array.")
        if steps is not None and (whole(steps) is None or steps < 1):
            raise ValueError(f"Encoded.steps is {steps!r}, expected a positive whole number.")
        one_name(into, "Encoded")
        self.x, self.by, self.into, self.length = jnp.asarray(x), by, into, steps
        self.start = as_instant(start, optional=True)
        finite("Encoded.x", self.x)

    @property
    def closed_loop(self):
        return False

    @property
    def steps(self):
        return self.length

    def per_example(self):
        shared = jax.tree.map(lambda _: False, self)
        return eqx.tree_at(lambda d: d.x, shared, True)

    def prepare(self, model, first):
        (target,) = targets((self.into,), None, model.port)
        module = model.module(self.by)
        x = self.x.astype(canonical_float())
        made = applied(module, x, f"Encoded gives {self.by!r} one example of shape {x.shape}")
        if made.shape[-1:] != (target.count,) or made.ndim > 2:
            raise ValueError(
                f"Module {self.by!r} makes {made.shape} of {x.shape}, expected ({target.count},) for {target}, or "
                f"(steps, {target.count})."
            )
        if made.ndim == 2:
            return _Fed(Rows.of(made, self.start, None, model.dt, first), target)
        if self.start is not None:
            raise ValueError(f"Module {self.by!r} makes one row, which is held for the whole run; leave `start` out.")
        return _Held(made, target)


class _Fed(AbstractDrive):
    """Ready to run, row by row."""

    rows: Rows
    target: Target = eqx.field(static=True)

    @property
    def closed_loop(self):
        return False

    def step(self, d, t, signals, *, key):
        return d, Inputs(arrivals=fed([(self.target, self.rows.at(t))]))

    def status(self):
        return self.rows.bad


class _Held(AbstractDrive):
    """Ready to run, the same in every step."""

    made: Array
    target: Target = eqx.field(static=True)

    @property
    def closed_loop(self):
        return False

    def step(self, d, t, signals, *, key):
        return d, Inputs(arrivals=fed([(self.target, self.made)]))


class Decoded(AbstractProbe):
    """What a module of the network makes of what another probe found, e.g. logits of counts: a read-out that is learnt.

    **Arguments:** `probe`: one that folds, e.g. `Count("hid")`. `by`: the module's name, called once a trial.
    """

    probe: AbstractProbe
    by: str = eqx.field(static=True, kw_only=True)

    def __check_init__(self):
        if not isinstance(self.probe, AbstractProbe):
            raise ValueError(f"Decoded.probe is {self.probe!r}, expected a probe that folds, such as Count('hid').")
        if not isinstance(self.by, str):
            raise ValueError(f"Decoded.by is {self.by!r}, expected the name of a module.")

    def init(self, model, steps, first):
        model.module(self.by)
        return self.probe.init(model, steps, first)

    def check(self, model, first, steps):
        self.probe.check(model, first, steps)

    def step(self, carry, signals, t):
        return self.probe.step(carry, signals, t)

    def stride(self, model):
        return self.probe.stride(model)

    def emit(self, carry, stacked, model):
        return self.probe.emit(carry, stacked, model)

    def finish(self, carry, emitted, model):
        found = self.probe.finish(carry, emitted, model)
        if not hasattr(found, "dtype"):
            raise ValueError(
                f"Decoded reads {type(self.probe).__name__}, whose record is no array; expected a probe that folds, "
                "such as Count, Sum, Mean, Max, Last or FirstSpike."
            )
        found = found.astype(canonical_float())
        return applied(model.module(self.by), found, f"Decoded gives {self.by!r} shape {found.shape}")

    def status(self, carry):
        return self.probe.status(carry)


def applied(module: Any, x: Array, what: str) -> Array:
    """`module(x)`; one error if it does not take `x`, or draws: around a run there is no key."""
    is_dropout = lambda m: isinstance(m, eqx.nn.Dropout)
    if any(is_dropout(m) and not m.inference for m in jax.tree.leaves(module, is_leaf=is_dropout)):
        raise ValueError(
            f"{what}, and it draws (Dropout), for which there is no key around a run; put the Dropout into a Layer "
            "between populations, or use eqx.nn.inference_mode"
        )
    try:
        return module(x)
    except (TypeError, ValueError, IndexError) as error:
        raise ValueError(f"{what}, which it cannot be applied to: {error}") from error
