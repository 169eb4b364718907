"""What travels along a projection: the amplitude that a presynaptic spike is worth when it leaves."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from .._linear import phi
from .._tree import children
from .._types import Checked, check, param


class AbstractRelease(Checked):
    """What a spike sends, as a function of what its sender has sent before: written for one sender, elementwise.

    The state is presynaptic: a projection has one for each sending neuron, whose synapses share it. It moves on in
    every step, also without a spike, and a spike of step `k` sees it at `t_{k+1}`, where the spike is stamped. What is
    released travels with the projection's delays and is multiplied with its weights.

    A subclass needs `init` and `step`. Parameters are leaves of shape `()` or `(n_pre,)`.
    """

    @property
    def reliability(self) -> Array | None:
        """The probability with which each synapse passes on what is sent, for each spike anew; None for certainty."""
        return None

    @property
    def sites(self) -> int:
        """How many times independently it does so: the sum is what arrives."""
        return 1

    @abc.abstractmethod
    def init(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """The state of a sender that never fired."""

    @abc.abstractmethod
    def step(self, s: Any, spike: Float[Array, "..."], dt: float) -> tuple[Any, Float[Array, "..."]]:
        """The state a step later, and the amplitude sent: 0 where there is no spike."""

    def view(self, s: Any) -> dict[str, Array]:
        """The state by name, as probes read it."""
        return children(s)


class AbstractByChance(AbstractRelease):
    """A release without memory whose synapses each draw whether they release."""

    p: eqx.AbstractVar[Array]

    @property
    def reliability(self) -> Array:
        return self.p

    def init(self, shape, dtype):
        return ()

    def step(self, s, spike, dt):
        return s, spike


class Bernoulli(AbstractByChance):
    """Each synapse passes on a spike with probability `p`, and otherwise nothing: a draw for every synapse and spike.

    NEST's `bernoulli_synapse`. The derivative with respect to `p` is that of the mean, `weight`, straight through the
    draw: right on average for what follows linearly.

    **Arguments:** `p`: probability, shape `()` or `(n_pre,)`.
    """

    p: Array = param(0.5, unit="1", least=0.0)

    def __check_init__(self):
        check(lambda: self.p <= 1.0, f"Bernoulli.p is {self.p}; expected a probability, at most 1.")


class Binomial(AbstractByChance):
    """Each synapse has `n` sites that release a quantum each with probability `p`: the weight is that of one quantum.

    What arrives is `weight k`, `k ~ Binomial(n, p)`, with mean `n p` and variance `n p (1 - p)`. The derivative with
    respect to `p` is that of the mean. Sites do not run out: `TsodyksMarkram` is what depletes.

    **Arguments:** `p`: probability, shape `()` or `(n_pre,)`. `n`: sites, static.

    **Reference:** del Castillo and Katz, J. Physiol. 124:560 (1954).
    """

    p: Array = param(0.5, unit="1", least=0.0)
    n: int = eqx.field(default=5, static=True)

    def __check_init__(self):
        check(lambda: self.p <= 1.0, f"Binomial.p is {self.p}; expected a probability, at most 1.")
        if not isinstance(self.n, int) or self.n < 1:
            raise ValueError(f"Binomial.n is {self.n!r}, expected a positive whole number of sites.")

    @property
    def sites(self) -> int:
        return self.n


def fired(spike: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 where there is a spike, whatever its amplitude (two in one step release once, as in NEST).

    Its derivative is that of the amplitude, so that what is learned through a spike is learned through this too.
    """
    return spike + lax.stop_gradient((spike != 0).astype(spike.dtype) - spike)


def faded(x: Array, dt: float, tau: Array) -> Array:
    """`x exp(-dt / tau)`, and 0 with a derivative of 0 at `tau = 0`."""
    some = tau > 0
    # an increment: a factor near 1, rounded once, would bias every step of float32 alike
    return x + x * jnp.where(some, jnp.expm1(-dt / jnp.where(some, tau, 1.0)), -1.0)


class TwoStates(NamedTuple):
    """Utilisation `u`, as a spike left it and decaying since, and the share `z` of resources that is spent."""

    u: Float[Array, "..."]
    z: Float[Array, "..."]


