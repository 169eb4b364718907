"""How a nonlinear neuron's equations `dy/dt = flow(y)` are taken over a step: each method a class.

`y` is any pytree of arrays, with one number per neuron: the neuron's variables and, for methods with stages inside the
step, the state of its ports with them.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .._derivatives import without_derivative
from .._linear import grown
from .._types import Checked, Param, param

__all__ = ["RK2", "RK4", "RKF45", "AbstractIntegrator", "Euler", "ExponentialEuler", "SemiImplicitEuler"]

Y = TypeVar("Y")


def _plus(y: Y, *terms: tuple[Any, Y]) -> Y:
    """`y + sum c k` over pairs of a number (or an array with one number per neuron) and a slope."""
    numbers = [c for c, _ in terms]

    def add(y: Array, *slopes: Array) -> Array:
        return y + sum((c * k for c, k in zip(numbers[1:], slopes[1:], strict=True)), numbers[0] * slopes[0])

    return jax.tree.map(add, y, *(k for _, k in terms))


class AbstractIntegrator(Checked):
    """Takes `dy/dt = flow(y)` from the start of a step to its end.

    `joint`: whether ports are integrated along, so that their currents are seen as they are within the step; otherwise
    the neuron is given one current, affine in `v`, for the whole step. `adaptive`: whether it chooses steps of its own,
    of which it remembers the last, and handles spikes inside the step. `stable`: the largest `dt` times a rate at which
    a variable decays by itself for which a step is monotone, so that nothing overshoots; infinite where any step is.
    """

    joint: ClassVar[bool]
    adaptive: ClassVar[bool]
    stable: ClassVar[float]

    @abc.abstractmethod
    def __call__(self, flow: Callable[[Y], Y], y: Y, dt: float) -> Y:
        """`y` at the end of a step of `dt` ms."""


def explicit(integrator: AbstractIntegrator) -> bool:
    """Whether it is stable only for short steps."""
    return not math.isinf(integrator.stable)


def stiffness(flow: Callable[[tuple[Any, Any]], tuple[Any, Any]], y: tuple[Any, Any]) -> Float[Array, "..."]:
    """The fastest rate at which a variable of `y[0]` decays by itself, 1/ms: the largest `-d_x flow_x`."""
    own, along = y
    fastest = jnp.zeros_like(own[0])
    for i, x in enumerate(own):
        rate = lambda x, i=i: flow(((*own[:i], x, *own[i + 1 :]), along))[0][i]
        fastest = jnp.maximum(fastest, -jax.jvp(rate, (x,), (jnp.ones_like(x),))[1])
    return fastest


class Euler(AbstractIntegrator):
    """`y + dt flow(y)`, of order 1: where a published result used it.

    Beyond `dt rate = 1` it overshoots, and makes spikes of its own: such a run is reported (`Status.STIFF`).
    """

    joint = False
    adaptive = False
    stable = 1.0

    def __call__(self, flow, y, dt):
        return _plus(y, (dt, flow(y)))


class SemiImplicitEuler(AbstractIntegrator):
    """Izhikevich's published steps: `v` by Euler, in `substeps` equal parts, then the rest by Euler with the new `v`.

    `SemiImplicitEuler(2)` is the two half steps of his 2003 paper, `SemiImplicitEuler(1)` the program of his 2004
    paper.

    **Arguments:** `substeps`: static.
    """

    substeps: int = eqx.field(default=2, static=True)
    joint = False
    adaptive = False

    def __check_init__(self):
        if not isinstance(self.substeps, int) or self.substeps < 1:
            raise ValueError(f"SemiImplicitEuler.substeps is {self.substeps!r}, expected a positive whole number.")

    @property
    def stable(self) -> float:  # type: ignore[override]
        return 2.0 * self.substeps  # not monotone beyond half of it, where the published patterns go now and then

    def __call__(self, flow, y, dt):
        leaves, structure = jax.tree.flatten(y)  # `v` is the first variable of every neuron
        rates = lambda v: jax.tree.leaves(flow(jax.tree.unflatten(structure, [v, *leaves[1:]])))
        v = leaves[0]
        for _ in range(self.substeps):
            v = v + dt / self.substeps * rates(v)[0]
        rest = [x + dt * k for x, k in zip(leaves[1:], rates(v)[1:], strict=True)]
        return jax.tree.unflatten(structure, [v, *rest])


class ExponentialEuler(AbstractIntegrator):
    """Each variable by the exact solution of its linearisation: `x + dt flow_x phi(dt d_x flow_x)`.

    With `phi(z) = (e^z - 1)/z`. Of order 1, and stable at any step: whatever decays goes to where it is driven and not
    beyond. Where an equation is linear in its own variable, as all of Hodgkin and Huxley's are, this is Brian2's
    `exponential_euler`. `d_x flow_x` is taken by automatic differentiation. Where it is positive, growth in one step is
    bounded by that of `dt d_x flow_x = 5`: an upstroke of `AdEx` is beyond its peak by then, and would else overflow.
    """

    joint = False
    adaptive = False
    stable = math.inf

    def __call__(self, flow, y, dt):
        leaves, structure = jax.tree.flatten(y)

        def advanced(i: int) -> Array:
            rate = lambda x: jax.tree.leaves(flow(jax.tree.unflatten(structure, [*leaves[:i], x, *leaves[i + 1 :]])))[i]
            slope, own = jax.jvp(rate, (leaves[i],), (jnp.ones_like(leaves[i]),))
            return leaves[i] + slope * (dt * grown(own * dt))

        return jax.tree.unflatten(structure, [advanced(i) for i in range(len(leaves))])


class RK2(AbstractIntegrator):
    """Runge and Kutta's second order, by the midpoint: `y + dt flow(y + dt/2 flow(y))` (Brian2's `rk2`).

    Unstable beyond `dt rate = 2`, which is reported (`Status.STIFF`).
    """

    joint = True
    adaptive = False
    stable = 2.0

    def __call__(self, flow, y, dt):
        return _plus(y, (dt, flow(_plus(y, (dt / 2, flow(y))))))


class RK4(AbstractIntegrator):
    """Runge and Kutta's classical fourth order. Unstable beyond `dt rate = 2.78`; that is reported (`Status.STIFF`)."""

    joint = True
    adaptive = False
    stable = 2.78

    def __call__(self, flow, y, dt):
        k1 = flow(y)
        k2 = flow(_plus(y, (dt / 2, k1)))
        k3 = flow(_plus(y, (dt / 2, k2)))
        k4 = flow(_plus(y, (dt, k3)))
        return _plus(y, (dt / 6, k1), (dt / 3, k2), (dt / 3, k3), (dt / 6, k4))


