"""Programs for Loihi by hand: the same core for all cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ...lowering.cells import AbstractCells
from ...lowering.program import Program
from ...lowering.synapses import AbstractSynapses
from .cells import LoihiCells
from .cores import Core


def program(
    cells: Mapping[str, AbstractCells],
    synapses: Mapping[str, AbstractSynapses],
    core: Core | None = None,
    dt: float = 1.0,
) -> Program:
    """A program whose cells all have the arithmetic of `core`; None: each that it was given."""
    return Program({name: _on(group, core) for name, group in cells.items()}, dict(synapses), dt)


def with_core(program: Program, core: Core) -> Program:
    """The same program in the arithmetic of another core or emulator."""
    return dataclasses.replace(program, cells={name: _on(group, core) for name, group in program.cells.items()})


def _on(cells: AbstractCells, core: Core | None) -> AbstractCells:
    if core is not None and not isinstance(core, Core):
        raise ValueError(f"Got core = {core!r}; expected a Core such as Loihi1Core().")
    return cells if core is None or not isinstance(cells, LoihiCells) else dataclasses.replace(cells, core=core)
