"""Networks from other tools and to them.

`from_nir` and `to_nir` read and write the Neuromorphic Intermediate Representation, as snnTorch, Norse, SpikingJelly,
Sinabs, Rockpool and others do. `from_brian2` makes a network of a constructed Brian2 `Network`. `pynn` is a backend of
PyNN, imported when it is asked for. `to_neo`, `to_pandas`, `to_xarray`, `to_pynapple` and `to_nwb` hand over what a run
recorded.
"""

from importlib import import_module as _import
from typing import TYPE_CHECKING

from .brian2.stored import store_brian2 as store_brian2
from .brian2.translating import FromBrian2 as FromBrian2
from .brian2.translating import describe_brian2 as describe_brian2
from .brian2.translating import from_brian2 as from_brian2
from .nir import conventions as conventions
from .nir.reading import FromNIR as FromNIR
from .nir.reading import from_nir as from_nir
from .nir.writing import to_nir as to_nir
from .results import to_neo as to_neo
from .results import to_nwb as to_nwb
from .results import to_pandas as to_pandas
from .results import to_pynapple as to_pynapple
from .results import to_xarray as to_xarray

if not TYPE_CHECKING:  # or a name that there is not would pass for one

    def __getattr__(name):
        if name != "pynn":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _import(f"{__name__}.pynn")  # it imports PyNN
