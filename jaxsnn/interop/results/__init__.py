"""What a run recorded, as other tools hold it: Neo, pandas, xarray, pynapple and NWB.

Each takes a run, its records of all populations (`run["spikes"]`), or one record of spikes.
"""

from .groups import to_pynapple as to_pynapple
from .neo_blocks import to_neo as to_neo
from .nwb import to_nwb as to_nwb
from .tables import to_pandas as to_pandas
from .tables import to_xarray as to_xarray
