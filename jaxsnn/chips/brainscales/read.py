"""What BrainScaleS-2 makes of a population: a neuron that its circuits have; or why they do not."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ..._types import is_concrete
from ...distributions import AbstractDistribution
from ...lowering.graph import CellNode, Facts, real
from ...lowering.kinds import is_a
from ...networks.population import Population
from ...neurons.cuba import CubaLIF
from ...neurons.exponential import AdEx
from ...neurons.lif import LIF
from ...neurons.readout import LI, Parrot
from ...neurons.refractory import Clamp, Ungated
from ...neurons.resets import SameStep, ToValue
from ...neurons.thresholds import Greater, GreaterEqual
from ...synapses.delta import Delta
from ...synapses.exponential import Exponential
from .neurons import CubaAdEx

OWN_CURRENT = (CubaLIF, CubaAdEx)  # neurons with one synaptic current, to which all ports add
NEURONS = (*OWN_CURRENT, LIF, LI, AdEx)


class AnalogNode(CellNode):
    """A group of neurons, with the population that it is."""

    population: Population | None = None

    def set(self, **values):
        merged = {**self.values, **values}
        return dataclasses.replace(self, values={k: v for k, v in sorted(merged.items()) if v is not None})


def membrane_tau(neuron: Any) -> Array:
    """The time constant of the membrane, ms."""
    return neuron.tau if hasattr(neuron, "tau") else neuron.c / neuron.g_l


def kept_in_a_step(neuron: Any, dt: float) -> Array:
    """The part of a membrane's distance from rest that a step of `dt` ms leaves."""
    if isinstance(neuron, CubaLIF):
        return 1.0 + neuron.decay(neuron.tau, dt)
    return 1.0 - dt / membrane_tau(neuron) if isinstance(neuron, CubaAdEx) else jnp.exp(-dt / membrane_tau(neuron))


def resistance(neuron: Any, dt: float) -> Array:
    """By how much a constant current moves the membrane, in units of `v`."""
    if isinstance(neuron, CubaAdEx | AdEx):
        return 1.0 / neuron.g_l
    if isinstance(neuron, CubaLIF):
        return neuron.per_step(dt) / -neuron.decay(neuron.tau, dt)
    return neuron.gain.resistance(neuron.tau, dt)


def potentials(neuron: Any) -> dict[str, Array]:
    """Leak, reset and threshold, in the unit of `v`; a neuron that never fires has a leak only."""
    names = {"leak": ("v_rest", "e_l"), "reset": ("v_reset",), "threshold": ("v_th", "v_peak")}
    found = {what: next((getattr(neuron, n) for n in some if hasattr(neuron, n)), None) for what, some in names.items()}
    found = {what: x for what, x in found.items() if x is not None}
    never = (
        "threshold" in found and is_concrete(found["threshold"]) and np.all(np.isinf(np.asarray(found["threshold"])))
    )
    return {"leak": found["leak"]} if never else found


def _check(neuron: Any) -> None:
    """Refuses choices that the circuits do not have."""
    kind = type(neuron).__name__
    chosen = {
        "reset_mechanism": (ToValue,),
        "reset_time": (SameStep,),
        "comparator": (Greater, GreaterEqual),
        "refractory_input": (Clamp,),
    }
    if hasattr(neuron, "t_ref") and is_concrete(neuron.t_ref) and np.all(np.asarray(neuron.t_ref) == 0):
        chosen["refractory_input"] = (Clamp, Ungated)
    for name, kinds in chosen.items():
        if hasattr(neuron, name) and not is_a(given := getattr(neuron, name), *kinds):
            raise ValueError(
                f"{kind}.{name} is {type(given).__name__}, and BrainScaleS-2 has none; use {kinds[0].__name__}()"
            )
    if getattr(neuron, "noise", None) is not None:
        raise ValueError(f"{kind} has noise, and a chip has its own: give it as BrainScaleS2(noise=Noise(...))")


def cells_of(population: Population, facts: Facts) -> CellNode:
    """`tau_m`, `tau_syn PORT`, `refractory`, ms; `leak`, `reset`, `threshold`, `resistance` in units of the model."""
    neuron: Any = population.neuron
    ports: dict[str, Any] = population.ports
    if is_a(neuron, Parrot):
        return CellNode(population.n, {}, {name: jnp.ones(()) for name in ports})
    if not is_a(neuron, *NEURONS):
        raise ValueError(
            f"{type(neuron).__name__} is no neuron of BrainScaleS-2; use LIF or AdEx with Exponential ports, CubaLIF, "
            "CubaAdEx, or LI, which does not fire"
        )
    own = isinstance(neuron, OWN_CURRENT)
    if not all(is_a(port, Delta if own else Exponential) for port in ports.values()):
        names = ", ".join(sorted({type(port).__name__ for port in ports.values()}))
        raise ValueError(
            f"its ports are {names}, and synapses of BrainScaleS-2 are exponential currents; use Exponential"
            + (", as CubaLIF and CubaAdEx have with Delta ports" if own else ", or CubaLIF with Delta")
        )
    if not own and len(ports) > 2:
        raise ValueError(f"it has {len(ports)} ports, and a circuit two inputs, excitatory and inhibitory; use two")
    for path, value in population.init.items():
        if isinstance(value, AbstractDistribution) or callable(value):
            raise ValueError(f"it draws its initial {path!r} anew in every run; give the numbers")
    _check(neuron)
    values = {
        "tau_m": membrane_tau(neuron),
        "resistance": resistance(neuron, facts.dt),
        "refractory": getattr(neuron, "t_ref", jnp.zeros(())),
        "input_delay": np.asarray(0, np.int32),  # arrivals act where they do in the model
        **potentials(neuron),
        **{f"tau_syn {name}": neuron.tau_syn if own else port.tau for name, port in ports.items()},
    }
    if isinstance(neuron, CubaAdEx | AdEx) and getattr(neuron, "tau_w", None) is not None:
        values["tau_w"] = neuron.tau_w
    numbers = {key: real(x) for key, x in sorted(values.items())}
    return AnalogNode(population.n, numbers, {}, population)
