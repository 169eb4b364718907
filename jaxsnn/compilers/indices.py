"""The places that the indices of a gather or scatter name: single elements, or rows of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jax.lax import GatherScatterMode

from .program import Atom, Op
from .shapes import mapped, strides_of


class Indices:
    """The place in an operand of element `i` of what is gathered or scattered, and whether it is inside."""

    def __init__(
        self,
        op: Op,
        operand: Atom,
        window: Sequence[int],
        sizes: Sequence[int],
        axes: Sequence[int],
        mode: GatherScatterMode,
    ):
        """`window`: axes of the moved array that run along slices; `sizes`: of the slice along every axis of the
        operand; `axes`: those that an index names, in the order of its parts.
        """
        moved = op.outs[0].shape if op.name == "gather" else op.ins[2].shape
        self.operand, self.axes, self.sizes = operand, axes, sizes
        # a promise that indices are inside is not relied on: as in XLA, reads are clipped and writes dropped
        self.drops = mode == GatherScatterMode.FILL_OR_DROP or (
            mode == GatherScatterMode.PROMISE_IN_BOUNDS and op.name != "gather"
        )
        batch = [axis for axis in range(len(moved)) if axis not in window]
        self.index = lambda i, part: mapped(i, moved, self._steps(moved, batch, len(axes)), part)
        inside = [axis for axis in range(len(sizes)) if axis not in self._collapsed(op)]
        dense, steps = strides_of(operand.shape), [0] * len(moved)
        for own, axis in zip(window, inside, strict=True):
            steps[own] = dense[axis]
        self.within = lambda i: mapped(i, moved, steps)
        self.dense = dense

    @staticmethod
    def _collapsed(op: Op) -> Sequence[int]:
        numbers = op.params["dimension_numbers"]
        return numbers.collapsed_slice_dims if op.name == "gather" else numbers.inserted_window_dims

    @staticmethod
    def _steps(moved: Sequence[int], batch: Sequence[int], parts: int) -> list[int]:
        steps, step = [0] * len(moved), parts
        for axis in reversed(batch):
            steps[axis], step = step, step * moved[axis]
        return steps

    def lines(self, i: str, index: Callable[[str], str], names: Callable[[str], str]) -> tuple[list[str], str, str]:
        """Statements, the place, and the condition that it is inside (or "")."""
        lines, terms, inside = [], [self.within(i)], []
        for part, axis in enumerate(self.axes):
            name, most = names("q"), self.operand.shape[axis] - self.sizes[axis]
            lines.append(f"const int64_t {name} = {index(self.index(i, part))};")
            if self.drops:
                inside.append(f"(uint64_t){name} <= {most}")
            else:
                lines.append(f"const int64_t {name}c = {name} < 0 ? 0 : {name} > {most} ? {most} : {name};")
                name += "c"
            terms.append(f"{name} * {self.dense[axis]}" if self.dense[axis] > 1 else name)
        return lines, " + ".join(term for term in terms if term != "0") or "0", " && ".join(inside)
