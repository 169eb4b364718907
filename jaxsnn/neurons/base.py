"""What every neuron is: five small functions of one neuron's state, composed by the network in its order of events."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping
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


def zero_or_one(spike: Callable[[Any, Any], Array]) -> Callable[[Any, Any], Array]:
    """Declares of a neuron's `spike` that it gives no other numbers; not of one that overrides it."""
    spike.zero_or_one = True  # pyright: ignore[reportFunctionMemberAccess]
    return spike


class AbstractNeuron(Checked):
    """A spiking neuron, written for one neuron: every function is elementwise, so it equals its own `vmap`.

    Parameters are leaves of shape `()` or `(n,)`, or distributions, from which a network draws a number for each
    neuron when it is built. A network calls, in step `k`,

    1. `advance`: `t_k -> t_{k+1}` under a constant current,
    2. `add_jump`: jumps of `v` that arrived,
    3. `spike`: whether it fires, from the membrane before any reset,
    4. `reset`: the effect of firing, and the bookkeeping at the end of the step,

    in the order of its `NestOrder` or `BrianOrder`. A subclass with a field `v` in its state needs `advance`, `spike`
    and `reset`; the other functions have defaults.
    """

    drawn = True
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = MappingProxyType({})  # of state variables that have one

    @property
    def membrane_tau(self) -> Array | None:
        """Membrane time constant in ms, or None where the membrane is not linear (ports then give mean currents)."""
        return None

    @property
    def binary(self) -> bool:
        """Whether all spikes have the amplitude 1, so that a bit says all; its `spike` declares it (`@zero_or_one`)."""
        return getattr(type(self).spike, "zero_or_one", False)

    @property
    def noisy(self) -> bool:
        """Whether `advance` needs random numbers, which the population draws by `numbers`."""
        return False

    def numbers(self, stream: Array, step: Array, ids: Array) -> Float[Array, "..."]:
        """Random numbers for one step, one per neuron, passed to `advance` as `noise`; by default standard normal."""
        return _random.normal(stream, step, ids)

    def prepared(self, dt: float) -> AbstractNeuron:
        """A copy with what a step of `dt` ms needs and parameters alone decide, computed once before a run."""
        return self

    def init(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """The state at rest: a NamedTuple of arrays of `shape`."""
        return Membrane(jnp.zeros(shape, dtype))

    @abc.abstractmethod
    def advance(self, s: Any, current: Current, dt: float, *, noise: Array | None = None) -> Any:
        """Integrate over one step of `dt` ms under `current`, held constant."""

    def add_jump(self, s: Any, jump: Float[Array, "..."], dt: float, *, fired: Bool[Array, "..."] | None = None) -> Any:
        """Add arriving jumps to `v`. `fired`: neurons that fired in this step, where arrivals follow the threshold."""
        return s._replace(v=s.v + jump)

    def add_to(
        self, s: Any, variable: str, jump: Float[Array, "..."], dt: float, *, fired: Bool[Array, "..."] | None = None
    ) -> Any:
        """Add arriving jumps to a variable of the state: to `v` by `add_jump`."""
        if variable == "v":
            return self.add_jump(s, jump, dt, fired=fired)
        return s._replace(**{variable: getattr(s, variable) + jump})

    @abc.abstractmethod
    def spike(self, s: Any) -> Float[Array, "..."]:
        """The amplitude sent in this step (0 or 1, or graded), with a surrogate gradient."""

    @abc.abstractmethod
    def reset(self, s: Any, spike: Float[Array, "..."], dt: float) -> Any:
        """The state at the end of the step, after the effect of a spike on neurons that fired."""

    def voltage(self, s: Any) -> Float[Array, "..."] | None:
        """The membrane potential that plasticity may read; None if there is none."""
        return getattr(s, "v", None)

    @property
    def summed_variables(self) -> tuple[str, ...]:
        """Variables of the state that synapses with a state of their own sum in every step."""
        return ()

    @property
    def input_name(self) -> str | None:
        """What such synapses call the current; None where there is none."""
        return "i"

    def value_of(self, s: Any, name: str) -> Float[Array, "..."] | None:
        """A variable of the state or a parameter, as such synapses read it; None if there is none of this name."""
        if name in getattr(s, "_fields", ()):
            return getattr(s, name)
        return getattr(self, name, None) if name in {field.name for field in dataclasses.fields(self)} else None

    def requirements_at(self, dt: float) -> tuple[Requirement, ...]:
        """Requirements that hold for a step of `dt` ms, besides those for any step."""
        return ()

    def status(self, s: Any) -> UInt32[Array, ""]:
        """Status bits of a run that ended in `s`."""
        return jnp.uint32(0)

    def held(self, s: Any) -> Bool[Array, "..."] | None:
        """Which neurons are refractory at the start of the step; None if the model has no refractory period."""
        return None
