"""How much memory there is, for sizes that are computed before anything of that size is made."""

from __future__ import annotations

import os

import jax


def available() -> int | None:
    """Bytes of the device that programs run on; None where nothing tells."""
    stats = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
