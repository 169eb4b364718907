"""Parameters of rules that are given as distributions: a number for each sending or each receiving neuron."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from .. import _random
from .._types import canonical_float, recheck
from ..distributions import AbstractDistribution
from .base import Chain, chain
from .shapes import _alone, _fits


def _is_law(x: Any) -> bool:
    return isinstance(x, AbstractDistribution)


def drawn_rule(rule: Chain, key: Array, n_pre: int, n_post: int) -> Chain:
    """A rule whose distributions are drawn, each with a key made of its place in the chain and its name.

    A parameter of a presynaptic trace is drawn for each sending neuron; of a postsynaptic trace or a clock, for each
    receiving neuron.
    """
    parts = [_drawn_part(part, i, key, n_pre, n_post) for i, part in enumerate(rule.parts)]
    return chain(*parts, sends=rule.sends, coincident_pairs=rule.coincident_pairs, clips=rule.clips)


def _drawn_part(part: Any, place: int, key: Array, n_pre: int, n_post: int) -> Any:
    leaves, structure = jax.tree_util.tree_flatten_with_path(part, is_leaf=_is_law)
    if not any(_is_law(leaf) for _, leaf in leaves):
        return part
    kind, numbers = type(part).__name__, []
    alike = jax.tree.unflatten(structure, [jnp.zeros((), canonical_float()) for _ in leaves])
    for k, (path, leaf) in enumerate(leaves):
        if _is_law(leaf):
            name = ".".join(jax.tree_util.keystr((step,), simple=True) for step in path)
            sides = [n for shape, n in (((2,), n_pre), ((3,), n_post)) if _fits(_alone(alike, k, shape), 2, 3)]
            if not sides:
                raise ValueError(
                    f"{kind}.{name} is a distribution, {type(leaf).__name__}, but the rule has one such number for all "
                    "synapses; give a number, or a distribution for what each neuron has, such as the time of a trace"
                )
            leaf = leaf.sample(_random.named_key(key, f"rule.{place}.{name}"), (sides[0],))
        numbers.append(leaf)
    made = jax.tree.unflatten(structure, numbers)
    try:
        recheck(made)
    except ValueError as error:
        raise ValueError(f"{str(error).rstrip('.')}. It was drawn: bound its distribution with lo= and hi=") from None
    return made
