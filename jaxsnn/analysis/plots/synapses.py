"""The synapses of a projection as arrays, from whatever a plot is given."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np


class Synapses(NamedTuple):
    """Sender, receiver and weight of every synapse, and the sizes of both sides."""

    pre: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    n_pre: int
    n_post: int


def synapses(given: Any, function: str) -> Synapses:
    """Of a `Projection`, or of a matrix `(n_pre, n_post)` whose entries that are 0 or NaN are no synapses."""
    if hasattr(given, "projections"):
        names = ", ".join(f"net[{name!r}]" for name in given.projections) or "it has none"
        raise ValueError(f"{function}: got a network, expected one of its projections: {names}.")
    if hasattr(given, "graph"):
        if given.weight is None:
            raise ValueError(f"{function}: a projection through a Layer has no list of synapses: draw its own arrays.")
        none = jnp.zeros((), jnp.int32)  # delays do not matter here
        pre, post, weight = (np.asarray(x) for x in given.graph.synapses(given.weight, none)[:3])
        real = pre < given.graph.n_pre
        return Synapses(pre[real], post[real], weight[real], given.graph.n_pre, given.graph.n_post)
    matrix = np.asarray(given)
    if matrix.ndim != 2 or matrix.dtype.kind not in "biuf" or 0 in matrix.shape:
        raise ValueError(
            f"{function}: got {matrix.dtype}{list(matrix.shape)}: expected a projection, such as net['EE'], or a "
            "matrix of weights (n_pre, n_post)."
        )
    pre, post = np.nonzero(np.nan_to_num(matrix))
    return Synapses(pre, post, matrix[pre, post].astype(float), *matrix.shape)


def values(given: Any, function: str) -> np.ndarray:
    """The weights of a projection, or numbers as they are, in one row."""
    if hasattr(given, "graph") or hasattr(given, "projections"):
        return synapses(given, function).weight
    found = np.asarray(given, float).reshape(-1)
    return found[np.isfinite(found)]
