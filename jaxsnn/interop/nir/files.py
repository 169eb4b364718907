"""Files of graphs, read without trust: `nir` takes the room that a file claims, and follows where it leads."""

from __future__ import annotations

import os
from typing import Any

from ..._archive import FileError, regular, room, said
from ..._hdf5 import check_size, datasets, open_hdf5

_WHAT = "a file of a NIR graph"


def opened(path: str | os.PathLike[str]) -> Any:
    """The graph of a file. **Raises:** `FileError` for one that is damaged, leads out of itself or is no graph."""
    import nir

    name = str(regular(path, _WHAT))
    try:
        with open_hdf5(name, _WHAT) as file:
            left = room(os.path.getsize(name))
            for where, dataset in datasets(file):
                left -= check_size(dataset, name)
                if left < 0:
                    raise ValueError(f"with {where} it unpacks to more than {room(os.path.getsize(name))} bytes")
        return nir.read(name, type_check=False)
    except FileError:
        raise
    except Exception as error:  # whatever a file that is no graph makes h5py and nir raise
        raise FileError(f"{name!r} is no file of a NIR graph that nir can read ({said(error)}).") from None
