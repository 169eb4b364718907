"""Connectivity: who is connected to whom, how spikes travel (lists, matrices, modules), and what travels.

Topologies, kernels of distance and release models are here; delays are slots of a ring.
"""

from typing import TYPE_CHECKING

from .._late import exports

if TYPE_CHECKING:
    from .fixed_number import FixedInDegree as FixedInDegree
    from .fixed_number import FixedOutDegree as FixedOutDegree
    from .fixed_number import FixedTotal as FixedTotal
    from .fixed_prob import FixedProb as FixedProb
    from .from_arrays import FromArrays as FromArrays
    from .graph import AbstractConnectivity as AbstractConnectivity
    from .graph import Dense as Dense
    from .graph import Sparse as Sparse
    from .kernels import AbstractKernel as AbstractKernel
    from .kernels import BoxKernel as BoxKernel
    from .kernels import ExponentialKernel as ExponentialKernel
    from .kernels import GaussianKernel as GaussianKernel
    from .kernels import LinearKernel as LinearKernel
    from .layer import Layer as Layer
    from .release import AbstractRelease as AbstractRelease
    from .saturating import SaturatingRelease as SaturatingRelease
    from .short_term import TsodyksMarkram as TsodyksMarkram
    from .short_term import TsodyksUzielMarkram as TsodyksUzielMarkram
    from .spatial import ByDistance as ByDistance
    from .spatial import Spatial as Spatial
    from .sums import AbstractSums as AbstractSums
    from .sums import AnyOrder as AnyOrder
    from .sums import Deterministic as Deterministic
    from .topology import AbstractTopology as AbstractTopology
    from .topology import AllToAll as AllToAll
    from .topology import OneToOne as OneToOne
    from .unreliable import Bernoulli as Bernoulli
    from .unreliable import Binomial as Binomial
else:
    __getattr__, __dir__ = exports(__name__)
