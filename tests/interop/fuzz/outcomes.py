"""What becomes of an input: a network that runs, or one sentence of the library; all else is a fault."""

import traceback
from pathlib import Path

import jax
import numpy as np

from jaxsnn._status import SimulationError

GOOD = ("ran", "ran with a status", "refused", "not made", "refused by PyNN")


class Silent(Exception):
    """A run whose state is not finite, and whose status is clean."""


def own_sentence(error, frames):
    """Whether the library raises it in words, in a line of its own; a line that it is about may stand below."""
    first, *below = str(error).strip().split("\n")
    raised = "/jaxsnn/" in frames[-1].filename and (frames[-1].line or "").startswith(("raise", "check("))
    return raised and bool(first) and (not below or frames[-1].name == "refuse" or "  " in below[0])


def of_pynn(frames):
    """Whether PyNN's own code, which every backend shares, has raised it, or what it calls."""
    known = [f for f in frames if "/jaxsnn/" in f.filename or "/pyNN/" in f.filename or "/lazyarray" in f.filename]
    return bool(known) and "/jaxsnn/" not in known[-1].filename


def outcome_of(tried, seed, kinds):
    """What a worker prints of an input."""
    try:
        return tried(seed)
    except SimulationError:
        return "ran with a status"
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        if isinstance(error, kinds) and own_sentence(error, frames):
            return "refused"
        if of_pynn(frames):
            return "refused by PyNN"
        ours = [f"{Path(f.filename).name}:{f.lineno}" for f in frames if "/jaxsnn/" in f.filename]
        return f"{type(error).__name__} of {ours[-1] if ours else '?'}: {str(error)[:160]}"


def said_of(run):
    """Of a run that came to its end."""
    leaves = [np.asarray(x) for x in jax.tree.leaves(run.state) if hasattr(x, "dtype") and x.dtype.kind in "fc"]
    if int(run.status):
        return "ran with a status"
    if not all(np.all(np.isfinite(x)) for x in leaves):
        raise Silent("the state is not finite and the status is clean")
    return "ran"
