"""Whether there is room for a result, found out before anything runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from .form import Form
from .view import View


def check_memory(view: View) -> None:
    """Whether the result of a sweep fits into the memory of this machine.

    **Raises:** ValueError with the largest of the results.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if view.nbytes > memory:
        form: Form = view.form
        largest = max(form, key=lambda name: form[name].nbytes)
        raise ValueError(
            f"The results of {view.size} points take {view.nbytes / 2**30:.4g} GiB, {largest!r} alone "
            f"{view.size * form[largest].nbytes / 2**30:.4g}, and this machine has {memory / 2**30:.4g} GiB of memory; "
            "give `out`, a folder that they go to, return less of each point, or sweep a part."
        )


def check_disk(folder: Path, nbytes: int) -> None:
    """Whether results of `nbytes` can be written below `folder`: as shards, and once more as the labelled result.

    **Raises:** ValueError with what is in the way.
    """
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise ValueError(f"The result cannot go to {folder}: {there} is a file, expected a folder.")
    try:
        with tempfile.TemporaryFile(dir=there, prefix=".jaxsnn-"):
            free = shutil.disk_usage(there).free
    except OSError as error:
        raise ValueError(f"The result cannot go to {folder}: {there} cannot be written ({error.strerror}).") from None
    needed = 2.2 * nbytes + 2**20
    if free < needed:
        raise ValueError(
            f"The result cannot go to {folder}: it takes {needed / 2**20:.0f} MiB, and {free / 2**20:.0f} MiB are free."
        )
