"""What a chip has room for: limits as data."""

from __future__ import annotations

import equinox as eqx

from .cells import CubaCells, InputCells
from .cores import Core, LavaCore
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

    @property
    def name(self) -> str:
        """As users write it."""
        return type(self).__name__


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
