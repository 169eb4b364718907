"""How a tool steps what NIR says in continuous time: NIR has no time step, no solver, and one kind of reset.

from_nir("classifier.nir", convention=conventions.SnnTorch())
"""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import numpy as np

from ..._arguments import shown
from ..._choices import Chosen
from ...neurons.recursions import AbstractDecay, EulerDecay, ExactDecay
from ...neurons.resets import AbstractReset, AbstractResetTime, NextStep, SameStep, Subtract, ToValue
from ...neurons.thresholds import AbstractComparator, Greater, GreaterEqual
from . import spyx
from .flat import Flat

__all__ = ["Convention", "Lava", "Nir", "Norse", "Rockpool", "Sinabs", "SnnTorch", "SpikingJelly", "Spyx"]


class Convention(Chosen):
    """A time step, and what a neuron of a graph does in it.

    In a step of `dt`, a membrane of `tau dv/dt = v_leak - v + r x` goes to `v + (a - 1) (v - v_leak) + g x`, where `x`
    is what arrives in the step and `g` is `r dt/tau`; a current of `tau_syn dI/dt = -I + w_in x` likewise, before the
    membrane sees it. A neuron fires where `v > v_threshold`. A subclass for another tool may replace each gain.

    **Arguments:**

    - `dt`: the time step, in the unit of the graph, static.
    - `unit`: ms in one unit of the graph's times: 1000 for seconds, static.
    - `decay`: `a` is `1 - dt/tau` by `EulerDecay()` (what most tools do), `exp(-dt/tau)` by `ExactDecay()`.
    - `reset_mechanism`, `reset_time`, `comparator`: NIR's are `ToValue()` in the `SameStep()` and `Greater()`.
    - `late`: the steps after which a spike of `LIF`, `IF` or `CubaLIF` is sent, static: connections have it as a delay.
    """

    dt: float = eqx.field(static=True)
    unit: float = eqx.field(default=1e3, static=True)
    decay: AbstractDecay = EulerDecay()
    reset_mechanism: AbstractReset = ToValue()
    reset_time: AbstractResetTime = SameStep()
    comparator: AbstractComparator = Greater()
    late: int = eqx.field(default=0, static=True)

    def __check_init__(self):
        if isinstance(self.late, bool) or not isinstance(self.late, int) or self.late < 0:
            raise ValueError(f"{type(self).__name__}.late is {shown(self.late)}, expected a number of steps.")
        for name in ("dt", "unit"):
            given = getattr(self, name)
            if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < math.inf:
                raise ValueError(f"{type(self).__name__}.{name} is {shown(given)}, expected a positive number.")

    @property
    def dt_ms(self) -> float:
        """The time step of the network, ms."""
        return float(f"{self.dt * self.unit:.12g}")  # 1e-4 s is 0.1 ms

    def membrane_gain(self, r: Any, tau: Any) -> Any:
        """What a unit of input adds to the membrane of `LIF`, `LI`, `CubaLIF`, `CubaLI`; `tau` in units of `dt`."""
        return r / tau

    def current_gain(self, w_in: Any, tau_syn: Any) -> Any:
        """What a unit of input adds to the current of `CubaLIF`, `CubaLI`; `tau_syn` in units of `dt`."""
        return w_in / tau_syn

    def integrator_gain(self, r: Any) -> Any:
        """What a unit of input adds to the membrane of `IF`, `I`."""
        return r * self.dt

    def reset_time_of(self, *, current: bool, looped: bool) -> AbstractResetTime:
        """When a neuron is reset that has a `current` of its own, or whose spikes are `looped` straight back to it."""
        return self.reset_time

    def meant(self, flat: Flat) -> Flat:
        """What the tool means by a graph that it wrote, where that is not what the graph says."""
        return flat

    def written(self, nodes: dict[str, Any], edges: list[tuple[str, str]]) -> dict[str, Any]:
        """The nodes with which the tool means what is to be written: the inverse of `meant`."""
        return nodes

    def written_r(self, tau: Any) -> Any:
        """The `r` that `to_nir` writes: that of a gain of 1, so that weights stay what they are."""
        return 1.0 / self.membrane_gain(1.0, tau)

    def written_current(self, tau: Any, tau_syn: Any) -> tuple[Any, Any]:
        """The `r` and `w_in` that `to_nir` writes of a neuron with a current: of gains of 1."""
        return 1.0 / self.membrane_gain(1.0, tau), 1.0 / self.current_gain(1.0, tau_syn)


class Nir(Convention):
    """NIR's own reset, forward Euler, times in seconds. Written with `r = 1`, as Norse takes no other."""

    dt: float = eqx.field(default=1e-3, static=True)

    def written_r(self, tau):
        return np.ones_like(tau)


