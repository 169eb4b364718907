"""`from_brian2`: the network of a description."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from ..._arguments import shown
from ...networks.assembly import network
from ...networks.model import Network
from ...networks.order import BrianOrder
from ...simulation.drives.base import AbstractDrive, Silence, Sum
from .cells import cells
from .checked import checked
from .inputs import poisson_input
from .monitors import probes
from .plain import refuse
from .reading import VERSION, describe
from .stored import opened
from .wiring import connections, places, sums_of, wires_of


class FromBrian2(NamedTuple):
    """What `from_brian2` makes of a network.

    `drive`: its generators, tables and Poisson inputs. `record`: a probe for each SpikeMonitor, EventMonitor and
    PopulationRateMonitor, of its name, and for each variable of a StateMonitor, `"monitor.v"`. `not_recorded`: what
    has no probe, and why.
    """

    net: Network
    drive: AbstractDrive
    record: dict[str, Any]
    not_recorded: dict[str, str]


def from_brian2(network: Any, *, namespace: Mapping[str, Any] | None = None) -> FromBrian2:
    """The network of a Brian2 `Network` that was constructed and has not run.

        net, drive, record, _ = snn.interop.from_brian2(Network(collect()))
        run = snn.simulate(net, drive, t=1000.0, key=key, record=record)

    Graphs, weights, delays, initial values and parameters are those that Brian2 drew. A group is a population by its
    equations, in Brian2's order of events; every parameter, and every name of the namespace, is a leaf,
    `"neurongroup.neuron.tau"`, in ms, mV, pA, nS, pF. A statement such as `ge += w` is a projection into the port `ge`;
    numbers are those of each synapse. A name that jaxsnn has taken gets an underscore behind, `i_`.

    **Arguments:** `network`: a Brian2 `Network`, the description of one, or the path of a file of one
    (`describe_brian2`). `namespace`: what names in equations mean that groups do not define; by default, as in Brian2,
    the variables at the place of this call.

    **Raises:** ValueError for what has no counterpart here, by its name and line.
    """
    if isinstance(network, str) or hasattr(network, "__fspath__"):
        network = opened(network)
    if isinstance(network, Mapping):
        checked(network)
        try:
            return translated(network)
        except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
            raise ValueError(
                f"Got a description that describe_brian2 did not make, or that was changed since: {error!r}."
            ) from error
    return translated(describe_brian2(network, namespace=_caller() if namespace is None else namespace))


def describe_brian2(network: Any, *, namespace: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a Brian2 `Network` consists of, as plain dicts, arrays and text, for `from_brian2`, also without Brian2.

    **Arguments:** as of `from_brian2`. **Raises:** ValueError for what has no counterpart here, by its name and line.
    """
    if not (hasattr(network, "objects") and hasattr(network, "schedule")):
        raise ValueError(
            f"Got {shown(network)}, expected a Brian2 Network; of a script without one, Network(collect())."
        )
    return describe(network, _caller() if namespace is None else namespace)


def _caller() -> dict[str, Any]:
    """The variables where a function of this file was called from: what Brian2's own `run` sees."""
    frame = sys._getframe(2)
    return {**frame.f_globals, **frame.f_locals}


def translated(given: Mapping[str, Any]) -> FromBrian2:
    """The network of a description."""
    version = given.get("version")
    if not (isinstance(version, (int, np.integer)) and version == VERSION):
        raise ValueError(f"Got a description of version {shown(version)}, expected {VERSION}; describe the network "
                         "again.")  # fmt: skip
    dt = float(given["dt"])
    into: dict[str, set[str]] = {name: set() for name in given["groups"]}
    wires = wires_of(given, into)
    for name, entry in given["inputs"].items():
        if given["groups"][entry["target"]["group"]]["kind"] != "neurons":
            refuse(f"PoissonInput {name!r}", f"its target is {entry['target']['group']!r}, expected a NeuronGroup")
        into[entry["target"]["group"]].add(entry["variable"])
    sums = sums_of(given)
    groups = {
        name: cells(name, group, dt, into[name], sums.get(name, set())) for name, group in given["groups"].items()
    }
    drives: list[AbstractDrive] = [drive for each in groups.values() for drive in each.drives]
    drives += [poisson_input(f"PoissonInput {name!r}", x, groups, dt) for name, x in given["inputs"].items()]
    projections, recorded = connections(given, wires, groups, dt)
    of_synapses = {name: (paths, places(given["synapses"][name]["pre"])) for name, paths in recorded.items()}
    record: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, monitor in given["monitors"].items():
        found, not_recorded = probes(name, monitor, groups, of_synapses, dt * 1e3)
        record |= found
        missing |= not_recorded
    net = network(
        dt=dt * 1e3, key=jax.random.key(0), order=BrianOrder(), projections=projections,
        populations={name: each.population for name, each in groups.items()},
    )  # fmt: skip
    drive = drives[0] if len(drives) == 1 else Sum(tuple(drives)) if drives else Silence()
    return FromBrian2(net, drive, record, missing)
