"""What to make of results: statistics of spike trains, mean-field theory to hold them against, and plots.

Everything is a pure function of arrays; nothing here knows how they were simulated.
"""

from . import plots as plots
from .cost import activation_sparsity as activation_sparsity
from .cost import footprint as footprint
from .cost import parameter_count as parameter_count
from .cost import synaptic_operations as synaptic_operations
from .mean_field import brunel_rate as brunel_rate
from .mean_field import siegert as siegert
from .rasters import unpack as unpack
from .statistics import fano as fano
from .statistics import isi_cv as isi_cv
from .statistics import pairwise_correlation as pairwise_correlation
from .statistics import population_rate as population_rate
from .statistics import spectrum_peak as spectrum_peak
