"""Pair-based spike-timing-dependent plasticity."""

from __future__ import annotations

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import Checked, Param, param
from .base import AbstractRule, Bounds
from .bounds import power
from .traces import NearestTrace, SpikeTrace


class AbstractDependence(Checked):
    """How a change depends on the weight, and the range of weights for which it is defined."""

    @abc.abstractmethod
    def plus(self, w: Float[Array, "..."]) -> Float[Array, "..."]:
        """The factor of `a_plus`."""

    @abc.abstractmethod
    def minus(self, w: Float[Array, "..."]) -> Float[Array, "..."]:
        """The factor of `a_minus`."""

    def bounds(self) -> Bounds:
        """The smallest and the largest weight for which it is defined."""
        return None, None


class Additive(AbstractDependence):
    """No dependence: weights run to their bounds (Song, Miller and Abbott 2000). Add a `Bound`."""

    def plus(self, w):
        return jnp.ones_like(w)

    def minus(self, w):
        return jnp.ones_like(w)


class Guetig(AbstractDependence):
    """`plus = w_max (1 - w/w_max)^mu_plus`, `minus = w_max (w/w_max)^mu_minus`; `mu = 1` is the multiplicative rule.

    Weights are clipped to 0 .. `w_max`. NEST's `stdp_synapse` with `a_plus = lambda`,
    `a_minus = alpha lambda`.

    **Arguments:** `w_max`: unit of the weight. `mu_plus`, `mu_minus`: exponents; 0: additive, 1: multiplicative.

    **Reference:** Guetig et al., J. Neurosci. 23:3697 (2003).
    """

    w_max: Param = param(1.0, unit="weight", gt=0.0)
    mu_plus: Param = param(1.0, unit="1", ge=0.0)
    mu_minus: Param = param(1.0, unit="1", ge=0.0)

    def plus(self, w):
        return self.w_max * power(1.0 - w / self.w_max, self.mu_plus)

    def minus(self, w):
        return self.w_max * power(w / self.w_max, self.mu_minus)

    def bounds(self):
        return 0.0, self.w_max


class PowerLaw(AbstractDependence):
    """`plus = w_0 (w/w_0)^mu`, `minus = w`: strong synapses grow less, in proportion.

    Weights are clipped to at least 0. NEST's `stdp_pl_synapse_hom` with
    `a_plus = lambda`, `a_minus = alpha lambda`, `w_0 = 1`.

    **Arguments:** `w_0`: reference weight. `mu`: exponent of growth.

    **Reference:** Morrison, Aertsen and Diesmann, Neural Computation 19:1437 (2007).
    """

    w_0: Param = param(1.0, unit="weight", gt=0.0)
    mu: Param = param(0.4, unit="1", ge=0.0)

    def plus(self, w):
        return self.w_0 * power(w / self.w_0, self.mu)

    def minus(self, w):
        return w

    def bounds(self):
        return 0.0, None


class AbstractPairs(eqx.Module):
    """Which pairs of spikes count."""

    @abc.abstractmethod
    def trace(self, tau: Array) -> SpikeTrace | NearestTrace:
        """The trace that counts them."""


class AllPairs(AbstractPairs):
    """Every spike of one neuron pairs with every earlier one of the other."""

    def trace(self, tau):
        return SpikeTrace(tau)


class NearestNeighbour(AbstractPairs):
    """Every spike pairs with the latest one of the other neuron only (NEST's `stdp_nn_symm_synapse`)."""

    def trace(self, tau):
        return NearestTrace(tau)


class PairSTDP(AbstractRule):
    """Pairs of spikes: `dw = a_plus f_plus(w) x` at a postsynaptic spike, `-a_minus f_minus(w) y` at a presynaptic one.

    NEST: `stdp_synapse`. `x`, `y`: presynaptic and postsynaptic traces with `tau_plus` and `tau_minus`: a pair that is
    `dt` apart changes the weight by `a exp(-|dt| / tau)`.

    **Arguments:** `a_plus`, `a_minus`: unit of the weight (with a `dependence` on the weight: per unit of it); both
    negative for an anti-Hebbian rule. `tau_plus`, `tau_minus`: ms, shape `()` or one number per neuron of that side.
    `dependence`: `Additive`, `Guetig` or `PowerLaw`. `pairs`: `AllPairs` or `NearestNeighbour`.

    **References:** Song, Miller and Abbott, Nat. Neurosci. 3:919 (2000); Morrison, Diesmann and Gerstner, Biol. Cybern.
    98:459 (2008).
    """

    a_plus: Param = param(0.01, unit="weight")
    a_minus: Param = param(0.0105, unit="weight")
    tau_plus: Param = param(20.0, unit="ms", gt=0.0)
    tau_minus: Param = param(20.0, unit="ms", gt=0.0)
    dependence: AbstractDependence = eqx.field(default_factory=Additive)
    pairs: AbstractPairs = eqx.field(default_factory=AllPairs)

    def pre_traces(self):
        return {"x": self.pairs.trace(self.tau_plus)}

    def post_traces(self):
        return {"y": self.pairs.trace(self.tau_minus)}

    def on_pre(self, w, s):
        return -self.a_minus * self.dependence.minus(w) * s.post.y

    def on_post(self, w, s):
        return self.a_plus * self.dependence.plus(w) * s.pre.x

    def bounds(self):
        return self.dependence.bounds()
