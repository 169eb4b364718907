"""Reading a population for TrueNorth: its parameters as real numbers, or an error that says why it is not supported."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._types import is_concrete
from ...lowering.graph import CellNode, Facts, real
from ...lowering.kinds import is_a
from ...lowering.start import start_voltage
from ...networks.population import Population
from ...neurons.gains import PerStep
from ...neurons.lif import LIF
from ...neurons.readout import Parrot
from ...neurons.refractory import Buffer, Clamp, Ungated
from ...neurons.resets import NoReset, SameStep, Subtract, ToValue
from ...neurons.thresholds import GreaterEqual
from ...synapses.delta import Delta
from .arithmetic import LINEAR, NONE, NORMAL, AbstractRules
from .neurons import LinearLeakIF, ThresholdUnit

_MODES = {ToValue: NORMAL, Subtract: LINEAR, NoReset: NONE}
_NEAREST = (
    "the nearest are snn.chips.truenorth.LinearLeakIF, ThresholdUnit, and LIF(tau=inf, gain=gains.PerStep()) without a "
    "refractory period"
)


def cells_of(population: Population, facts: Facts, rules: AbstractRules) -> CellNode:
    """`v_th`, `leak`, `floor`, `v_start` above the reset, and modes. `memoryless`: a unit that fires from 0 on."""
    neuron: Any = population.neuron  # `is_a` finds out of which kind
    ports: dict[str, Any] = population.ports
    if is_a(neuron, Parrot):
        return CellNode(population.n, {}, {name: jnp.ones(()) for name in ports})
    if not is_a(neuron, LinearLeakIF, ThresholdUnit, LIF):
        raise ValueError(f"{type(neuron).__name__} is no neuron of TrueNorth; {_NEAREST}")
    if not all(is_a(port, Delta) for port in ports.values()):
        names = ", ".join(sorted({type(port).__name__ for port in ports.values()}))
        raise ValueError(f"its ports are {names}, and TrueNorth has no synaptic current; use Delta")
    if facts.after_threshold:
        raise ValueError("arrivals come after the threshold, and on TrueNorth before it; use NestOrder()")
    values: dict[str, Any] = {"input_delay": np.asarray(0, np.int32)}
    if isinstance(neuron, ThresholdUnit):
        if population.init:
            raise ValueError("it has an initial state, which a ThresholdUnit does not keep; leave `init` out")
        start, flags = jnp.zeros(()), dict(memoryless=1, reversal=0, mode=NORMAL)
        numbers = dict(v_th=jnp.zeros(()), leak=neuron.bias, floor=jnp.zeros(()), v_start=start)
    elif isinstance(neuron, LIF):
        _check(neuron)
        start = start_voltage(population, neuron.v_rest) - neuron.v_reset
        numbers = dict(v_th=neuron.v_th - neuron.v_reset, leak=neuron.bias, floor=jnp.inf * jnp.ones(()), v_start=start)
        flags = dict(memoryless=0, reversal=0, mode=_mode(neuron))
    else:
        if neuron.reversal and not neuron.ringing == rules.ringing:
            raise ValueError(
                f"LinearLeakIF.ringing is {neuron.ringing}, and the target's rules have {rules.ringing}; use "
                "TrueNorth(rules=Published(ringing=...)) or the other ringing"
            )
        zero = jnp.zeros(()) if neuron.reversal else neuron.v_reset  # a leak that reverses fixes where 0 is
        numbers = dict(v_th=neuron.v_th - zero, leak=neuron.leak, floor=neuron.floor + zero)
        numbers |= dict(v_start=start_voltage(population, jnp.zeros(())) - zero, v_reset=neuron.v_reset - zero)
        flags = dict(memoryless=0, reversal=int(neuron.reversal), mode=_mode(neuron))
    numbers = dict(v_reset=jnp.zeros(())) | numbers
    _check_numbers(numbers, flags)
    values |= numbers | {name: np.asarray(flag, np.int32) for name, flag in flags.items()}
    return CellNode(population.n, {key: real(x) for key, x in sorted(values.items())}, {})


def _check_numbers(numbers: dict[str, Array], flags: dict[str, int]) -> None:
    """Refuses numbers that registers without a sign, or of a few bits, cannot hold."""
    if not is_concrete(numbers):
        return
    some = lambda x: bool(np.any(np.asarray(x)))
    if not np.all(np.isfinite(np.asarray(numbers["v_th"]))):
        raise ValueError("its threshold is infinite, and thresholds of TrueNorth have 18 bits; use a finite one")
    if some(numbers["v_th"] < 0):
        raise ValueError("its threshold is below 0, where a leak that reverses turns; use a threshold above 0")
    if some(numbers["floor"] < 0):
        raise ValueError("its floor is above its reset; use a floor below it")
    if flags["mode"] == LINEAR and some(numbers["v_reset"] != 0):
        raise ValueError("it subtracts less than its threshold, which TrueNorth takes off whole; use v_reset=0")


def _mode(neuron: Any) -> int:
    kind = type(neuron.reset_mechanism)
    if kind not in _MODES:
        raise ValueError(f"its reset is {kind.__name__}, and TrueNorth has ToValue, Subtract and NoReset")
    return _MODES[kind]


def _check(neuron: LIF) -> None:
    """Refuses a LIF that leaks, or has what the chip does not have."""
    if not is_concrete(neuron.tau) or np.any(np.isfinite(np.asarray(neuron.tau))):
        raise ValueError(
            f"LIF leaks exponentially, with tau = {neuron.tau} ms, and TrueNorth linearly or not at all; {_NEAREST}"
        )
    held = is_concrete(neuron.t_ref) and np.all(np.asarray(neuron.t_ref) == 0)
    faults = {
        "a refractory period": not held or not is_a(neuron.refractory_input, Clamp, Buffer, Ungated),
        "noise": neuron.noise is not None,
        f"the gain {type(neuron.gain).__name__}": not is_a(neuron.gain, PerStep),
        f"the comparator {type(neuron.comparator).__name__}": not is_a(neuron.comparator, GreaterEqual),
        f"the reset time {type(neuron.reset_time).__name__}": not is_a(neuron.reset_time, SameStep),
    }
    for what, found in faults.items():
        if found:
            raise ValueError(f"LIF has {what}, and TrueNorth has not; {_NEAREST}")