class TsodyksMarkram(AbstractRelease):
    """Depression and facilitation by two variables: what is released is available again after `tau_rec`.

    `du/dt = -u / tau_fac`, `dx/dt = (1 - x) / tau_rec`; a spike does `u <- u + U (1 - u)`, sends `u x`, and then
    `x <- x - u x`. From spike to spike, `h` apart, that is `u <- U + u (1 - U) exp(-h / tau_fac)` and
    `x <- 1 + (x - x u - 1) exp(-h / tau_rec)`: the form of Maass and Markram, NEST's `tsodyks2_synapse`, and the one
    that is written down for Brian2. Exact for any step. Probes read `u`, `x` and `z = 1 - x`.

    **Arguments**, each of shape `()` or `(n_pre,)`: `U`: increment of utilisation, 0 to 1. `tau_rec`: recovery from
    depression, ms. `tau_fac`: decay of facilitation, ms; 0 for none.

    **Reference:** Tsodyks and Markram, PNAS 94:719 (1997); Maass and Markram, Neural Networks 15:155 (2002).
    """

    U: Array = param(0.5, unit="1", least=0.0)
    tau_rec: Array = param(800.0, unit="ms", above=0.0)
    tau_fac: Array = param(0.0, unit="ms", least=0.0)

    def __check_init__(self):
        check(lambda: self.U <= 1.0, f"TsodyksMarkram.U is {self.U}; expected at most 1, a share of the resources.")

    def init(self, shape, dtype):
        return TwoStates(jnp.zeros(shape, dtype), jnp.zeros(shape, dtype))

    def step(self, s, spike, dt):
        u = faded(s.u, dt, self.tau_fac)
        z = faded(s.z, dt, self.tau_rec)  # what is spent, not what is left: near rest that would round off
        jump = self.U * (1.0 - u)
        released = (u + jump) * (1.0 - z)
        event = fired(spike)
        return TwoStates(u + event * jump, z + event * released), spike * released

    def view(self, s):
        return {"u": s.u, "x": 1.0 - s.z, "z": s.z}


class ThreeStates(NamedTuple):
    """Utilisation `u`, and the shares of resources that are active (`y`) and inactive (`z`)."""

    u: Float[Array, "..."]
    y: Float[Array, "..."]
    z: Float[Array, "..."]


class TsodyksUzielMarkram(AbstractRelease):
    """Depression and facilitation by three states of the resources: released, they are active, then inactive.

    `dy/dt = -y / tau_psc`, `dz/dt = y / tau_psc - z / tau_rec`, `x = 1 - y - z`, `du/dt = -u / tau_fac`; a spike does
    `u <- u + U (1 - u)`, sends `u x`, and then `x <- x - u x`, `y <- y + u x`. NEST's `tsodyks_synapse`. Exact for any
    step and any time constants, equal ones included. As `tau_psc` goes to 0 it becomes `TsodyksMarkram`. The current
    itself is the port's: give the port the same time constant. Probes read `u`, `x`, `y` and `z`.

    **Arguments**, each of shape `()` or `(n_pre,)`: `U`: increment of utilisation, 0 to 1. `tau_psc`: inactivation,
    `tau_rec`: recovery, ms. `tau_fac`: decay of facilitation, ms; 0 for none.

    **Reference:** Tsodyks, Uziel and Markram, J. Neurosci. 20:RC50 (2000).
    """

    U: Array = param(0.5, unit="1", least=0.0)
    tau_psc: Array = param(3.0, unit="ms", above=0.0)
    tau_rec: Array = param(800.0, unit="ms", above=0.0)
    tau_fac: Array = param(0.0, unit="ms", least=0.0)

    def __check_init__(self):
        check(
            lambda: self.U <= 1.0, f"TsodyksUzielMarkram.U is {self.U}; expected at most 1, a share of the resources."
        )

    def init(self, shape, dtype):
        return ThreeStates(*(jnp.zeros(shape, dtype) for _ in range(3)))

    def step(self, s, spike, dt):
        u = faded(s.u, dt, self.tau_fac)
        stays = jnp.exp(-dt / self.tau_rec)
        became = dt / self.tau_psc * stays * phi(dt / self.tau_rec - dt / self.tau_psc)
        y = faded(s.y, dt, self.tau_psc)
        z = faded(s.z, dt, self.tau_rec) + s.y * became
        jump = self.U * (1.0 - u)
        released = (u + jump) * (1.0 - y - z)
        event = fired(spike)
        return ThreeStates(u + event * jump, y + event * released, z), spike * released

    def view(self, s):
        return {"u": s.u, "x": 1.0 - s.y - s.z, "y": s.y, "z": s.z}
