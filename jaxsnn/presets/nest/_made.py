"""What the models of NEST share: ports with conductances, initial values, and the parameters that are refused."""

from __future__ import annotations

from typing import Any

from ...networks.population import Population
from ...neurons.base import AbstractNeuron
from ...synapses.base import AbstractSynapse
from ...synapses.conductance import Conductance
from ...synapses.dual import DualConductance
from .._refuse import refuse

Ports = dict[str, AbstractSynapse]
_ANY = {
    "tau_minus": "which belongs to the rule here: give it to the synapse, e.g. stdp_synapse(tau_minus=...)",
    "V_min": "a lower bound of the membrane, which no neuron here has",
    "rho": "of NEST's escape noise, whose probability per step is rho dt exp(...); use snn.EscapeLIF",
    "delta": "of NEST's escape noise, whose probability per step is rho dt exp(...); use snn.EscapeLIF",
    **dict.fromkeys(
        ("ignore_and_spike", "ignore_and_spike_interval", "ignore_and_spike_offset"),
        "which makes the neuron a spike generator; use spike_generator",
    ),
}


def made(
    model: str,
    n: int,
    neuron: AbstractNeuron,
    ports: dict[str, AbstractSynapse],
    start: dict[str, Any],
    others: dict[str, Any],
) -> Population:
    """A population of a model of NEST. `start`: initial values by state variable, None for those at rest."""
    refuse(f"nest.{model}", others, _ANY)
    return Population(neuron, n, ports=ports, init={name: x for name, x in start.items() if x is not None})


def exponential_conductances(tau_ex: Any, e_ex: Any, tau_in: Any, e_in: Any) -> Ports:
    """Excitation and inhibition that decay exponentially."""
    return {"ex": Conductance(tau_ex, e_ex), "in": Conductance(tau_in, e_in)}


def alpha_conductances(tau_ex: Any, e_ex: Any, tau_in: Any, e_in: Any) -> Ports:
    """Excitation and inhibition with the course of an alpha function, whose peak is the weight."""
    return {"ex": DualConductance(tau_ex, tau_ex, e_ex), "in": DualConductance(tau_in, tau_in, e_in)}
