"""What a neuro core and a chip have room for."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """Of a target called `name`.

    `cells`, `synapse_bits`, `in_axons`, `out_axons`, `accumulators`, `profiles`: of a core. `cores`: of a chip.
    `refractory`: the longest, steps.
    """

    name: str
    cells: int
    synapse_bits: int
    in_axons: int
    out_axons: int
    accumulators: int
    profiles: int
    cores: int
    refractory: int
