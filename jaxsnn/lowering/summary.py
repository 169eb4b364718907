"""What a concrete program is made of, as text: also of one that was written by hand or read from a file."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np

from .cells import AbstractCells, CubaCells
from .convolution import ConvSynapses
from .fixed import span
from .learning.engine import LoihiRule
from .learning.synapses import LearningSynapses
from .learning.trace import ReceivedTrace
from .sparse import SparseSynapses
from .synapses import AbstractSynapses, Synapses

if TYPE_CHECKING:
    from .program import Program


def summary(program: Program) -> str:
    """Cells and how far their registers can go, then synapses: kind, count, format, delay, rule."""
    lines = [f"program, dt = {program.dt:g} ms, {program.ring.slots - 1} step(s) of delay at most"]
    bounds = program.bounds()
    for name, cells in program.cells.items():
        lines.append(f"  {name}: {cells.n} {_cells(cells)}")
        if name in bounds:
            proved = {key: one.proved for key, one in bounds[name].items()}
            held = ", ".join(f"{key} {one.low:.0f} .. {one.high:.0f}" for key, one in bounds[name].items())
            failed = ", ".join(key for key, yes in proved.items() if not yes)
            lines.append(f"    {held}; {f'not proved: {failed}' if failed else 'all proved'}")
    for name, group in program.synapses.items():
        first, *more = synapses(group)
        lines.append(f"  {name}: {group.pre} -> {group.post}, {first}")
        lines += [f"    {line}" for line in more]
    return "\n".join(lines)


def _cells(cells: AbstractCells) -> str:
    if not isinstance(cells, CubaCells):
        return type(cells).__name__
    registers = ("decay_u", "decay_v", "threshold", "bias", "refractory")
    noise = "" if cells.noise is None else ", noise"
    return f"CubaCells, {', '.join(f'{key} {span(getattr(cells, key))}' for key in registers)}{noise}"


@singledispatch
def synapses(group: AbstractSynapses) -> list[str]:
    """What synapses are, a line each; register a function of your own for a kind of your own."""
    return [type(group).__name__]


@synapses.register
def _(group: Synapses) -> list[str]:
    size = " x ".join(map(str, group.weight.shape))
    return [f"a matrix of {size}, {_format(group)}, {group.bits} bits, delay {span(group.delay)}"]


@synapses.register
def _(group: SparseSynapses) -> list[str]:
    n_pre, count = group.start.size - 1, group.weight.size
    share = 100 * count / max(n_pre * group.n_post, 1)
    return [
        f"a list of {count} synapses ({share:.3g} % of {n_pre} x {group.n_post}), {_format(group)}, {group.bits} bits, "
        f"delay {span(group.delay)}"
    ]


@synapses.register
def _(group: ConvSynapses) -> list[str]:
    size = lambda shape: " x ".join(map(str, shape))
    return [
        f"a convolution of {size(group.image)} to {size(group.out_image)}, {group.weight.size} weights "
        f"{span(group.weight)}, exponent {group.exponent}",
        f"kernel {size(group.weight.shape)}, stride {size(group.stride)}, padding {size(group.padding)}, dilation "
        f"{size(group.dilation)}, {group.groups} group(s)",
    ]


@synapses.register
def _(group: LearningSynapses) -> list[str]:
    size = " x ".join(map(str, group.weight.shape))
    some = "" if group.exists is None else f", of which {int(np.sum(np.asarray(group.exists)))} exist"
    kind = f"synapses that learn, {size}{some}, {_format(group)} at the start, 8 bits, delay {span(group.delay)}"
    return [kind, *_rule(group.rule)]


def _rule(rule: LoihiRule) -> list[str]:
    """The sums of products, and the traces that they read."""
    every = "every step" if rule.epoch == 1 else f"every {rule.epoch} steps"
    lines = [f"d{name} = {products}, {every}, {type(rule.rounding).__name__}" for name, products in rule.rules.items()]
    for name, trace in rule.traces.items():
        told = (
            f"what {trace.name!r} says" if isinstance(trace, ReceivedTrace) else f"impulse {int(trace.impulse) / 256:g}"
        )
        lines.append(f"{name}: {told}, time constant {trace.tau:.4g} steps")
    return lines


def _format(group: Synapses | SparseSynapses | LearningSynapses) -> str:
    return f"{type(group.sign).__name__} {span(group.weight)}, exponent {group.exponent}"
