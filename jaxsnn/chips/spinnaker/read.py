"""Reading a population for SpiNNaker: its parameters as real numbers, or an error that says why it is not supported."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._linear import phi
from ..._types import is_concrete, shown
from ...lowering.graph import CellNode, Facts, real
from ...lowering.kinds import is_a
from ...lowering.start import start_voltage
from ...networks.population import Population
from ...neurons.cuba import CubaLIF
from ...neurons.lif import LIF
from ...neurons.readout import LI, Parrot
from ...neurons.recursions import CurrentAfterInput, CurrentBeforeInput, DecayingCurrent
from ...neurons.refractory import Buffer, Clamp, Ungated
from ...neurons.resets import NextStep, SameStep, ToValue
from ...neurons.thresholds import Greater, GreaterEqual
from ...synapses.base import ExactIntegral, ZeroOrderHold
from ...synapses.delta import Delta
from ...synapses.exponential import Exponential

_CHOICES = {  # that the released code has, or that are the same in it
    "reset_mechanism": (ToValue,),
    "reset_time": (SameStep, NextStep),
    "comparator": (GreaterEqual, Greater),
    "recursion": (DecayingCurrent, CurrentAfterInput, CurrentBeforeInput),
    "hold": (ExactIntegral, ZeroOrderHold),
}
_SHORTEST = 0.09  # steps: of a shorter time constant exp(-dt / tau) is 0 on the chip


def _check(part: Any) -> None:
    """Refuses choices that the released code does not have."""
    kind = type(part).__name__
    for name, kinds in _CHOICES.items():
        if hasattr(part, name) and not is_a(chosen := getattr(part, name), *kinds):
            raise ValueError(
                f"{kind}.{name} is {type(chosen).__name__}, and SpiNNaker has none; use {kinds[0].__name__}()"
            )
    for name in ("tau", "tau_syn"):
        tau = getattr(part, name, 1.0)
        if is_concrete(tau) and np.any(np.isinf(np.asarray(tau))):
            raise ValueError(
                f"{kind}.{name} is {shown(tau)} ms, and SpiNNaker has time constants of at most 2^15 steps; expected a "
                "finite time"
            )
    if getattr(part, "noise", None) is not None:
        raise ValueError(f"{kind} has noise, and SpiNNaker has none; use noise=None, and Poisson input")


def _refractory(neuron: LIF | CubaLIF, dt: float, jumps: bool) -> Array:
    """Steps for which `v` is held after a spike."""
    never = is_concrete(neuron.t_ref) and np.all(np.asarray(neuron.t_ref) == 0)
    same = (Clamp, Ungated, Buffer) if never else (Clamp,) if jumps else (Clamp, Buffer)
    if not is_a(neuron.refractory_input, *same):
        raise ValueError(
            f"{type(neuron).__name__}.refractory_input is {type(neuron.refractory_input).__name__}, and SpiNNaker "
            "holds v and loses what arrives; use Clamp()"
        )
    held = jnp.ceil(neuron.t_ref / dt - 1e-3)
    return jnp.maximum(held, 1.0) if isinstance(neuron.reset_time, NextStep) else held


def cells_of(population: Population, facts: Facts) -> CellNode:
    """`tau`, `v_rest`, `v_reset`, `v_th`, `v_start`, `bias` in the unit of `v`, and `refractory` in steps.

    Of every port `gain`, what a unit of weight adds to the current in the unit of `v` (to `v` itself where it jumps),
    and its `tau`, which jumps do not have.
    """
    neuron: Any = population.neuron  # `is_a` finds out of which kind
    ports: dict[str, Any] = population.ports
    dt = facts.dt
    if is_a(neuron, Parrot):
        return CellNode(population.n, {}, {name: jnp.ones(()) for name in ports})
    if not is_a(neuron, LIF, CubaLIF, LI):
        raise ValueError(f"{type(neuron).__name__} is no neuron of SpiNNaker that lower(...) makes; use LIF")
    own = isinstance(neuron, CubaLIF)
    kinds = [kind for kind in (Delta, Exponential) if ports and all(is_a(port, kind) for port in ports.values())]
    if ports and (not kinds or (own and kinds != [Delta])):
        names = ", ".join(sorted({type(port).__name__ for port in ports.values()}))
        raise ValueError(
            f"its ports are {names}, and SpiNNaker has exponential currents or jumps of v; use LIF with Exponential or "
            "Delta, all ports of one kind, or CubaLIF with Delta"
        )
    jumps = kinds == [Delta] and not own
    for part in (neuron, *(() if own else ports.values())):
        _check(part)
    at_once = jumps or (own and isinstance(neuron.recursion, CurrentAfterInput))
    if at_once and facts.after_threshold:
        raise ValueError(
            "what arrives acts at once, and arrivals come after the threshold, which SpiNNaker has not; use NestOrder()"
            ", or LIF with Exponential"
        )
    fires = not isinstance(neuron, LI)
    tau = _tau(neuron.decay(neuron.tau, dt), dt) if own else neuron.tau
    m = dt / tau
    resistance = neuron.per_step(dt) / -jnp.expm1(-m) if own else neuron.gain.resistance(tau, dt)
    values = {
        "tau": tau,
        "v_rest": neuron.v_rest,
        "v_reset": neuron.v_reset if fires else neuron.v_rest,
        "v_start": start_voltage(population, neuron.v_rest),
        "bias": resistance * neuron.bias if fires else jnp.zeros(()),
        "refractory": _refractory(neuron, dt, jumps) if fires else jnp.zeros(()),
        "input_delay": np.asarray(int(not at_once), np.int32),
        "strict": np.asarray(int(fires and isinstance(neuron.comparator, Greater)), np.int32),
    }
    if fires:
        values["v_th"] = neuron.v_th
    for name, port in ports.items():
        if jumps:
            values[f"gain {name}"] = jnp.ones(())
            continue
        syn = _tau(neuron.decay(neuron.tau_syn, dt), dt) if own else port.tau
        exact = isinstance(neuron.recursion, DecayingCurrent) if own else isinstance(port.hold, ExactIntegral)
        through = phi(m - dt / syn) / phi(m) if exact else 1.0
        values |= {f"gain {name}": resistance * through / phi(-dt / syn), f"tau {name}": syn}
    return CellNode(population.n, {key: real(x) for key, x in sorted(values.items())}, {})


def _tau(decay: Array, dt: float) -> Array:
    """The time constant of a decay `factor - 1` in a step."""
    return -dt / jnp.log(jnp.maximum(1.0 + decay, jnp.exp(-1.0 / _SHORTEST)))
