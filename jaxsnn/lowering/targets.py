"""What a chip has room for: limits as data."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import numpy as np

from .._types import is_concrete
from ..models import known
from .cells import CubaCells, InputCells
from .cores import Core, LavaCore
from .fixed import whole
from .kinds import is_a
from .loihi2.graded import GradedCells, GradedReluCells, ProductCells
from .loihi2.leaky import AdaptiveCells, ResetCells, TernaryCells
from .loihi2.resonate import IzhikevichResonatorCells, PhaseCells, ResonatorCells
from .loihi2.sigma_delta import DeltaCells, SigmaCells, SigmaDeltaCells

_LOIHI1 = (InputCells, CubaCells)
_LOIHI2 = (
    *(*_LOIHI1, TernaryCells, ResetCells, AdaptiveCells, GradedCells, GradedReluCells, ProductCells),
    *(DeltaCells, SigmaCells, SigmaDeltaCells, ResonatorCells, IzhikevichResonatorCells, PhaseCells),
)


class AbstractTarget(eqx.Module):
    """A chip: the arithmetic of its cores, and limits. Static whole numbers; give others for a chip of your own.

    `cells`, `synapse_bits`, `in_axons`, `out_axons`, `accumulators`, `profiles`: of a core. `cores`: of a chip.
    `delay`, `refractory`: the longest, steps. `kinds`: of cells. `message_bits`: of a spike; 0: it has no amplitude.
    """

    core: eqx.AbstractVar[Core]
    cells: eqx.AbstractVar[int]
    synapse_bits: eqx.AbstractVar[int]
    in_axons: eqx.AbstractVar[int]
    out_axons: eqx.AbstractVar[int]
    accumulators: eqx.AbstractVar[int]
    profiles: eqx.AbstractVar[int]
    cores: eqx.AbstractVar[int]
    delay: eqx.AbstractVar[int]
    refractory: eqx.AbstractVar[int]
    kinds: eqx.AbstractVar[tuple[type, ...]]
    message_bits: eqx.AbstractVar[int]

    def __check_init__(self):
        if not isinstance(self.core, Core):
            raise ValueError(f"{self.name}.core is {self.core!r}; expected a Core such as LavaCore().")
        sizes = ("cells", "synapse_bits", "in_axons", "out_axons", "accumulators", "profiles", "cores", "refractory")
        whole(self, **dict.fromkeys(sizes, 1), delay=0, message_bits=0)

    @property
    def name(self) -> str:
        """As users write it."""
        return type(self).__name__

    def unsupported(self, cells: dict[str, Any], synapses: dict[str, Any], core: Core) -> str | None:
        """What of a program's parts this chip does not have, by name; None where it has all. Traced numbers pass."""
        for name, part in {**cells, **synapses}.items():
            try:
                checked_again(part)
            except ValueError as error:
                return f"{name!r}: {str(error).rstrip('.')}"
        for name, group in cells.items():
            kind = type(group).__name__
            if not is_a(group, *self.kinds):
                have = known(each.__name__ for each in self.kinds)
                return f"{name!r} is {kind}, which {self.name} does not have; it has {have}"
            if group.message_bits > self.message_bits:
                return (
                    f"{name!r} ({kind}) sends amplitudes of {group.message_bits} bits; spikes of {self.name} have "
                    f"{self.message_bits}"
                )
            held = group.refractory if isinstance(group, CubaCells) else 1
            if is_concrete(held) and np.max(np.asarray(held)) > self.refractory:
                longest = np.max(np.asarray(held))
                return f"{name!r} is refractory for {longest} steps; the most on {self.name} is {self.refractory}"
        for name, group in synapses.items():
            if group.max_delay > self.delay:
                return f"{name!r} has delays up to {group.max_delay} steps; {self.name} has {self.delay}"
            for of in (core, self.core):
                if (why := group.misfit(of)) is not None:
                    return f"{name!r} has {why}"
        return None


def checked_again(part: Any) -> None:
    """Whatever is checked when parts are built, of numbers that were traced then, or were put in later."""
    if isinstance(part, eqx.Module):
        for kind in type(part).__mro__:
            if "__check_init__" in vars(kind):
                vars(kind)["__check_init__"](part)
        for field in dataclasses.fields(part):
            checked_again(getattr(part, field.name, None))
    elif isinstance(part, (tuple, list, dict)):
        for each in part.values() if isinstance(part, dict) else part:
            checked_again(each)


class Loihi1(AbstractTarget):
    """Loihi: 128 cores of 1 024 cells, 128 KB of synapses and 4 096 axons in and out (Davies et al. 2018; nengo-loihi).

    `core`: `Loihi1Core()`, or an emulator's: `LavaCore()`, `NengoLoihiCore()`, `Brian2LoihiCore()`.
    """

    core: Core = eqx.field(default_factory=Core)
    cells: int = eqx.field(default=1024, static=True)
    synapse_bits: int = eqx.field(default=16384 * 64, static=True)
    in_axons: int = eqx.field(default=4096, static=True)
    out_axons: int = eqx.field(default=4096, static=True)
    accumulators: int = eqx.field(default=8192, static=True)
    profiles: int = eqx.field(default=32, static=True)
    cores: int = eqx.field(default=128, static=True)
    delay: int = eqx.field(default=62, static=True)
    refractory: int = eqx.field(default=63, static=True)
    kinds: tuple[type, ...] = eqx.field(default=_LOIHI1, static=True)
    message_bits: int = eqx.field(default=0, static=True)


class Loihi2(AbstractTarget):
    """Loihi 2: 128 cores of 8 192 cells with about 192 KB (secondary sources; no public document has all limits).

    The arithmetic is Lava's, which calls itself bit-accurate. Axons are those of Loihi 1, as nothing else is public.

    `lower` makes `CubaCells` of a network, as for Loihi: none of the other kinds (`kinds`; graded spikes, sigma-delta,
    resonators, an adaptive threshold whose spikes do not reset) is the recursion of a neuron of this library. They are
    for programs that are written by hand, which `program.verify(Loihi2())` checks.
    """

    core: Core = eqx.field(default_factory=lambda: LavaCore())
    cells: int = eqx.field(default=8192, static=True)
    synapse_bits: int = eqx.field(default=192 * 1024 * 8, static=True)
    in_axons: int = eqx.field(default=4096, static=True)
    out_axons: int = eqx.field(default=4096, static=True)
    accumulators: int = eqx.field(default=65536, static=True)
    profiles: int = eqx.field(default=8192, static=True)
    cores: int = eqx.field(default=128, static=True)
    delay: int = eqx.field(default=62, static=True)
    refractory: int = eqx.field(default=63, static=True)
    kinds: tuple[type, ...] = eqx.field(default=_LOIHI2, static=True)
    message_bits: int = eqx.field(default=32, static=True)
