"""The last step: whole numbers of a graph become registers of a program."""

from __future__ import annotations

import jax.numpy as jnp

from .cells import AbstractCells, CubaCells, InputCells
from .cores import Core
from .fixed import Fixed
from .ir import Graph
from .program import Program
from .synapses import AbstractSynapses, Synapses


def emit(graph: Graph, core: Core) -> Program:
    """The program of a graph whose values are all quantised. Works on traced numbers too."""
    cells: dict[str, AbstractCells] = {}
    for name, cell in graph.cells.items():
        if cell.is_input:
            cells[name] = InputCells(cell.n, cell.ports)
            continue
        form = cell.values["bias"].format
        if not isinstance(form, Fixed):
            raise ValueError(f"{name}.bias is still {form}; put Quantise into the list of passes.")
        names = ("decay_u", "decay_v", "threshold", "bias", "refractory")
        cells[name] = CubaCells(cell.n, **{key: cell[key] for key in names}, bias_exponent=-form.frac, ports=cell.ports)
    synapses: dict[str, AbstractSynapses] = {}
    for name, link in graph.links.items():
        synapses[name] = Synapses(
            link.pre,
            link.post,
            weight=link["weight"],
            exponent=link["exponent"],
            bits=link["bits"],
            sign=link.sign,
            delay=jnp.asarray(link["delay"]).astype(jnp.int32),
            max_delay=link.max_delay,
        )
    return Program(cells, synapses, core, graph.dt, late=graph.late)
