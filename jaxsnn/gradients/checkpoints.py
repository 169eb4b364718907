"""Checkpoints of a training on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


class Checkpoints:
    """Stores the state of a training in a folder with Orbax (`pip install jaxsnn[train]`), and resumes from it.

    Writing is atomic: a training that is killed while it writes resumes from the previous checkpoint.

    **Arguments:** `folder`. `every`: epochs between checkpoints. `keep`: the number of newest checkpoints kept.
    """

    def __init__(self, folder: str | Path, *, every: int = 1, keep: int = 2):
        for name, value in (("every", every), ("keep", keep)):
            if not (isinstance(value, int) and value >= 1):
                raise ValueError(f"Checkpoints.{name} is {value!r}, expected a positive whole number.")
        self.folder, self.every, self.keep = Path(folder).absolute(), every, keep

    def _manager(self) -> Any:
        try:
            import orbax.checkpoint as orbax
        except ImportError:
            raise ValueError("Checkpoints need Orbax, which is not installed: pip install 'jaxsnn[train]'.") from None
        options = orbax.CheckpointManagerOptions(max_to_keep=self.keep, create=True)
        return orbax.CheckpointManager(self.folder, options=options)

    def save(self, state: Any, history: dict[str, list[float]]) -> None:
        """Writes the state of a training after every `every`-th epoch."""
        epoch = int(state.epoch)
        if epoch % self.every:
            return
        import orbax.checkpoint as orbax

        scores = {name: np.asarray(values) for name, values in history.items()}
        with self._manager() as manager:
            manager.save(epoch, args=orbax.args.StandardSave({"state": _by_name(state), "history": scores}))

    def restore(self, state: Any) -> tuple[Any, dict[str, list[float]]]:
        """The newest stored state and its history, in the structure of `state`; `state` itself where nothing is
        stored.
        """
        with self._manager() as manager:
            epoch = manager.latest_step()
            if epoch is None:
                return state, {}
            import orbax.checkpoint as orbax

            try:
                found = manager.restore(epoch, args=orbax.args.StandardRestore())
            except Exception as error:  # a damaged file may raise anything
                raise ValueError(
                    f"The checkpoint of epoch {epoch} in {str(self.folder)!r} cannot be read ({type(error).__name__}); "
                    "remove it to resume from the previous one, or give another folder."
                ) from error
        given, read = _by_name(state), found["state"]
        shapes = [{(name, np.shape(value)) for name, value in of.items()} for of in (given, read)]
        unlike = sorted({name for name, _ in shapes[0] ^ shapes[1]})
        if unlike:
            raise ValueError(
                f"The checkpoint in {str(self.folder)!r} is of another network or optimiser: {', '.join(unlike[:3])} "
                "differ; give another folder, or the network and optimiser it was written with."
            )
        leaves, structure = jax.tree.flatten(state)
        names = _names(state)
        restored = [jnp.asarray(read[name], leaf.dtype) for name, leaf in zip(names, leaves)]
        history = {name: [float(x) for x in values] for name, values in found["history"].items()}
        return jax.tree.unflatten(structure, restored), history


def _names(state: Any) -> list[str]:
    return [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in jax.tree.leaves_with_path(state)]


def _by_name(state: Any) -> dict[str, np.ndarray]:
    """Leaves by their path, so that reading does not depend on classes."""
    return {name: np.asarray(leaf) for name, leaf in zip(_names(state), jax.tree.leaves(state))}
