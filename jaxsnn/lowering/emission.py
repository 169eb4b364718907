"""The last step: whole numbers of a graph become registers of a program."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from .._types import is_concrete
from .cells import AbstractCells, CubaCells, InputCells
from .cores import Core
from .fixed import Fixed
from .ir import Graph, LinkNode
from .learning.link import LearningLink
from .learning.synapses import LearningSynapses
from .program import Program
from .sparse import SparseSynapses
from .synapses import AbstractSynapses, Synapses


def emit(graph: Graph, core: Core) -> Program:
    """The program of a graph whose values are all quantised. Works on traced numbers too."""
    if not isinstance(graph, Graph) or not isinstance(core, Core):
        raise ValueError(
            f"Got {type(graph).__name__} and {type(core).__name__}; expected a Graph and a Core, such as Loihi1Core()."
        )
    cells: dict[str, AbstractCells] = {}
    for name, cell in graph.cells.items():
        if cell.is_input:
            cells[name] = InputCells(cell.n, cell.ports)
            continue
        form = cell.values["bias"].format
        if not isinstance(form, Fixed):
            raise ValueError(f"{name}.bias is still {form}; put Quantise into the list of passes.")
        names = ("decay_u", "decay_v", "threshold", "bias", "refractory", "v_start")
        cells[name] = CubaCells(cell.n, **{key: cell[key] for key in names}, bias_exponent=-form.frac, ports=cell.ports)
    synapses: dict[str, AbstractSynapses] = {}
    for name, link in graph.links.items():
        if link.learning is not None:
            synapses[name] = _learning(name, link, link.learning, graph)
            continue
        matrix = Synapses(
            link.pre,
            link.post,
            weight=link["weight"],
            exponent=link["exponent"],
            bits=link["bits"],
            sign=link.sign,
            delay=jnp.asarray(link["delay"]).astype(jnp.int32),
            max_delay=link.max_delay,
        )
        synapses[name] = SparseSynapses.of(matrix, np.asarray(link["exists"])) if _sparse(link) else matrix
    return Program(cells, synapses, core, graph.dt, late=graph.late)


def _learning(name: str, link: LinkNode, learning: LearningLink, graph: Graph) -> LearningSynapses:
    """Synapses under the rule; with a mask of those that exist, unless all do."""
    mapped = learning.mapped(name, link.post, graph.cells[link.post]["scale"], link["exponent"], graph.dt)
    exists = np.asarray(link["exists"])
    return LearningSynapses(
        link.pre,
        link.post,
        link["weight"],
        rule=mapped.rule,
        exponent=link["exponent"],
        sign=link.sign,
        delay=jnp.asarray(link["delay"]).astype(jnp.int32),
        max_delay=link.max_delay,
        exists=None if exists.all() else exists,
    )


def _sparse(link: LinkNode) -> bool:
    """Whether a list of synapses is faster than a matrix, of which a step adds whole rows.

    Measured on a CPU: of 1 024 x 1 024 pairs the matrix is 1.5 times as fast even where 1 % exist; of 4 096 x 4 096,
    for which caches have no room, the list is three times as fast at 1 % and twice at 3 %. Delays of their own make a
    list of a matrix, too.
    """
    exists = link["exists"]
    if not is_concrete((exists, link["weight"])):
        return False
    pairs, count = np.size(exists), int(np.count_nonzero(exists))
    if np.ndim(link["delay"]):
        return pairs >= 2**16 and 2 * count <= pairs
    return pairs >= 2**22 and 20 * count <= pairs
