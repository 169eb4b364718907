"""Random numbers as a pure function of (stream, step, id): no state, no key to split, the same numbers in any order.

The generator is Threefry-2x32 with 13 rounds, the fewest that pass BigCrush (Salmon, Moraes, Dror and Shaw, "Parallel
random numbers: as easy as 1, 2, 3", SC 2011). For one stream the map from (id, step) to its two words is a bijection of
64-bit numbers, so no two draws of a stream share both words. Everything is uint32: x64 is never needed.
"""

from .blocks import Blocks as Blocks
from .counts import BinomialTables as BinomialTables
from .counts import PoissonTable as PoissonTable
from .counts import binomial as binomial
from .counts import binomial_on_host as binomial_on_host
from .counts import poisson as poisson
from .counts import poisson_of_several as poisson_of_several
from .generator import threefry as threefry
from .generator import words as words
from .keys import KeyPath as KeyPath
from .keys import as_key as as_key
from .keys import derived as derived
from .keys import folded as folded
from .keys import host_stream as host_stream
from .keys import named_key as named_key
from .keys import opened as opened
from .keys import stream as stream
from .keys import streams as streams
from .keys import streams_of as streams_of
from .numbers import below as below
from .numbers import normal as normal
from .numbers import uniform as uniform
from .permutations import Domain as Domain
from .permutations import permute as permute
from .permutations import permute_on_host as permute_on_host
from .permutations import permuted as permuted
from .thresholds import Thresholds as Thresholds
from .together import PoissonTables as PoissonTables
