"""Lava: `LIF`, the floating-point model of the process of that name, for a network with `dt=1.0`.

    layer = Population(lava.LIF(du=0.25, dv=0.125, vth=2.0), 128)

Its integers are what `lower` makes, with `snn.chips.loihi` for the cells of Loihi 1 and 2.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._types import as_number, check
from ..neurons.cuba import CubaLIF
from ..neurons.recursions import EulerDecay
from ._refuse import refuse, refused_names

_REASONS = {
    **dict.fromkeys(("u", "v"), "where a state starts; give Population(init={'v': ..., 'i': ...})"),
    "bias_exp": "an exponent of the bias in integers: give bias_mant * 2**bias_exp as bias_mant",
    "shape": "which is the number of neurons of the Population",
    **dict.fromkeys(("name", "log_config"), "which belongs to Lava's processes"),
}


def _tau(decay: Any, name: str) -> Array:
    """The time constant in steps of a decay of `decay` a step; infinite without decay."""
    decay = as_number(decay)
    check(lambda: (decay >= 0) & (decay <= 1), f"{name} is {decay}; expected a decay a step from 0 to 1.")
    with jax.ensure_compile_time_eval():
        return 1.0 / jnp.abs(decay)


def LIF(
    *, du: Any = 0.0, dv: Any = 0.0, bias_mant: Any = 0.0, vth: Any = 10.0, dt: float = 1.0, **others: Any
) -> CubaLIF:
    """`u <- (1 - du) u + x`, `v <- (1 - dv) v + u + bias`, a spike where `v > vth`, and then `v <- 0`.

    **Arguments:** `du`, `dv`: decays a step. `bias_mant`: a constant current. `dt`: the time step of the network, ms.
    """
    refuse("lava.LIF", others, _REASONS)
    with jax.ensure_compile_time_eval():
        tau_syn, tau = _tau(du, "lava.LIF.du") * dt, _tau(dv, "lava.LIF.dv") * dt
    return CubaLIF(tau_syn=tau_syn, tau=tau, bias=bias_mant, v_th=vth, decay=EulerDecay())


_CHIP = "of Loihi 2's integer cells; see snn.chips.loihi"
__getattr__ = refused_names(
    "snn.presets.lava",
    {
        "TernaryLIF": f"{_CHIP} (TernaryCells)",
        "LIFReset": f"{_CHIP} (ResetCells)",
        "LIFRefractory": "LIF(...) with a refractory period: snn.CubaLIF(t_ref=...)",
        "LearningLIF": "a LIF that a rule reads; give the Connection a rule",
        "SigmaDelta": f"{_CHIP} (SigmaDeltaCells)",
        "RFZero": f"{_CHIP} (PhaseCells)",
        "RF": f"{_CHIP} (ResonatorCells)",
    },
)
