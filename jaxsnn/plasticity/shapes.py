"""Which shapes the parameters of rules and modifiers may have: found by abstract evaluation."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .._types import canonical_float
from .base import AbstractModifier, AbstractRule, Chain, SynapseContext, terms

Shape = tuple[int, ...]


def check_shapes(rule: Chain, n_pre: int, n_post: int) -> None:
    """Raises ValueError for a parameter that is neither one number nor, in a trace or a clock, one per neuron."""
    for part in rule.parts:
        leaves, _ = jax.tree_util.tree_flatten_with_path(part)
        if all(leaf.shape == () for _, leaf in leaves) or _fits(part, n_pre, n_post):
            continue
        for k, (path, leaf) in enumerate(leaves):
            if leaf.shape != () and not _fits(_alone(part, k, leaf.shape), n_pre, n_post):
                sides = {
                    f"({n_pre},), one per presynaptic neuron": (2,),
                    f"({n_post},), one per postsynaptic neuron": (3,),
                }
                allowed = [words for words, shape in {"()": (), **sides}.items() if _fits(_alone(part, k, shape), 2, 3)]
                if allowed:  # else it is not the shape that does not fit
                    name = f"{type(part).__name__}{jax.tree_util.keystr(path)}"
                    raise ValueError(f"{name} has shape {leaf.shape}; expected {' or '.join(allowed)}")


def _alone(part: Any, k: int, shape: Shape) -> Any:
    """The part with leaf `k` of this shape and all others of shape `()`."""
    leaves, structure = jax.tree.flatten(part)
    shapes = [shape if i == k else () for i in range(len(leaves))]
    return jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(s, x.dtype) for s, x in zip(shapes, leaves)])


def _fits(part: AbstractRule | AbstractModifier, n_pre: int, n_post: int, without: str = "") -> bool:
    """Whether all functions of a part return the right shapes, one number per neuron or per synapse.

    `without`: the side that has no membranes.
    """
    numbers, rest = eqx.partition(part, lambda x: hasattr(x, "shape"))
    tried = _try_rule if isinstance(part, AbstractRule) else _try_modifier
    try:
        jax.eval_shape(lambda numbers: tried(eqx.combine(numbers, rest), n_pre, n_post, without), numbers)
    except (TypeError, ValueError, IndexError, AttributeError, KeyError, AssertionError):
        return False
    return True


def reads_membranes(part: AbstractRule | AbstractModifier, side: str, n_pre: int, n_post: int) -> bool:
    """Whether a part of a rule reads the membranes of its neurons of one side, `"pre"` or `"post"`.

    It does if it says so, and if it works with them only.
    """
    declared = isinstance(part, AbstractRule) and side in part.voltage
    return declared or (_fits(part, n_pre, n_post) and not _fits(part, n_pre, n_post, without=side))


def _expect(xs: Any, shape: Shape) -> None:
    for x in jax.tree.leaves(xs):
        if jnp.shape(x) != shape:
            raise ValueError(f"Got shape {jnp.shape(x)}, expected {shape}.")


def _side(traces: dict[str, Any], shape: Shape, membranes: bool) -> SimpleNamespace:
    x = jnp.zeros(shape, canonical_float())
    return SimpleNamespace(v=x if membranes else None, spike=x, **dict.fromkeys(traces, x))


def _try_rule(rule: AbstractRule, n_pre: int, n_post: int, without: str) -> None:
    traces = {"pre": rule.pre_traces(), "post": rule.post_traces()}
    for side, n in (("pre", n_pre), ("post", n_post)):
        neurons = _side(traces[side], (n,), side != without)
        for trace in traces[side].values():
            _expect(trace.start(neurons.v, (n,), neurons.spike.dtype), (n,))
            _expect(trace.decay(neurons.spike, neurons, 1.0), (n,))
            _expect(trace.spike(neurons.spike, neurons.spike), (n,))
        _expect(getattr(rule, f"{side}_event")(neurons, 1.0), (n,))
    w = jnp.zeros((), canonical_float())
    before, behind = (_side(own, (), side != without) for side, own in traces.items())
    seen = SynapseContext(before, behind, defaultdict(lambda: w), 1.0)
    for function in (rule.on_pre, rule.on_post, rule.each_step):
        _expect(terms(function(w, seen)), ())
    _expect(rule.bounds(), ())


def _try_modifier(modifier: AbstractModifier, n_pre: int, n_post: int, without: str) -> None:
    w = jnp.zeros((), canonical_float())
    clock = modifier.start(n_post, w.dtype)
    _expect({k: x for k, x in clock.items() if jnp.ndim(x)}, (n_post,))
    modulators = _Fed(lambda: w)
    before, behind = (_side({}, (n,), side != without) for side, n in (("pre", n_pre), ("post", n_post)))
    ticked = modifier.tick(clock, SynapseContext(before, behind, modulators, 1.0))
    for k, x in clock.items():
        _expect(ticked[k], jnp.shape(x))
    one = {k: x[0] if jnp.ndim(x) else x for k, x in ticked.items()}
    kept = dict.fromkeys(modifier.variables, w)
    _expect(modifier.change(w, w, kept, one), ())
    _expect(modifier.refresh(w, kept, one, lambda x: x), ())
    _expect((modifier.limit(w), modifier.bounds()), ())
    _expect((modifier.refresh_due(clock), modifier.reverses(clock, ticked)), ())


class _Fed(defaultdict):
    """Every modulator there may be."""

    def __contains__(self, name: object) -> bool:
        return True
