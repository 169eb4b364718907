"""The interface of a chip: its formats, passes and limits, how it reads a neuron and emits a program."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx

from .._choices import Chosen
from .._late import bring_all
from .._types import OptionalRegister, register
from ..models import known
from ..networks.population import Population
from ..networks.projection import Projection
from .formats import AbstractFormat
from .graph import CellNode, Facts, Graph
from .passes.base import AbstractPass
from .program import Program
from .real import RealNeuron
from .rules import AbstractRuleNode


class Precision(eqx.Module):
    """The bits of numbers, by kind. None: all that the target has.

    **Arguments:** `weight`, `decay`, `threshold`: whole numbers, which may be traced.
    """

    weight: OptionalRegister = register(None, optional=True)
    decay: OptionalRegister = register(None, optional=True)
    threshold: OptionalRegister = register(None, optional=True)


class AbstractTarget(Chosen):
    """A chip that networks can be lowered to. `formats`, `passes`, `read`, `emit` and `unsupported` are the chip's."""

    @property
    def name(self) -> str:
        """The name that users write."""
        return type(self).__name__

    @abc.abstractmethod
    def formats(self, precision: Precision | None = None) -> dict[str, AbstractFormat]:
        """The formats of its numbers by name, `"weight"` among them.

        **Raises:** ValueError for bits that the target does not have.
        """

    @abc.abstractmethod
    def passes(self, precision: Precision | None = None) -> list[AbstractPass]:
        """The passes of `lower`, in order: a list that may be changed and given as `lower(passes=...)`."""

    @abc.abstractmethod
    def read(self, population: Population, facts: Facts) -> CellNode:
        """A population as cells of the chip, in real numbers and the model's units.

        **Raises:** ValueError that names what is not supported, and the nearest thing that is.
        """

    def read_rule(self, name: str, projection: Projection) -> AbstractRuleNode:
        """The rule of a plastic projection. **Raises:** ValueError that names what is not supported."""
        raise ValueError(f"Projection {name!r} learns, which {self.name} cannot; use net.frozen() to keep its weights.")

    @abc.abstractmethod
    def emit(self, graph: Graph) -> Program:
        """The program of a lowered graph. Numbers may be traced."""

    def neuron(self, name: str, graph: Graph) -> RealNeuron:
        """The neuron of real numbers that lowered cells are, for `rounded_network`.

        **Raises:** ValueError that names what no such neuron has.
        """
        raise ValueError(
            f"Cells {name!r} of {self.name} have equations that are no neuron of real numbers here; write the network "
            "itself, before it is lowered."
        )

    @abc.abstractmethod
    def unsupported(self, program: Program) -> str | None:
        """The first part of a program that this chip does not have; None if it has all. Traced numbers pass."""

    def placed(self, graph: Graph) -> dict[str, Any] | None:
        """The resources a graph uses, for the report; None: unknown.

        `"summary"`: lines of text. `"cores"`, `"chips"`, `"memory bits"` (of synapses): numbers. `"binding limit"`:
        `limit`, `group`, `used`, `room`, `remedy`. `"placement"`: a row for each group on each core, with what of the
        `"room of a core"` it uses. All but the summary may be missing.
        """
        return None

    def graph_of(self, program: Program) -> Graph:
        """A concrete program that was written by hand as a placed graph, for its report; see `lowering/written.py`.

        **Raises:** ValueError for what the chip has no room for, or if the target does not tell.
        """
        raise ValueError(
            f"{self.name} does not tell what programs take of it, only what `lower` makes; lower a network."
        )

    def cost(self, graph: Graph, rates: dict[str, Any], steps: int) -> dict[str, Any] | None:
        """Energy and time for the report, from the spikes per step of cells and inputs; None: no figures."""
        return None


def verify(program: Program, target: AbstractTarget) -> None:
    """Raise ValueError for what a chip does not have: a kind of cells, a number out of range, a delay.

    The number of cores is not checked: `report(program, target)` places a program and says what it takes.
    """
    if not isinstance(program, Program) or not isinstance(target, AbstractTarget):
        raise ValueError(
            f"Got {type(program).__name__} and {type(target).__name__}; expected a Program and a target of snn.chips."
        )
    if (why := target.unsupported(program)) is not None:
        raise ValueError(f"{why}.")


def checked_again(part: Any) -> None:
    """Repeat the checks of construction, for numbers that were traced then or replaced later."""
    if isinstance(part, eqx.Module):
        for kind in type(part).__mro__:
            if "__check_init__" in vars(kind):
                vars(kind)["__check_init__"](part)
        for field in dataclasses.fields(part):
            checked_again(getattr(part, field.name, None))
    elif isinstance(part, (tuple, list, dict)):
        for each in part.values() if isinstance(part, dict) else part:
            checked_again(each)


# --- by name, for the command line ------------------------------------------------------------------------------------

_TARGETS: dict[str, type[AbstractTarget]] = {}
Kind = TypeVar("Kind", bound=type[AbstractTarget])


def register_target(name: str) -> Callable[[Kind], Kind]:
    """Class decorator: `--target name` of the command line is this target with its defaults."""

    def register(kind: Kind) -> Kind:
        if _TARGETS.setdefault(name, kind) is not kind:
            raise ValueError(f"There is a target {name!r} already, {_TARGETS[name].__name__}; take another name.")
        return kind

    return register


def targets() -> dict[str, type[AbstractTarget]]:
    """The targets that are registered, by name."""
    bring_all()
    return dict(sorted(_TARGETS.items()))


def target_named(name: str) -> AbstractTarget:
    """The target of a name, with its defaults. **Raises:** ValueError that lists the names there are."""
    found = targets()
    if name not in found:
        raise ValueError(f"Got the target {name!r}, expected one of {known(found)}.")
    return found[name]()
