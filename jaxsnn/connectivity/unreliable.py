"""Unreliable synapses: each synapse draws independently whether it transmits a spike."""

from typing import TYPE_CHECKING

import equinox as eqx
from jaxtyping import Array

from .._types import Param, param
from .release import AbstractRelease

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


class AbstractByChance(AbstractRelease):
    """A release without a state, where each synapse draws independently whether it transmits a spike."""

    p: AbstractVar[Array]

    @property
    def reliability(self) -> Array:
        return self.p

    def init(self, shape, dtype):
        return ()

    def step(self, s, spike, dt):
        return s, spike


class Bernoulli(AbstractByChance):
    """Each synapse transmits a spike with probability `p`: `weight k`, `k ~ Bernoulli(p)`, one draw for every synapse
    and spike.

    NEST: `bernoulli_synapse`. The derivative with respect to `p` is that of the mean, `weight`, straight through the
    draw: right on average where the response is linear.

    **Arguments:** `p`: probability, shape `()` or `(n_pre,)`.
    """

    p: Param = param(0.5, unit="1", ge=0.0, le=1.0)


class Binomial(AbstractByChance):
    """Each synapse has `n` sites, each of which releases a quantum with probability `p`; `weight` is that of a quantum.

    A spike delivers `weight k`, `k ~ Binomial(n, p)`, with mean `n p` and variance `n p (1 - p)`. The derivative with
    respect to `p` is that of the mean. Sites are not depleted; see `TsodyksMarkram` for depletion.

    **Arguments:** `p`: probability, shape `()` or `(n_pre,)`. `n`: sites, static.

    **Reference:** del Castillo and Katz, J. Physiol. 124:560 (1954).
    """

    p: Param = param(0.5, unit="1", ge=0.0, le=1.0)
    n: int = eqx.field(default=5, static=True)

    def __check_init__(self):
        if not isinstance(self.n, int) or isinstance(self.n, bool) or self.n < 1:
            raise ValueError(f"Binomial.n is {self.n!r}, expected a positive whole number of sites.")

    @property
    def sites(self) -> int:
        return self.n