# --- Fehlberg's pair with a step of its own ---------------------------------------------------------------------------

_STAGES = (  # Fehlberg (1969), formula 2
    (1 / 4,),
    (3 / 32, 9 / 32),
    (1932 / 2197, -7200 / 2197, 7296 / 2197),
    (439 / 216, -8.0, 3680 / 513, -845 / 4104),
    (-8 / 27, 2.0, -3544 / 2565, 1859 / 4104, -11 / 40),
)
_FIFTH = (16 / 135, 0.0, 6656 / 12825, 28561 / 56430, -9 / 50, 2 / 55)
_ERROR = (1 / 360, 0.0, -128 / 4275, -2197 / 75240, 1 / 50, 2 / 55)


class RKF45(AbstractIntegrator):
    """Fehlberg's pair of orders 4 and 5 with the step control of the GNU Scientific Library: what NEST integrates with.

    Each neuron has its own step `h`, kept from one simulation step to the next, never reaching beyond its end. With `e`
    the estimated error of a variable and `D = tolerance + relative |h dy/dt|`, `r = max |e|/D`: a trial step with
    `r > 1.1` is taken again with `h max(0.2, 0.9 r^(-1/5))`; after one with `r < 0.5` the next is
    `h min(5, max(1, 0.9 r^(-1/6)))`. It has no derivative.

    **Arguments:** `tolerance`: absolute, in the unit of each variable; NEST's models have 1e-3 (`iaf_cond_exp`,
    `hh_*`) or 1e-6 (`aeif_*`, with `relative=1e-6` and `first=0.01`). `relative`: per `|h dy/dt|`. `first`: the first
    step, ms. A population takes as many trial steps as its neediest neuron: it is here for parity, and slow.

    **Reference:** Fehlberg, NASA TR R-315 (1969); `gsl_odeiv_control_standard_new` of the GSL manual.
    """

    tolerance: Param = param(1e-3, unit="that of each variable", gt=0.0)
    relative: Param = param(0.0, unit="1", ge=0.0)
    first: Param = param(float("inf"), unit="ms", gt=0.0)
    joint = True
    adaptive = True
    stable = math.inf

    def start(self, shape: tuple[int, ...], dtype: Any) -> Float[Array, "..."]:
        """The first step of every neuron."""
        return jnp.broadcast_to(self.first, shape).astype(dtype)

    def _trial(self, flow: Callable[[Y], Y], y: Y, h: Array) -> tuple[Y, Y, Y]:
        """`y` after a step `h`, the error of each variable, and the slope there."""
        slopes = [flow(y)]
        for row in _STAGES:
            slopes.append(flow(_plus(y, *((h * c, k) for c, k in zip(row, slopes, strict=True)))))
        new = _plus(y, *((h * c, k) for c, k in zip(_FIFTH, slopes, strict=True)))
        nothing = jax.tree.map(jnp.zeros_like, y)
        error = _plus(nothing, *((h * c, k) for c, k in zip(_ERROR, slopes, strict=True)))
        return new, error, flow(new)

    def _adjusted(self, h: Array, error: Any, slope: Any) -> tuple[Array, Array]:
        """The next step to try, and whether this one is rejected."""
        worst = jnp.full_like(h, jnp.finfo(h.dtype).tiny)
        for e, k in zip(jax.tree.leaves(error), jax.tree.leaves(slope), strict=True):
            worst = jnp.maximum(worst, jnp.abs(e) / (self.tolerance + self.relative * jnp.abs(h * k)))
        shorter = jnp.maximum(0.9 * worst ** (-1 / 5), 0.2)
        longer = jnp.clip(0.9 * worst ** (-1 / 6), 1.0, 5.0)
        reject = worst > 1.1
        return h * jnp.where(reject, shorter, jnp.where(worst < 0.5, longer, 1.0)), reject

    def within(
        self, flow: Callable[[Y], Y], y: Y, dt: float, h: Array, event: Callable[[Y], Y]
    ) -> tuple[Y, Float[Array, "..."]]:
        """`y` at the end of a step and the step to try next; `event` is applied after every step of its own."""
        y = without_derivative(y, "RKF45 chooses its steps from the error; use integrator=RK4() instead")
        end = jnp.full_like(h, dt)
        tiniest = 16.0 * jnp.finfo(h.dtype).eps * dt  # shorter ones would not move the time

        def busy(carry: Any) -> Array:
            return jnp.any(carry[1] < end)

        def go(carry: Any) -> Any:
            y, t, h = carry
            running = t < end
            final = h > end - t
            tried = jnp.where(final, end - t, h)
            new, error, slope = self._trial(flow, y, tried)
            adjusted, reject = self._adjusted(tried, error, slope)
            reject = reject & (adjusted > tiniest)
            keep = running & ~reject
            y = jax.tree.map(lambda a, b: jnp.where(keep, b, a), y, event(new))
            t = jnp.where(keep, jnp.where(final, end, t + tried), t)
            return y, t, jnp.where(running, adjusted, h)

        y, _, h = lax.while_loop(busy, go, (y, jnp.zeros_like(h), h))
        return y, h

    def __call__(self, flow, y, dt):
        like = jax.tree.leaves(y)[0]
        return self.within(flow, y, dt, self.start(like.shape, like.dtype), lambda y: y)[0]
