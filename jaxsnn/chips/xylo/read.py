"""Reading a population for Xylo: shifts for decays and real gains, or an error that says why it is not supported."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._linear import phi
from ..._types import is_concrete, shown
from ...lowering.graph import CellNode, Facts, real
from ...lowering.kinds import is_a
from ...networks.population import Population
from ...neurons.cuba import CubaLIF
from ...neurons.lif import LIF
from ...neurons.readout import Parrot
from ...neurons.recursions import CurrentAfterInput, CurrentBeforeInput, DecayingCurrent
from ...neurons.resets import SameStep, Subtract
from ...neurons.thresholds import Greater, GreaterEqual
from ...synapses.base import ExactIntegral, ZeroOrderHold
from ...synapses.delta import Delta
from ...synapses.exponential import Exponential

_CHOICES = {  # that the chip has, or comes near to
    "reset_mechanism": (Subtract,),
    "reset_time": (SameStep,),
    "comparator": (GreaterEqual, Greater),
    "recursion": (CurrentAfterInput, CurrentBeforeInput, DecayingCurrent),
    "hold": (ExactIntegral, ZeroOrderHold),
}


def _check(part: LIF | CubaLIF | Exponential) -> None:
    """Refuses choices and numbers that the chip does not have."""
    kind = type(part).__name__
    for name, kinds in _CHOICES.items():
        if hasattr(part, name) and not is_a(chosen := getattr(part, name), *kinds):
            raise ValueError(f"{kind}.{name} is {type(chosen).__name__}, and Xylo has none; use {kinds[0].__name__}()")
    if not isinstance(part, Exponential):
        for name, x, none in (("t_ref", part.t_ref, np.zeros(())), ("v_reset", part.v_reset, part.v_rest)):
            if not is_concrete((x, none)) or np.any(np.asarray(x) != np.asarray(none)):
                raise ValueError(f"{kind}.{name} is {x}; expected {none}, as Xylo only takes its threshold off v")
        if is_concrete(part.v_th) and np.any(np.isinf(np.asarray(part.v_th))):
            raise ValueError(
                f"{kind}.v_th is {shown(part.v_th)}, and a threshold of Xylo has 16 bits; use a finite one"
            )
        if getattr(part, "noise", None) is not None:
            raise ValueError(f"{kind} has noise, and Xylo has none; use noise=None")


def _dash(name: str, tau: Array, dt: float, least: int) -> tuple[Array, dict[str, Array]]:
    """The power of two that is nearest to a time constant, by ratio, and what a report says of it."""
    xp: Any = np if is_concrete(tau) else jnp  # known while tracing too
    steps = xp.asarray(tau) / dt
    if xp is np and np.any(steps > 2.0**15.5):
        raise ValueError(f"its {name} is {steps} steps, and decays are shifts by up to 15; expected at most 2^15 steps")
    dash = xp.maximum(xp.round(xp.log2(steps)).astype(np.int32), least)
    became = xp.exp2(dash.astype(steps.dtype))
    error = xp.max(xp.abs(became / steps - 1.0))
    return dash, {f"{name}, steps": steps, f"{name}, steps on the chip": became, f"{name}, largest error": error}


def cells_of(population: Population, facts: Facts) -> CellNode:
    """Shifts `dash_v` and, of each synapse, `dash_i0`, `dash_i1`; `threshold` and `bias` above rest, which is 0.

    Of every port its `synapse` (ports of one decay share one) and `gain`, with which a spike adds to `v` over all steps
    what it adds in the model, whatever its time constant became: as spikes take a threshold off `v`, this sets rates.
    Currents lose at least half in a step (dash 1), for at dash 0 nothing of them would reach the membrane.
    """
    neuron: Any = population.neuron  # `is_a` finds out of which kind
    ports: dict[str, Any] = population.ports
    dt = facts.dt
    if is_a(neuron, Parrot):
        return CellNode(population.n, {}, {name: jnp.ones(()) for name in ports})
    if not is_a(neuron, LIF, CubaLIF):
        raise ValueError(f"{type(neuron).__name__} is no neuron of Xylo; use LIF or CubaLIF with Subtract()")
    own = isinstance(neuron, CubaLIF)
    if not all(is_a(port, Delta if own else Exponential) for port in ports.values()):
        raise ValueError("its ports are no exponential currents; use LIF with Exponential, or CubaLIF with Delta")
    if population.init:
        raise ValueError(f"it has an initial {', '.join(population.init)}, and Xylo starts at rest; leave it out")
    for part in (neuron, *(() if own else ports.values())):
        _check(part)
    at_once = own and isinstance(neuron.recursion, CurrentAfterInput)
    if at_once and facts.after_threshold:
        raise ValueError("its current acts at once, and arrivals come after the threshold; use NestOrder()")
    lost = lambda tau: -neuron.decay(tau, dt) if own else -jnp.expm1(-dt / tau)
    per_step, m = neuron.per_step(dt) if own else neuron.gain.per_step(neuron.tau, dt), dt / neuron.tau
    dash, values = _dash("tau", neuron.tau, dt, 0)
    values |= {"dash_v": dash, "threshold": neuron.v_th - neuron.v_rest}
    values |= {"bias": per_step * neuron.bias, "input_delay": np.asarray(int(not at_once), np.int32)}
    found: list[Array] = []
    for name, port in ports.items():
        tau = neuron.tau_syn if own else port.tau
        dash, told = _dash(f"time constant of {name!r}", tau, dt, 1)
        same = [k for k, x in enumerate(found) if x is dash or (is_concrete((x, dash)) and np.array_equal(x, dash))]
        synapse = same[0] if same else len(found)
        found += [] if same else [dash]
        exact = isinstance(neuron.recursion, DecayingCurrent) if own else isinstance(port.hold, ExactIntegral)
        charge = per_step / lost(tau) * (phi(m - dt / tau) / phi(m) if exact else 1.0)  # of all later steps
        values[f"gain {name}"] = charge / (told[f"time constant of {name!r}, steps on the chip"] - 1.0)
        values |= {f"synapse {name}": np.asarray(synapse), f"dash_i{synapse}": dash, f"dash of {name}": dash, **told}
    if len(found) > 2:
        raise ValueError(f"its currents have {len(found)} time constants, and neurons of Xylo two synapses; use two")
    return CellNode(population.n, {key: real(x) for key, x in sorted(values.items())}, {})
