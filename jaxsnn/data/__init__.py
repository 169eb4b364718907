"""Data: events of cameras, spikes and images from files, as rasters that drives take; and encoders.

`encoders` turn numbers into spikes.
"""

from . import encoders as encoders
from . import formats as formats
from .arrays import EventArray as EventArray
from .filters import AbstractEventFilter as AbstractEventFilter
from .filters import Crop as Crop
from .filters import Denoise as Denoise
from .filters import Downsample as Downsample
from .filters import MergePolarities as MergePolarities
from .filters import OnlyPolarity as OnlyPolarity
from .idx import read_idx as read_idx
from .loading import load_rasters as load_rasters
from .nwb import read_nwb as read_nwb
from .rasters import AbstractBins as AbstractBins
from .rasters import CountBins as CountBins
from .rasters import TimeBins as TimeBins
from .rasters import stack_rasters as stack_rasters
from .rasters import stream_rasters as stream_rasters
from .rasters import to_frames as to_frames
from .rasters import to_raster as to_raster
from .reading import read_events as read_events
from .reading import stream_events as stream_events
from .speech import SpikingSpeech as SpikingSpeech
from .speech import read_shd as read_shd
from .spike_table import SpikeTable as SpikeTable
from .spike_table import read_spikes as read_spikes
