"""A summary of a concrete program, as text; also of one that was written by hand or read from a file."""

from __future__ import annotations

from .program import Program
from .proofs import bounds


def summary(program: Program) -> str:
    """Cells with bounds of their registers, then synapses: class, count, format, delay, rule."""
    lines = [f"program, dt = {program.dt:g} ms, {program.ring.slots - 1} step(s) of delay at most"]
    bound = bounds(program)
    for name, cells in program.cells.items():
        lines.append(f"  {name}: {cells.n} {cells.describe()}")
        if name in bound:
            proved = {key: one.proved for key, one in bound[name].items()}
            held = ", ".join(f"{key} {one.low:.0f} .. {one.high:.0f}" for key, one in bound[name].items())
            failed = ", ".join(key for key, yes in proved.items() if not yes)
            lines.append(f"    {held}; {f'not proved: {failed}' if failed else 'all proved'}")
    for name, group in program.synapses.items():
        first, *more = group.describe()
        lines.append(f"  {name}: {group.pre} -> {group.post}, {first}")
        lines += [f"    {line}" for line in more]
    return "\n".join(lines)
