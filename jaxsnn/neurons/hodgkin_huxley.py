"""Hodgkin and Huxley's equations, with the rate functions of 1952 and those of Traub and Miles."""

import abc
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._linear import phi
from .._types import Param, Requirement, param
from .integrators import ExponentialEuler
from .ode import AbstractODE

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar

# --- when an action potential counts as a spike -----------------------------------------------------------------------


class AbstractSpikeDetector(eqx.Module):
    """Whether a step in which the membrane went from `before` to `v` has a spike."""

    @abc.abstractmethod
    def __call__(self, before: Array, v: Array, v_th: Array) -> Bool[Array, "..."]: ...


class UpwardCrossing(AbstractSpikeDetector):
    """`before < v_th <= v`: the threshold is crossed from below."""

    def __call__(self, before, v, v_th):
        return (before < v_th) & (v >= v_th)


class PeakDetector(AbstractSpikeDetector):
    """`v >= v_th` and `v < before`: just after the peak (NEST)."""

    def __call__(self, before, v, v_th):
        return (v >= v_th) & (v < before)


class AboveThreshold(AbstractSpikeDetector):
    """`v > v_th`: in every step that is not refractory (Brian2's `threshold='v > ...'`)."""

    def __call__(self, before, v, v_th):
        return v > v_th


# --- the membrane -----------------------------------------------------------------------------------------------------


class Rates(NamedTuple):
    """Opening and closing rates of the three gates, 1/ms."""

    open_m: Array
    close_m: Array
    open_h: Array
    close_h: Array
    open_n: Array
    close_n: Array


_LARGEST = 80.0  # of exponents: beyond, rates are 0 or overflow, and infinity times 0 would be their derivative


def _phi(y: Array) -> Array:
    return phi(jnp.minimum(y, _LARGEST))


def _exp(y: Array) -> Array:
    return jnp.exp(jnp.minimum(y, _LARGEST))


class AbstractHodgkinHuxley(AbstractODE):
    """`C dv/dt = g_na m^3 h (e_na - v) + g_k n^4 (e_k - v) + g_l (e_l - v) + I`, each gate `x' = open (1-x) - close x`.

    There is no reset. A refractory period suppresses only the spike; the membrane and the gates integrate on.
    """

    variables = ("v", "m", "h", "n")
    ranges = MappingProxyType({"m": (0.0, 1.0), "h": (0.0, 1.0), "n": (0.0, 1.0)})

    c: AbstractVar[Array]
    g_na: AbstractVar[Array]
    g_k: AbstractVar[Array]
    g_l: AbstractVar[Array]
    e_na: AbstractVar[Array]
    e_k: AbstractVar[Array]
    e_l: AbstractVar[Array]
    v0: AbstractVar[Array]
    v_th: AbstractVar[Array]
    t_ref: AbstractVar[Array]
    bias: AbstractVar[Array]
    detector: AbstractVar[AbstractSpikeDetector]

    def requirements_at(self, dt):
        longest = 0.5 if self.integrator.adaptive else 0.1 if isinstance(self.integrator, ExponentialEuler) else dt
        return (
            Requirement(
                lambda: dt <= longest * (1.0 + 1e-6),
                lambda: (
                    f"{type(self).__name__} has upstrokes of 0.2 ms; {type(self.integrator).__name__}() is right up "
                    f"to dt = {longest:g} ms (beyond, it loses spikes without becoming unstable); got dt = {dt:g} ms."
                ),
            ),
        )

    @abc.abstractmethod
    def rates(self, v: Float[Array, "..."]) -> Rates:
        """The rates of the gates at a membrane potential."""

    def beginning(self):
        k = self.rates(self.v0)
        return {
            "v": self.v0,
            "m": k.open_m / (k.open_m + k.close_m),
            "h": k.open_h / (k.open_h + k.close_h),
            "n": k.open_n / (k.open_n + k.close_n),
        }

    def fires(self, s):
        return self.detector(s.before, s.v, self.v_th)

    def flow(self, s, current):
        k = self.rates(s.v)
        ions = self.g_na * s.m**3 * s.h * (self.e_na - s.v) + self.g_k * s.n**4 * (self.e_k - s.v)
        return (
            (ions + self.g_l * (self.e_l - s.v) + self.bias + current) / self.c,
            k.open_m * (1.0 - s.m) - k.close_m * s.m,
            k.open_h * (1.0 - s.h) - k.close_h * s.h,
            k.open_n * (1.0 - s.n) - k.close_n * s.n,
        )

    @property
    def span(self):
        return self.e_na - self.e_k


