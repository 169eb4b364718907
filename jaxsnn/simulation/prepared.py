"""What a run makes of a model before its first step, kept for the next run of the same model.

Rows of synapses are put in the order in which spikes are delivered, which takes as long as thousands of steps. Arrays
of JAX do not change, so the same arrays give the same stepper. What was made goes when one of them does.
"""

from __future__ import annotations

import weakref
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .._host import by_numpy
from .._xla import SMALL

_MOST = 8  # models
_kept: dict[Any, tuple[Any, list[Any]]] = {}  # by the identity of a model's arrays and by what is static in it


def stepper_of(model: Any) -> Any:
    """`model.prepare()`, compiled. What the model holds already is not copied: at 10^8 synapses that counts."""
    given = jax.tree.leaves(eqx.filter(model, eqx.is_array))
    return _joined(_of_the_same(model, given), given)


def _joined(made: Any, given: list[Any]) -> Any:
    """The stepper, of what was derived and of the arrays of the model."""
    derived, places, (structure, static) = made
    new = iter(derived)
    arrays = [next(new) if place is None else given[place] for place in places]
    return eqx.combine(jax.tree.unflatten(structure, arrays), static)


def _divided(stepper: Any, given: list[Any]) -> Any:
    """What a stepper has beside what is the model's, and where the rest is among the arrays of the model."""
    own = {id(x): i for i, x in enumerate(given) if x.size > SMALL}
    arrays, rest = eqx.partition(stepper, eqx.is_array)
    leaves, structure = jax.tree.flatten(arrays)
    places = [own.get(id(x)) for x in leaves]
    return [x for x, place in zip(leaves, places) if place is None], places, (structure, rest)


def _of_the_same(model: Any, given: list[Any]) -> Any:
    """What was derived from the same arrays before, or is now; always anew of arrays of NumPy, which may change."""
    if not all(isinstance(x, jax.Array) for x in given):
        return _derived(model)
    leaves, structure = jax.tree.flatten(eqx.filter(model, eqx.is_array, inverse=True))
    name = tuple(map(id, given)), tuple(leaves), structure, jnp.result_type(float)
    try:
        known = _kept.get(name)
    except TypeError:  # something static has no hash
        return _derived(model)
    if known is None:
        known = _settled(_derived(model), given), [weakref.ref(x, lambda _: _kept.pop(name, None)) for x in given]
        for oldest in list(_kept)[: len(_kept) + 1 - _MOST]:  # a copy: other threads, and arrays that go, change it
            _kept.pop(oldest, None)
        _kept[name] = known
    return known[0]


def _settled(made: Any, given: list[Any]) -> Any:
    """What was derived, of the stepper once its arrays are known."""
    settled = (stepper := _joined(made, given)).settled()
    return made if settled is stepper else _divided(settled, given)


@by_numpy
def _derived(model: Any) -> Any:
    return _divided(model.prepare(), jax.tree.leaves(eqx.filter(model, eqx.is_array)))
