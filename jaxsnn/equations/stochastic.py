"""Integrators of stochastic equations `dx = f dt + sum g_k dW_k`, as Brian2 defines them."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from typing import Any

from jaxtyping import Array

from ..neurons.integrators import AbstractIntegrator

State = dict[str, Array]
Drift = Callable[[State], State]
Diffusion = Callable[[State], list[State]]  # of each noise, by variable


class AbstractStochastic(AbstractIntegrator):
    """Takes `dx = f dt + sum g_k dW_k` over a step, given the increments `dW_k`: normal, with variance `dt`."""

    joint = False
    adaptive = False
    stable = math.inf

    @abc.abstractmethod
    def step(self, f: Drift, g: Diffusion, x: State, dw: list[Array], dt: Any) -> State:
        """The variables at the end of the step."""

    def __call__(self, flow, y, dt):
        raise ValueError(
            f"{type(self).__name__}() integrates noise, and these equations have none; expected xi in one."
        )


def _plus(x: State, *terms: tuple[Any, State]) -> State:
    return {name: x[name] + sum(c * k[name] for c, k in terms) for name in x}


class EulerMaruyama(AbstractStochastic):
    """`x + dt f(x) + g(x) dW`, for additive noise: Brian2's `euler`."""

    def step(self, f, g, x, dw, dt):
        return _plus(x, (dt, f(x)), *zip(dw, g(x), strict=True))


class Milstein(AbstractStochastic):
    """Ito's solution for noise that depends on the variable, one noise a variable: Brian2's `milstein`.

    `x + dt f + g dW + (g(x + dt f + sqrt(dt) g) - g) dW^2 / (2 sqrt(dt))`, without a derivative of `g`.
    """

    def step(self, f, g, x, dw, dt):
        drift, diffusion, root = f(x), g(x), dt**0.5
        new = _plus(x, (dt, drift))
        for k, (own, increment) in enumerate(zip(diffusion, dw, strict=True)):
            support = g(_plus(x, (dt, drift), (root, own)))[k]
            square = increment**2 / (2.0 * root)
            new = _plus(new, (increment, own), (square, support), (-square, own))
        return new


class Heun(AbstractStochastic):
    """Stratonovich's solution for any noise: `x + dt f + dW (g(x) + g(x + g dW)) / 2`, Brian2's `heun`."""

    def step(self, f, g, x, dw, dt):
        new = _plus(x, (dt, f(x)))
        for k, (own, increment) in enumerate(zip(g(x), dw, strict=True)):
            support = g(_plus(x, (increment, own)))[k]
            new = _plus(new, (0.5 * increment, own), (0.5 * increment, support))
        return new
