"""snnTorch's surrogate gradients, as functions of `v - threshold`."""

from __future__ import annotations

from typing import Any

from ...neurons.surrogates import ATan, FastSigmoid, Sigmoid, StraightThrough
from .._refuse import refused_names


def atan(alpha: Any = 2.0) -> ATan:
    """Arctangent: the default of every neuron."""
    return ATan(alpha)


def fast_sigmoid(slope: Any = 25.0) -> FastSigmoid:
    """`1 / (1 + slope |v - threshold|)^2`."""
    return FastSigmoid(slope)


def sigmoid(slope: Any = 25.0) -> Sigmoid:
    """The derivative of a logistic function."""
    return Sigmoid(slope)


def straight_through_estimator() -> StraightThrough:
    """1 everywhere."""
    return StraightThrough()


__getattr__ = refused_names(
    "snn.presets.snntorch.surrogate",
    {
        "triangular": "its slope changes sign at threshold (snnTorch 1.0); use snn.surrogates.Triangle",
        "LSO": "it is another function than its documentation says (snnTorch 1.0)",
        "SSO": "a stochastic operator; no surrogate here draws numbers",
        "SFS": "a stochastic operator; no surrogate here draws numbers",
        "spike_rate_escape": "its slope is another function than that of a threshold; use snn.EscapeLIF",
        "heaviside": "a threshold without a surrogate; leave the parameters out of wrt=",
        "custom_surrogate": "a subclass of snn.surrogates.AbstractSurrogate with a slope of your own",
    },
)
