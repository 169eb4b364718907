"""What to make of results: statistics of spike trains, mean-field theory to hold them against, and plots.

Statistics are pure functions of arrays and know nothing of how they were simulated; only what looks at a single neuron
(`fi_curve`, `vector_field`) runs it.
"""

from . import plots as plots
from .bursts import Bursts as Bursts
from .bursts import log_isi_bursts as log_isi_bursts
from .bursts import log_isi_threshold as log_isi_threshold
from .bursts import max_interval_bursts as max_interval_bursts
from .cascades import Avalanches as Avalanches
from .cascades import Branching as Branching
from .cascades import avalanches as avalanches
from .cascades import branching_parameter as branching_parameter
from .cascades import branching_ratio as branching_ratio
from .cells import Field as Field
from .cells import fi_curve as fi_curve
from .cells import vector_field as vector_field
from .correlations import Correlogram as Correlogram
from .correlations import correlation_coefficient as correlation_coefficient
from .correlations import covariance as covariance
from .correlations import cross_correlation_histogram as cross_correlation_histogram
from .cost import activation_sparsity as activation_sparsity
from .cost import footprint as footprint
from .cost import parameter_count as parameter_count
from .cost import synaptic_operations as synaptic_operations
from .distances import van_rossum_distance as van_rossum_distance
from .distances import victor_purpura_distance as victor_purpura_distance
from .intervals import cv as cv
from .intervals import cv2 as cv2
from .intervals import isi as isi
from .intervals import lv as lv
from .intervals import lvr as lvr
from .kernels import AbstractKernel as AbstractKernel
from .kernels import AlphaKernel as AlphaKernel
from .kernels import EpanechnikovLikeKernel as EpanechnikovLikeKernel
from .kernels import ExponentialKernel as ExponentialKernel
from .kernels import GaussianKernel as GaussianKernel
from .kernels import LaplacianKernel as LaplacianKernel
from .kernels import RectangularKernel as RectangularKernel
from .kernels import TriangularKernel as TriangularKernel
from .mean_field import brunel_rate as brunel_rate
from .mean_field import siegert as siegert
from .profiles import isi_distance as isi_distance
from .profiles import spike_distance as spike_distance
from .profiles import spike_sync as spike_sync
from .rasters import unpack as unpack
from .rates import binned as binned
from .rates import fanofactor as fanofactor
from .rates import instantaneous_rate as instantaneous_rate
from .rates import mean_firing_rate as mean_firing_rate
from .rates import time_histogram as time_histogram
from .spectra import Spectrum as Spectrum
from .spectra import welch_coherence as welch_coherence
from .spectra import welch_psd as welch_psd
from .statistics import fano as fano
from .statistics import isi_cv as isi_cv
from .statistics import pairwise_correlation as pairwise_correlation
from .statistics import population_rate as population_rate
from .statistics import spectrum_peak as spectrum_peak
from .synchrony import golomb_rinzel_chi as golomb_rinzel_chi
from .synchrony import order_parameter as order_parameter
from .synchrony import spike_contrast as spike_contrast
from .tiling import spike_time_tiling_coefficient as spike_time_tiling_coefficient
from .trains import SpikeTrains as SpikeTrains
from .trains import spike_trains as spike_trains
