"""Reading a population: what each kind of neuron and port is in the terms of the chip, or why it is not supported."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._linear import phi
from ..._types import is_concrete, shown
from ...lowering.graph import CellNode, Facts, real
from ...lowering.kinds import altered, is_a
from ...lowering.start import start_voltage
from ...networks.population import Population
from ...neurons.base import AbstractNeuron
from ...neurons.cuba import CubaLIF
from ...neurons.lif import LIF
from ...neurons.readout import LI, Parrot
from ...neurons.recursions import CurrentAfterInput, CurrentBeforeInput, DecayingCurrent
from ...neurons.refractory import Clamp, Ungated
from ...neurons.resets import NextStep, SameStep, ToValue
from ...neurons.resonate import ResonateAndFire
from ...neurons.thresholds import Greater, GreaterEqual
from ...synapses.base import AbstractSynapse, ExactIntegral, ZeroOrderHold
from ...synapses.delta import Delta
from ...synapses.exponential import Exponential
from .loihi2.turns import numbers_of, resonating


@singledispatch
def cell_for(neuron: AbstractNeuron, dt: float) -> dict[str, Any] | None:
    """What a neuron is on the chip; register a function of your own for a kind of your own.

    **Returns:** None for an input. Otherwise, in the neuron's units, numbers of shape `()` or `(n,)`: `tau` (membrane,
    ms), `v_rest`, `v_reset`, `v_th`, `bias` (a current), `per_step` (what a unit of constant current adds to `v` in a
    step) and `refractory` (steps from a spike to the next step that integrates). A kind with a current of its own gives
    `decay_u` and `decay_v` instead of `tau`, `per_current` (what a unit of it adds to `v` in a step) and `current`: its
    recursion, as of `CubaLIF`. A resonator gives `kind`, its class of cells, `cos` and `sin` of a step (times what
    is left of its size), `decay` (the share that is not) and `threshold`.

    **Raises:** ValueError if it is not supported, with the nearest thing that is.
    """
    raise ValueError(
        f"{type(neuron).__name__} is no kind of cell that the chip has; use LIF, or register one: chips.loihi.cell_for"
    )


@cell_for.register
def _(neuron: Parrot, dt: float) -> None:
    return None


@cell_for.register
def _(neuron: LI, dt: float) -> dict[str, Any]:
    _decays("LI.tau", neuron.tau, "its voltage has neither a leak nor a threshold")
    zero = jnp.zeros_like(neuron.v_rest)
    return dict(
        tau=neuron.tau,
        v_rest=neuron.v_rest,
        v_reset=neuron.v_rest,
        v_th=None,
        bias=zero,
        per_step=neuron.gain.per_step(neuron.tau, dt),
        refractory=jnp.ones((), jnp.int32),
    )


@cell_for.register
def _(neuron: LIF, dt: float) -> dict[str, Any]:
    if neuron.noise is not None:
        raise ValueError("LIF.noise is Gaussian, the chip's is uniform; use noise=None and a CellNoise in the program")
    _possible(neuron)
    held = jnp.ceil(neuron.t_ref / dt - 1e-3).astype(jnp.int32)
    if isinstance(neuron.reset_time, NextStep):  # v is at reset, and loses what arrives, for the step after the spike
        held = jnp.maximum(held, 1)
    return dict(
        tau=neuron.tau,
        v_rest=neuron.v_rest,
        v_reset=neuron.v_reset,
        v_th=neuron.v_th,
        bias=neuron.bias,
        per_step=neuron.gain.per_step(neuron.tau, dt),
        refractory=held + 1,
    )


@cell_for.register
def _(neuron: CubaLIF, dt: float) -> dict[str, Any]:
    _possible(neuron)
    _decays("CubaLIF.tau_syn", neuron.tau_syn, _ENDLESS)
    if not is_a(neuron.recursion, CurrentAfterInput, CurrentBeforeInput, DecayingCurrent):
        raise ValueError(f"CubaLIF.recursion is {type(neuron.recursion).__name__}, which is no recursion of a cell; "
                         "use CurrentAfterInput(), CurrentBeforeInput() or DecayingCurrent()")  # fmt: skip
    held = jnp.ceil(neuron.t_ref / dt - 1e-3).astype(jnp.int32)
    held = jnp.maximum(held, 1) if isinstance(neuron.reset_time, NextStep) else held
    through = jnp.ones_like(neuron.tau)
    if isinstance(neuron.recursion, DecayingCurrent):
        m = dt / neuron.tau
        through = phi(m - dt / neuron.tau_syn) / phi(m)
    return dict(
        decay_u=-neuron.decay(neuron.tau_syn, dt),
        decay_v=-neuron.decay(neuron.tau, dt),
        per_current=neuron.per_step(dt) * through,
        current=neuron.recursion,
        v_rest=neuron.v_rest,
        v_reset=neuron.v_reset,
        v_th=neuron.v_th,
        bias=neuron.bias,
        per_step=neuron.per_step(dt),
        refractory=held + 1,
    )


@cell_for.register
def _(neuron: ResonateAndFire, dt: float) -> dict[str, Any]:
    _decays("ResonateAndFire.tau", neuron.tau, "no register holds a turn that never decays")
    return numbers_of(neuron, dt)


_ENDLESS = "a current of the chip decays in every step"


def _decays(name: str, tau: Array, why: str) -> None:
    """Refuses an infinite time constant where the chip has none."""
    if is_concrete(tau) and np.any(np.isinf(np.asarray(tau))):
        raise ValueError(f"{name} is {shown(tau)} ms, and {why}; expected a finite time")


def _possible(neuron: LIF | CubaLIF) -> None:
    """Refuses the choices of a neuron that the chip does not have."""
    kind = type(neuron).__name__
    if not is_a(neuron.reset_mechanism, ToValue):
        raise ValueError(
            f"{kind}.reset_mechanism is {type(neuron.reset_mechanism).__name__}, the chip resets to 0; use ToValue()"
        )
    if not is_a(neuron.reset_time, SameStep, NextStep):
        raise ValueError(f"{kind}.reset_time is {type(neuron.reset_time).__name__}; use SameStep() or NextStep()")
    if not is_a(neuron.comparator, Greater, GreaterEqual):
        raise ValueError(f"{kind}.comparator is {type(neuron.comparator).__name__}, the chip fires above its threshold;"
                         " use Greater()")  # fmt: skip
    never = is_concrete(neuron.t_ref) and np.all(np.asarray(neuron.t_ref) == 0)
    if not is_a(neuron.refractory_input, *((Clamp, Ungated) if never else (Clamp,))):
        hearing = type(neuron.refractory_input).__name__
        raise ValueError(f"{kind}.refractory_input is {hearing}, the chip holds v at reset; use Clamp()")


def _registered(neuron: AbstractNeuron) -> None:
    """Refuses a subclass that changes the neuron for which a function is registered: it is another neuron."""
    kind = next(each for each in type(neuron).__mro__ if each in cell_for.registry)
    if kind is not object and (changes := altered(neuron, kind)):
        raise ValueError(
            f"{type(neuron).__name__} is a {kind.__name__} that changes {', '.join(changes)}; register a function for "
            "it: chips.loihi.cell_for"
        )


def cells_of(population: Population, facts: Facts) -> CellNode:
    """A population as cells of the chip. **Raises:** ValueError with the nearest thing that is supported."""
    dt = facts.dt
    _registered(population.neuron)
    numbers = cell_for(population.neuron, dt)
    if numbers is None:
        return CellNode(population.n, {}, {port: jnp.ones(()) for port in population.ports})
    if "kind" in numbers:
        return resonating(population, numbers, facts)
    own = numbers.pop("current", None)
    current = _current(population.ports)
    if own is not None and current is not None:
        raise ValueError("it has a current of its own and an Exponential port, a cell has one current; use Delta")
    if isinstance(own, CurrentAfterInput) and facts.after_threshold:
        raise ValueError(
            "a cell that sees its new current is not lowered where arrivals act after the threshold; use NestOrder"
        )
    numbers["v_start"] = start_voltage(population, numbers["v_rest"])
    values = {key: real(x) for key, x in numbers.items() if x is not None}
    # an arrival moves v in the same step if it is a jump, in the next step if it is a current
    delay = 0 if isinstance(own, CurrentAfterInput) or (own is None and current is None) else 1
    values["input_delay"] = real(np.asarray(delay, np.int32))
    if current is not None:  # otherwise what arrives is a jump of v
        values["tau_syn"] = real(current.tau)
        m = dt / numbers["tau"]
        exact = isinstance(current.hold, ExactIntegral)
        values["per_current"] = real(numbers["per_step"] * (phi(m - dt / current.tau) / phi(m) if exact else 1.0))
    return CellNode(population.n, dict(sorted(values.items())), {port: jnp.ones(()) for port in population.ports})


def _current(ports: dict[str, AbstractSynapse]) -> Exponential | None:
    """The one decaying current that a cell has; None where arrivals are jumps."""
    kinds = {type(port).__name__ for port in ports.values()}
    for name, port in ports.items():
        if not is_a(port, Delta, Exponential):
            raise ValueError(f"port {name!r} is {type(port).__name__}, the chip's currents decay exponentially; "
                             "use Exponential or Delta")  # fmt: skip
    if len(kinds) > 1:
        raise ValueError(f"it has ports of {' and '.join(sorted(kinds))}, a cell has one current; give all one kind")
    currents = [port for port in ports.values() if isinstance(port, Exponential)]
    if not currents:
        return None
    taus = [port.tau for port in currents]
    for tau in taus:
        _decays("Exponential.tau", tau, _ENDLESS)
    if not all(is_a(port.hold, ExactIntegral, ZeroOrderHold) for port in currents):
        raise ValueError("its `hold` is none that is known; use ExactIntegral() or ZeroOrderHold()")
    if len({type(port.hold) for port in currents}) > 1:
        raise ValueError("its currents differ in `hold`, a cell has one current; give all ports the same")
    if len(taus) > 1:
        alike = is_concrete(taus) and all(np.all(np.asarray(tau) == np.asarray(taus[0])) for tau in taus[1:])
        if not alike:
            given = ", ".join(f"{tau} ms" if is_concrete(tau) else "a traced number" for tau in taus)
            raise ValueError(f"its currents decay with {given}, a cell has one decay; give all ports the same tau")
    return currents[0]
