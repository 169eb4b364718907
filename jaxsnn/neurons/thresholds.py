"""Comparators: what counts as reaching the threshold. Exact ties happen wherever weights lie on a lattice."""

import abc

import equinox as eqx
from jaxtyping import Array, Bool, Float


class AbstractComparator(eqx.Module):
    """Whether a membrane at `v` fires."""

    @abc.abstractmethod
    def __call__(self, v: Float[Array, "..."], v_th: Float[Array, "..."]) -> Bool[Array, "..."]: ...


class GreaterEqual(AbstractComparator):
    """`v >= v_th` (NEST)."""

    def __call__(self, v, v_th):
        return v >= v_th


class Greater(AbstractComparator):
    """`v > v_th` (what Brian2 users write; Loihi; snnTorch)."""

    def __call__(self, v, v_th):
        return v > v_th
