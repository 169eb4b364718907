"""What becomes of weights when they are rounded: counts, an error, and a sample for pictures."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

SAMPLE = "sample of weights"  # of a group of edges: as asked and as got, in the unit of what was asked
_SIZE = 512


def lost(wanted: Any, stored: Any, back: Any, clipped: Any = None, unit: Any = 1.0) -> dict[str, Any]:
    """The losses of a group of edges, for `Graph.count`.

    **Arguments:** `wanted`: real weights, `(e,)`; `stored`: the numbers that are stored of them; `back`: their real
    values; `clipped`: which were clipped, None for none. `unit`: of both in a unit of the model, `()` or `(e,)`: it
    only scales the sample. NumPy arrays are counted on the host.
    """
    xp = np if all(isinstance(x, np.ndarray) for x in (wanted, stored, back)) else jnp
    count = wanted.shape[0]
    mean = lambda x: xp.sum(x) / max(count, 1)
    size = xp.sqrt(mean(wanted**2))
    some = np.linspace(0, count - 1, min(count, _SIZE)).astype(np.int32)
    unit = xp.broadcast_to(xp.asarray(unit, wanted.dtype), wanted.shape)[some]
    return {
        "synapses": count,
        "weights clipped": xp.sum(clipped) if clipped is not None else np.int32(0),
        "weights rounded": xp.sum(back != wanted),
        "weights rounded to 0": xp.sum((stored == 0) & (wanted != 0)),
        "weights, relative rms error": xp.sqrt(mean((back - wanted) ** 2)) / xp.maximum(size, 1e-30),
        SAMPLE: xp.stack([wanted[some] / unit, back[some] / unit]),
    }
