"""A program for Loihi as a graph, for its report: what `emit` made of a graph, the other way round."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ...lowering.formats import Fixed
from ...lowering.graph import CellNode, EdgeNode, Graph, Value
from ...lowering.program import Program
from ...lowering.written import cell_node, edge_node, senders, written_graph
from .cells import CubaCells
from .convolution import ConvSynapses
from .cores import AbstractSign, Excitatory, Inhibitory, SignedWeights
from .formats import DecayFormat, StoredWeights, ThresholdFormat
from .learning.synapses import LearningSynapses
from .sparse import SparseSynapses
from .synapses import Synapses, sign_of

_SIGNS = {Excitatory: 1, Inhibitory: -1, SignedWeights: 0}
_WHOLE = 8  # bits of weights that a part does not say


def as_graph(program: Program) -> Graph:
    """The graph of a concrete program that `verify` takes, before placement.

    A convolution is counted as lists of synapses, as if its places shared none: at most so much memory.
    """
    cells = {name: _cells(name, program) for name in program.cells}
    edges = {name: _edges(name, program) for name in program.synapses}
    return written_graph(program, cells, edges)


def _cells(name: str, program: Program) -> CellNode:
    group = program.cells[name]
    if not isinstance(group, CubaCells):
        return cell_node(name, program)
    formats: dict[str, Any] = dict(
        decay_u=DecayFormat(),
        decay_v=DecayFormat(),
        threshold=ThresholdFormat(),
        bias=Fixed(12, -group.bias_exponent),
        refractory=Fixed(6, signed=False),
        v_start=Fixed(23),
    )
    return cell_node(name, program, {key: Value(getattr(group, key), form) for key, form in formats.items()})


def _edges(name: str, program: Program) -> EdgeNode:
    group: Any = program.synapses[name]
    delay: Any = getattr(group, "delay", np.int32(0))
    if isinstance(group, Synapses):
        sender, receiver = (x.reshape(-1) for x in np.indices(group.shape))
        weight, delay = group.weight.reshape(-1), delay.reshape(-1) if delay.ndim else delay
    elif isinstance(group, LearningSynapses):
        exists = np.ones(group.shape, bool) if group.exists is None else np.asarray(group.exists)
        sender, receiver = np.nonzero(exists)
        weight = np.asarray(group.weight)[exists]
    elif isinstance(group, SparseSynapses):
        sender, receiver, weight = senders(group.start), group.receiver, group.weight
    elif isinstance(group, ConvSynapses):
        sender, receiver, weight = group.listed()
    else:
        raise ValueError(f"Synapses {name!r} are {type(group).__name__}, of which a report knows no list of synapses.")
    mode: AbstractSign = getattr(group, "sign", sign_of(group.weight))
    bits, sign = jnp.asarray(getattr(group, "bits", _WHOLE)), _SIGNS[type(mode)]
    limit = jnp.asarray(2.0 ** (int(bits) - mode.sign_bits))
    form = StoredWeights(bits, group.exponent, jnp.int32(0), limit, sign)
    plastic = isinstance(group, LearningSynapses)
    return edge_node(name, program, sender, receiver, weight, form, delay=delay, sign=sign, plastic=plastic)