class HodgkinHuxley(AbstractHodgkinHuxley):
    """The squid axon of 1952, with rest near -65 mV: NEST's `hh_psc_alpha`.

    `C dv/dt = g_na m^3 h (e_na - v) + g_k n^4 (e_k - v) + g_l (e_l - v) + I`. With `phi(x) = (e^x - 1)/x`, which has no
    0/0, the opening rates of `m`, `h`, `n` are `1/phi(-(v+40)/10)`, `0.07 exp(-(v+65)/20)`, `0.1/phi(-(v+55)/10)`, the
    closing rates `4 exp(-(v+65)/18)`, `1/(1 + exp(-(v+35)/10))`, `0.125 exp(-(v+65)/80)`.

    **Arguments**, each of shape `()` or `(n,)`:

    - `c`: pF. `g_na`, `g_k`, `g_l`: nS. `e_na`, `e_k`, `e_l`: mV. `bias`: pA. `v0`: where it starts, gates at rest, mV.
    - `v_th`: where a spike is looked for, mV. `t_ref`: how long no other is, ms.
    - `integrator`: `ExponentialEuler()` (default; steps of at most 0.1 ms, longer ones are refused), `RK4`, `RK2`,
      `RKF45` (at most 0.5 ms). `detector`: `UpwardCrossing`, `PeakDetector`, `AboveThreshold`.
    - `surrogate`: the pseudo-derivative at `v_th`, of the distance `(v - v_th) / (e_na - e_k)`.

    **Reference:** Hodgkin and Huxley, J. Physiol. 117:500 (1952).
    """

    c: Param = param(100.0, unit="pF", gt=0.0, finite=True)
    g_na: Param = param(12000.0, unit="nS", ge=0.0, finite=True)
    g_k: Param = param(3600.0, unit="nS", ge=0.0, finite=True)
    g_l: Param = param(30.0, unit="nS", ge=0.0, finite=True)
    e_na: Param = param(50.0, unit="mV", finite=True)
    e_k: Param = param(-77.0, unit="mV", finite=True)
    e_l: Param = param(-54.402, unit="mV", finite=True)
    v0: Param = param(-65.0, unit="mV", finite=True)
    v_th: Param = param(0.0, unit="mV")
    t_ref: Param = param(2.0, unit="ms", ge=0.0, finite=True)
    bias: Param = param(0.0, unit="pA", finite=True)
    detector: AbstractSpikeDetector = eqx.field(default_factory=UpwardCrossing, kw_only=True)

    def rates(self, v):
        return Rates(
            open_m=1.0 / _phi(-(v + 40.0) / 10.0),
            close_m=4.0 * _exp(-(v + 65.0) / 18.0),
            open_h=0.07 * _exp(-(v + 65.0) / 20.0),
            close_h=1.0 / (1.0 + _exp(-(v + 35.0) / 10.0)),
            open_n=0.1 / _phi(-(v + 55.0) / 10.0),
            close_n=0.125 * _exp(-(v + 65.0) / 80.0),
        )


class TraubMiles(AbstractHodgkinHuxley):
    """Hippocampal pyramidal cell of Traub and Miles, as in Brette et al. (2007): NEST's `hh_cond_exp_traub`.

    The equations are those of `HodgkinHuxley`; with `x = v - v_t` and `phi(y) = (e^y - 1)/y` the opening rates of `m`,
    `h`, `n` are `1.28/phi((13-x)/4)`, `0.128 exp((17-x)/18)`, `0.16/phi((15-x)/5)` and the closing rates
    `1.4/phi((x-40)/5)`, `4/(1 + exp((40-x)/5))`, `0.5 exp((10-x)/40)`. (NEST starts with gates at rest for `x = e_l`.)

    **Arguments**: those of `HodgkinHuxley`, and `v_t`: mV, which shifts all rates.

    **Reference:** Traub and Miles, Neuronal Networks of the Hippocampus (1991); Brette et al., J. Comput. Neurosci.
    23:349 (2007), benchmark 3.
    """

    c: Param = param(200.0, unit="pF", gt=0.0, finite=True)
    g_na: Param = param(20000.0, unit="nS", ge=0.0, finite=True)
    g_k: Param = param(6000.0, unit="nS", ge=0.0, finite=True)
    g_l: Param = param(10.0, unit="nS", ge=0.0, finite=True)
    e_na: Param = param(50.0, unit="mV", finite=True)
    e_k: Param = param(-90.0, unit="mV", finite=True)
    e_l: Param = param(-60.0, unit="mV", finite=True)
    v_t: Param = param(-63.0, unit="mV", finite=True)
    v0: Param = param(-60.0, unit="mV", finite=True)
    v_th: Param = param(-33.0, unit="mV")
    t_ref: Param = param(2.0, unit="ms", ge=0.0, finite=True)
    bias: Param = param(0.0, unit="pA", finite=True)
    detector: AbstractSpikeDetector = eqx.field(default_factory=UpwardCrossing, kw_only=True)

    def rates(self, v):
        x = v - self.v_t
        return Rates(
            open_m=1.28 / _phi((13.0 - x) / 4.0),
            close_m=1.4 / _phi((x - 40.0) / 5.0),
            open_h=0.128 * _exp((17.0 - x) / 18.0),
            close_h=4.0 / (1.0 + _exp((40.0 - x) / 5.0)),
            open_n=0.16 / _phi((15.0 - x) / 5.0),
            close_n=0.5 * _exp((10.0 - x) / 40.0),
        )
