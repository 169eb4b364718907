"""What a circuit can be asked for: the numbers of its neuron, each by a name, and a group with other ones."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from .cells import AnalogCells

TIMES = {"tau": "tau_m", "c": "tau_m", "tau_syn": "tau_syn"}  # of a neuron; they change by factors
POTENTIALS = {"v_rest": "leak", "e_l": "leak", "v_th": "threshold", "v_peak": "threshold", "v_reset": "reset"}
INPUTS = {"excitation": "exc", "inhibition": "inh"}


def port_tau(k: int) -> str:
    """The name of the time constant of port `k`."""
    return f"tau_syn {k}"


def factors_of(cells: AnalogCells) -> list[str]:
    """What of a group changes by factors: time constants, and the efficacies of both inputs."""
    neuron, ports = cells.population.neuron, cells.population.ports.values()
    own = [what for name, what in TIMES.items() if hasattr(neuron, name)]
    return [*own, *(port_tau(k) for k, port in enumerate(ports) if hasattr(port, "tau")), *INPUTS]


def potentials_of(cells: AnalogCells) -> list[str]:
    """What of a group changes by LSB."""
    return [what for name, what in POTENTIALS.items() if hasattr(cells.population.neuron, name)]


def changed(cells: AnalogCells, factors: Mapping[str, Array], shifts: Mapping[str, Array]) -> AnalogCells:
    """A group whose times and efficacies are so many times what they were, and whose potentials so many LSB higher.

    `factors`, `shifts`: by the names of `factors_of`, `potentials_of`; what is not named stays.
    """
    population: Any = cells.population
    new: dict[str, Array] = {}
    for name, what in TIMES.items():
        if hasattr(population.neuron, name) and what in factors:
            new[name] = getattr(population.neuron, name) * factors[what]
    for name, what in POTENTIALS.items():
        if hasattr(population.neuron, name) and what in shifts:
            new[name] = getattr(population.neuron, name) + cells.lsb * shifts[what]
    ports = {
        name: eqx.tree_at(lambda p: p.tau, port, port.tau * factors[key])
        if (key := port_tau(k)) in factors and hasattr(port, "tau")
        else port
        for k, (name, port) in enumerate(population.ports.items())
    }
    neuron = eqx.tree_at(lambda n: [getattr(n, name) for name in new], population.neuron, [*new.values()])
    population = eqx.tree_at(lambda p: [p.neuron, p.ports], population, [neuron, ports])
    one = jnp.ones(())
    held = {name: getattr(cells, name) for name in INPUTS.values()}
    inputs = {
        name: (one if held[name] is None else held[name]) * factors[what]
        for what, name in INPUTS.items()
        if what in factors
    }
    return dataclasses.replace(cells, population=population, **inputs)
