"""Pictures of what a simulation recorded, of networks and neurons, and of what a sweep measured: axes in and axes out.

matplotlib is imported only when one is drawn.
"""

from .cells import fi_curve as fi_curve
from .cells import firing_patterns as firing_patterns
from .cells import phase_plane as phase_plane
from .connections import connection_distances as connection_distances
from .connections import connection_graph as connection_graph
from .connections import connectivity as connectivity
from .cores import core_occupancy as core_occupancy
from .grids import heatmap as heatmap
from .grids import phase_diagram as phase_diagram
from .spikes import raster as raster
from .spikes import raster_with_rate as raster_with_rate
from .statistics import correlogram as correlogram
from .statistics import isi_histogram as isi_histogram
from .statistics import pair_matrix as pair_matrix
from .statistics import psth as psth
from .statistics import spectrum as spectrum
from .traces import trace as trace
from .weights import losses as losses
from .weights import weight_histogram as weight_histogram
from .weights import weight_matrix as weight_matrix
from .weights import weight_trajectories as weight_trajectories
