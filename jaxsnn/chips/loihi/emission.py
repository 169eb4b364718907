"""The last step: stored numbers of a graph become registers of a program."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from ...lowering.cells import AbstractCells, InputCells
from ...lowering.formats import Fixed
from ...lowering.graph import EdgeNode, Graph
from ...lowering.program import Program
from ...lowering.synapses import AbstractSynapses
from .cells import CubaCells
from .cores import Core
from .formats import StoredWeights
from .learning.node import RuleNode
from .learning.synapses import LearningSynapses
from .loihi2.turns import resonators
from .sparse import SparseSynapses
from .synapses import Synapses, sign_mode


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
        if not cell.is_leaky:
            cells[name] = resonators(name, cell, core)
            continue
        form = cell.values["bias"].format
        if not isinstance(form, Fixed):
            raise ValueError(f"{name}.bias is still {form}; put Quantise into the list of passes.")
        cells[name] = CubaCells(
            cell.n,
            decay_u=cell["decay_u"],
            decay_v=cell["decay_v"],
            threshold=cell["threshold"],
            bias=cell["bias"],
            bias_exponent=-form.frac,
            refractory=cell["refractory"],
            v_start=cell["v_start"],
            ports=cell.ports,
            core=core,
        )
    synapses = {name: _synapses(name, edge, graph, cells[edge.post].receivers) for name, edge in graph.edges.items()}
    scale = {name: cell["scale"] for name, cell in graph.cells.items() if "scale" in cell.values}
    return Program(cells, synapses, graph.dt, graph.lags, scale=scale)


def _synapses(name: str, edge: EdgeNode, graph: Graph, receivers: int) -> AbstractSynapses:
    """A matrix where all pairs have a synapse, else a list of those that do; a matrix with a mask where it learns.

    `receivers`: of the cells behind it, which may have several for each; edges lead to the first.
    """
    form = edge.values["weight"].format
    if not isinstance(form, StoredWeights):
        raise ValueError(f"{name}.weight is still {form}; put Quantise into the list of passes.")
    delay = jnp.asarray(edge["delay"]).astype(jnp.int32)
    shape, every = (edge.n_pre, receivers), edge.count == edge.n_pre * receivers
    if isinstance(edge.rule, RuleNode):
        mapped = edge.rule.mapped(name, edge.post, graph.cells[edge.post]["scale"], form.exponent, graph.dt)
        sender, receiver = np.asarray(edge.sender), np.asarray(edge.receiver)
        exists = np.zeros(shape, bool)
        exists[sender, receiver] = True
        return LearningSynapses(
            edge.pre,
            edge.post,
            jnp.zeros(shape, jnp.int32).at[sender, receiver].set(edge["weight"]),
            rule=mapped.rule,
            exponent=form.exponent,
            sign=sign_mode(edge.sign),
            delay=delay,
            max_delay=edge.max_delay,
            exists=None if every else exists,
        )
    sign = sign_mode(edge.sign)
    if every:
        weight, delay = edge["weight"].reshape(shape), delay.reshape(shape) if delay.ndim else delay
        return Synapses(
            edge.pre, edge.post, weight, form.exponent, form.bits, sign, delay=delay, max_delay=edge.max_delay
        )
    each = np.bincount(np.asarray(edge.sender), minlength=edge.n_pre)
    return SparseSynapses(
        edge.pre,
        edge.post,
        edge["weight"],
        form.exponent,
        form.bits,
        sign,
        start=np.concatenate([[0], np.cumsum(each)]).astype(np.int32),
        receiver=edge.receiver,
        delay=delay,
        n_post=receivers,
        longest=max(1, int(each.max(initial=0))),
        max_delay=edge.max_delay,
    )
