"""What every neuron is: five small functions of one neuron's state, composed by the network in its order of events."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt32

from .. import _random
from .._linear import Current
from .._types import Checked, Requirement


class Membrane(NamedTuple):
    """The state of a neuron that has nothing but a membrane potential."""

    v: Float[Array, "..."]


class AbstractNeuron(Checked):
    """A spiking neuron, written for one neuron: every function is elementwise, so `vmap` of it is itself.

    Parameters are leaves of shape `()` or `(n,)`, or distributions, from which a network draws a number for each
    neuron. A network calls, in step `k`,

    1. `advance`: `t_k -> t_{k+1}` under a constant current,
    2. `add_jump`: jumps of `v` that arrived,
    3. `spike`: does it fire? the membrane before any reset,
    4. `reset`: what firing does, and the bookkeeping that closes the step,

    in the order of its `NestOrder` or `BrianOrder`. A subclass with a field `v` in its state needs `advance`, `spike`
    and `reset`; the rest has defaults that suit it.
    """

    drawn = True
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = MappingProxyType(
        {}
    )  # of state variables, where they have any

    @property
    def membrane_tau(self) -> Array | None:
        """Membrane time constant in ms, or None where the membrane is not linear (ports then give mean currents)."""
        return None

    @property
    def noisy(self) -> bool:
        """Whether `advance` wants random numbers (the population draws them: see `numbers`)."""
        return False

    def numbers(self, stream: Array, step: Array, ids: Array) -> Float[Array, "..."]:
        """The numbers of a step, one a neuron, that `advance` gets as `noise`: standard normal ones by default."""
        return _random.normal(stream, step, ids)

    def init(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """The state at rest: a NamedTuple of arrays of `shape`."""
        return Membrane(jnp.zeros(shape, dtype))

    @abc.abstractmethod
    def advance(self, s: Any, current: Current, dt: float, *, noise: Array | None = None) -> Any:
        """Integrate over one step of `dt` ms under `current`, held constant."""

    def add_jump(self, s: Any, jump: Float[Array, "..."], dt: float, *, fired: Bool[Array, "..."] | None = None) -> Any:
        """Add arriving jumps to `v`. `fired`: who has fired already in this step (only where arrivals come after)."""
        return s._replace(v=s.v + jump)

    @abc.abstractmethod
    def spike(self, s: Any) -> Float[Array, "..."]:
        """The amplitude sent in this step (0 or 1, or graded), with a surrogate gradient."""

    @abc.abstractmethod
    def reset(self, s: Any, spike: Float[Array, "..."], dt: float) -> Any:
        """What a spike does to the state; closes the step for those that did not fire as well."""

    def voltage(self, s: Any) -> Float[Array, "..."] | None:
        """The membrane potential that plasticity may read; None for what has none."""
        return getattr(s, "v", None)

    def requirements_at(self, dt: float) -> tuple[Requirement, ...]:
        """What has to hold for a step of `dt` ms, beyond what holds for any."""
        return ()

    def status(self, s: Any) -> UInt32[Array, ""]:
        """Status bits of a run that ended in `s`."""
        return jnp.uint32(0)

    def held(self, s: Any) -> Bool[Array, "..."] | None:
        """Who is refractory at the start of the step; None for a neuron that never is."""
        return None
