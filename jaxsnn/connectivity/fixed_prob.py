"""Graphs in which every pair is connected with the same probability."""

from typing import ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array

from .. import _random
from .._types import Param, check, is_concrete, param
from .asking import AbstractDrawn, Degrees, Drawing, Draws, Key
from .drawing import listed, marked, put_together, rows_in_pieces, step_over
from .topology import coarse, fits, given, likely_most, most_of


class FixedProb(AbstractDrawn):
    """Every pair with probability `p`, independently: a binomial out-degree, then that many of a random permutation.

    NEST: `pairwise_bernoulli`; PyNN: `FixedProbabilityConnector`; Brian2: `connect(p=...)`.

    **Arguments:** `p`: probability, shape (). `autapses`: whether a neuron may connect to itself, where pre and post
    are one population. `most`: static, the largest `p`, needed where `p` is traced.
    """

    pairwise: ClassVar[bool] = True
    p: Param = param()
    autapses: bool = eqx.field(default=True, static=True)
    most: float | None = eqx.field(default=None, static=True)

    def __check_init__(self):
        p = np.asarray(self.p) if is_concrete(self.p) else self.p
        check(lambda: (p >= 0) & (p <= 1), f"FixedProb got p={p}; expected a probability in [0, 1].")
        if self.p.ndim:
            raise ValueError(f"FixedProb.p has shape {self.p.shape}; expected one probability.")
        if self.most is not None:
            real = isinstance(self.most, (int, float, np.floating)) and not isinstance(self.most, bool)
            check(real and 0 <= self.most <= 1, f"FixedProb got most={self.most}; expected a probability in [0, 1].")
            most = self.p.dtype.type(self.most)  # rounded as p is
            check(lambda: p <= most, f"FixedProb got p={p}, more than most={self.most}; give a larger `most`.")

    def drawing(self, key: Key, n_pre: int, n_post: int, *, loop: bool) -> Drawing:
        skip_self, most = loop and not self.autapses, float(most_of(self, "p"))
        others = n_post - 1 if skip_self else n_post
        if others < 1:
            return given(n_pre, n_post, np.zeros(0), np.zeros(0))
        if is_concrete(key, self):
            key = _random.derived(key)
            degree = self._degrees(key, n_pre, others)
            drawn = rows_in_pieces(key, "post", degree, n_post, skip_self, False)
            return given(n_pre, n_post, *put_together(drawn, int(degree.sum(dtype=np.int64))))
        capacity = self._capacity(n_pre, others)
        degree = yield Degrees(key, "out-degree", self.p, n_pre, others, most)
        drawn = yield Draws(key, "post", degree, capacity, others, varies=not is_concrete(self))
        post = step_over(drawn.first, drawn.row) if skip_self else drawn.first
        edges = marked((drawn.row, post, drawn.valid), n_pre, n_post)
        return listed(*edges, drawn.overflow | ~((self.p >= 0) & (self.p <= most)), n_pre, n_post)

    def pieces(self, key, n_pre, n_post, *, loop):
        skip_self = loop and not self.autapses
        others = n_post - 1 if skip_self else n_post
        if others > 0:
            degree = self._degrees(key, n_pre, others)
            for _, pre, post in rows_in_pieces(key, "post", degree, n_post, skip_self, False):
                yield pre, post

    def _degrees(self, key: Array, n_pre: int, others: int) -> np.ndarray:
        """The out-degrees, on the host."""
        self._capacity(n_pre, others)
        most = float(most_of(self, "p"))
        word = _random.words(_random.host_stream(key, "out-degree"), 0, np.arange(n_pre, dtype=np.uint32))[0]
        return _random.binomial_on_host(word, others, min(self.p.item(), most), most)

    def _capacity(self, n_pre: int, others: int) -> int:
        return fits("FixedProb", coarse(self._likely(n_pre, others)))

    def _likely(self, n_pre: int, others: int) -> int:
        """Places for the edges of nearly every draw."""
        most, pairs = float(most_of(self, "p")), n_pre * others
        return likely_most(pairs * most, pairs * most * (1 - most), pairs)

    def places(self, n_pre: int, n_post: int, drawn: int) -> int:
        return coarse(max(self._likely(n_pre, n_post), drawn))

    def fan_out(self, n_pre: int, n_post: int) -> int:
        p = float(most_of(self, "p"))
        return likely_most(n_post * p, n_post * p * (1 - p), n_post)
