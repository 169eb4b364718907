"""Lava: `LIF`, `RF`, `RF_IZ`, the floating-point models of the processes of these names, for a network with `dt=1.0`.

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
from ..neurons.resonate import AbstractFiringPhase, AtPhaseZero, AtThreshold, ResonateAndFire
from ._refuse import refuse, refused_names

_REASONS = {
    **dict.fromkeys(("u", "v"), "where a state starts; give Population(init={'v': ..., 'i': ...})"),
    "bias_exp": "an exponent of the bias in integers: give bias_mant * 2**bias_exp as bias_mant",
    "shape": "which is the number of neurons of the Population",
    **dict.fromkeys(("state_exp", "decay_bits"), "a number of bits: lower(net, Loihi2()) chooses them"),
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


def RF(*, period: Any, alpha: Any, vth: Any = 1.0, dt: float = 1.0, **others: Any) -> ResonateAndFire:
    """`z <- (1 - alpha) e^(2 pi i / period) z + x`, a spike where `Re z >= vth` as `Im z` passes 0 upward.

    **Arguments:** `period`: of a turn, steps. `alpha`: the share of `z` that a step takes away, 0 to 1. `vth`: the
    threshold. `dt`: the time step of the network, ms.
    """
    refuse("lava.RF", others, _REASONS)
    return _resonator("lava.RF", period, alpha, vth, dt, AtPhaseZero())


def RF_IZ(*, period: Any, alpha: Any, vth: Any = 1.0, dt: float = 1.0, **others: Any) -> ResonateAndFire:
    """As `RF`, but a spike where `Im z >= vth`; then `z <- i vth` (Lava: `i (vth - 0.00001)`).

    **Arguments:** as of `RF`.
    """
    refuse("lava.RF_IZ", others, _REASONS)
    return _resonator("lava.RF_IZ", period, alpha, vth, dt, AtThreshold())


def _resonator(name: str, period: Any, alpha: Any, vth: Any, dt: float, firing: AbstractFiringPhase) -> ResonateAndFire:
    alpha = as_number(alpha)
    check(lambda: (alpha >= 0) & (alpha < 1), f"{name}.alpha is {alpha}; expected a share of 0 to 1, without 1.")
    with jax.ensure_compile_time_eval():
        tau, period = -dt / jnp.log1p(-alpha), as_number(period) * dt
    return ResonateAndFire(period=period, tau=tau, v_th=vth, firing=firing)


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
    },
)