class SnnTorch(Convention):
    """snnTorch 1.0: times in seconds with `dt = 1e-4`, resets by subtraction in the next step, as its neurons do.

    A graph does not say so: give `reset_mechanism=ToValue()` for neurons with `reset_mechanism="zero"`. Of those,
    `RLeaky`, `Synaptic` and `RSynaptic` are set to zero after the leak and the input of the next step, which are lost;
    `Leaky` before them, so that its spikes are those of `SameStep()`, which it has here. What snnTorch itself makes of
    a graph has `ToValue()` and `SameStep()`.
    """

    dt: float = eqx.field(default=1e-4, static=True)
    reset_mechanism: AbstractReset = Subtract()
    reset_time: AbstractResetTime = NextStep()

    def reset_time_of(self, *, current, looped):
        leaky = not current and not looped
        return SameStep() if leaky and isinstance(self.reset_mechanism, ToValue) else self.reset_time


class Norse(Convention):
    """Norse 1.1, whose graphs have `dt / tau_mem_inv` where a time constant is expected: one unit is `1 / dt` seconds.

    Its `LIFCell` and `IAFCell` add what arrives whole. Norse reads other graphs than it writes: for those that it is to
    read, take `Nir(dt=1e-3)`. **Arguments:** `dt`, `unit`: of Norse's `dt = 1e-3` s.
    """

    dt: float = eqx.field(default=1e-6, static=True)
    unit: float = eqx.field(default=1e6, static=True)

    def current_gain(self, w_in, tau_syn):
        return w_in

    def integrator_gain(self, r):
        return r


class SpikingJelly(Convention):
    """SpikingJelly 2.0: times in seconds with `dt = 1e-4`, resets to `v_reset`, a spike where `v >= v_threshold`."""

    dt: float = eqx.field(default=1e-4, static=True)
    comparator: AbstractComparator = GreaterEqual()


class Sinabs(Convention):
    """Sinabs 3.1 with `SingleSpike`: times in steps of 1 ms, exact decays, resets by subtraction of the threshold.

    Its default, several spikes of a neuron in one step, has no counterpart here.
    """

    dt: float = eqx.field(default=1.0, static=True)
    unit: float = eqx.field(default=1.0, static=True)
    decay: AbstractDecay = ExactDecay()
    reset_mechanism: AbstractReset = Subtract()
    comparator: AbstractComparator = GreaterEqual()

    def membrane_gain(self, r, tau):
        return -r * np.expm1(-1.0 / tau)

    def integrator_gain(self, r):
        return r


class Rockpool(Convention):
    """Rockpool 3.1: times in seconds, exact decays, resets by subtraction. **Arguments:** `dt`: that of its modules.

    Rockpool reads `dt` from `r` and has gains of its own, with which graphs are written; several spikes of a neuron in
    one step, which it then has, have no counterpart here.
    """

    dt: float = eqx.field(default=1e-3, static=True)
    decay: AbstractDecay = ExactDecay()
    reset_mechanism: AbstractReset = Subtract()

    def current_gain(self, w_in, tau_syn):
        return w_in * np.exp(-1.0 / tau_syn)

    def written_current(self, tau, tau_syn):
        return tau - 1.0, tau / (tau - 1.0)


class Lava(Convention):
    """Lava and Lava-DL, as the scripts of NIR write and read it: times in seconds with `dt = 1e-4`, resets to 0.

    Lava's own run has each layer's spikes a step later, as every process of Lava takes one.
    """

    dt: float = eqx.field(default=1e-4, static=True)


class Spyx(Convention):
    """Spyx 1.0: times in steps of 1 ms, resets by subtraction; it reads no resistances, an input is added whole.

    A spike is sent a step after its membrane crossed the threshold, `late = 1`: what Spyx returns for an output are our
    spikes, one step later. Images are channels last there: weights behind a `Flatten` are put in NIR's order. What
    comes into a recurrent layer goes past its recurrent weights, through which the graph leads it.
    **Arguments:** `dt`: that of Spyx's `to_nir`.
    """

    dt: float = eqx.field(default=1.0, static=True)
    unit: float = eqx.field(default=1.0, static=True)
    reset_mechanism: AbstractReset = Subtract()
    reset_time: AbstractResetTime = NextStep()
    late: int = eqx.field(default=1, static=True)

    def membrane_gain(self, r, tau):
        return np.ones(np.shape(tau))

    def current_gain(self, w_in, tau_syn):
        return np.ones(np.shape(tau_syn))

    def integrator_gain(self, r):
        return np.ones(np.shape(r))

    def reset_time_of(self, *, current, looped):
        return SameStep() if current else self.reset_time

    def meant(self, flat):
        return spyx.meant(flat)

    def written(self, nodes, edges):
        return spyx.written(nodes, edges)


def as_convention(given: Any) -> Convention:
    """A convention, or one error."""
    if isinstance(given, Convention):
        return given
    raise ValueError(f"Got convention = {shown(given)}, expected one such as interop.conventions.SnnTorch().")
