"""Poisson sources on cores of SpiNNaker: `SpikeSourcePoisson`, number for number."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int, UInt32

from ..._status import Status, bit
from ..._types import Param, Register, Requirement, is_concrete, register
from ...lowering.cells import AbstractCells, gains
from ...lowering.registers import span, whole
from ...lowering.storage import stored
from ...models import known
from .arithmetic import exp_fract, high, product, word_field, words
from .jkiss import Jkiss, is_valid
from .variates import normal_table, square_root

SOURCES = 500  # of a core: the host's default
NEVER = 2**31 - 1  # the end of sources that have none
SLOW, FAST = 655, 10 << 16  # spikes a step in 2^-16: up to where intervals are drawn, and counts by multiplication
SCALE = 1000  # by which intervals are multiplied
_FULL = np.uint32(2**32 - 1)
_MOST = (2**32 - 1) // SCALE  # steps a ms, in 2^-16


class Means(NamedTuple):
    """What the program computes of a rate: `exp(-lambda)`, u0.32, of fast sources; `sqrt(lambda)`, accum, of the
    fastest; the mean interval in steps of slow ones. What a source has no use for is 0.
    """

    left: UInt32[Array, "..."]
    root: Int[Array, "..."]
    interval: UInt32[Array, "..."]


def means(rate: Array, per_step: Array, per_ms: Array) -> Means:
    """Of rates in Hz, u16.16; `per_step`: seconds a step, u0.32; `per_ms`: steps a ms, u16.16. All of it floors."""
    mean = high(rate, per_step)
    fast, fastest = mean >= SLOW, mean >= FAST
    half = (mean >> 1).astype(jnp.int32)
    left = exp_fract(-half) & jnp.uint32(0xFFFF0000)
    slow = ~fast & (rate > 1)
    return Means(
        jnp.where(fast & ~fastest, left, jnp.uint32(0)),
        jnp.where(fastest, square_root(half), 0),
        jnp.where(slow, SCALE * per_ms // jnp.maximum(rate, 1), jnp.uint32(0)),
    )


class Turn(NamedTuple):
    """Sources of a core that draw, one after the other: one number of the generator at a time.

    `place`: of the source in the order. `last`: the number before, or the product of those of a fast source. `first`,
    `phase`, `units`: of an exponential variate. `count`, `time`: spikes of the source, and intervals between them.
    """

    generator: Jkiss
    place: Int[Array, " cores"]
    first: UInt32[Array, " cores"]
    last: UInt32[Array, " cores"]
    phase: Int[Array, " cores"]
    units: Int[Array, " cores"]
    count: Int[Array, " cores"]
    time: UInt32[Array, " cores"]


def in_turn(
    generator: Jkiss,
    draws: Bool[Array, "cores sources"],
    waits: UInt32[Array, "cores sources"],
    of: Means,
    least: int,
) -> tuple[Jkiss, Array, Array]:
    """The generators, the times to the next spikes and the counts, after every source that draws has drawn.

    A fast source multiplies uniform numbers `u` until the product is at most `exp(-lambda)`, and its count is how many
    products were more (Knuth). The fastest round `(1/2 N + sqrt(lambda))^2`. A slow one adds intervals, exponential
    variates times their mean, until its next spike is at least `least` away. A variate is von Neumann's: in a run of
    numbers that fall, up to the first that does not, the first number if the run is odd; else another run, and 1 more.
    """
    cores, width = draws.shape
    rows, lanes = jnp.arange(cores), jnp.broadcast_to(jnp.arange(width, dtype=jnp.int32), (cores, width))
    upto = jnp.cumsum(draws, axis=1, dtype=jnp.int32)
    place = jnp.where(draws, upto - 1, width)
    order = jnp.zeros((cores, width), jnp.int32).at[rows[:, None], place].set(lanes, mode="drop")
    normal, many = jnp.asarray(normal_table()), upto[:, -1]

    def draw(carry: tuple[Turn, Array, Array]) -> tuple[Turn, Array, Array]:
        s, times, sent = carry
        works = s.place < many
        i = order[rows, jnp.minimum(s.place, width - 1)]
        left, root, interval, waited = (x[rows, i] for x in (*of, waits))
        generator, u = s.generator.drawn()
        fast, fastest, begins = left > 0, root > 0, s.phase == 0
        product = high(s.last, u)
        more = fast & (product > left)
        rises, falls = (s.phase == 1) & (s.last < u), (s.phase == 2) & (u < s.last)
        found = ~fast & ~fastest & rises
        interval = spaced((s.units << 15) + (s.first >> 17).astype(jnp.int32)) * interval
        time = s.time + jnp.where(found, interval, 0)
        done = fastest | (fast & ~more) | (found & (waited + time >= least))
        gaussian = rounded((normal[(u >> 16) ^ 0x8000] >> 1) + root)
        count = jnp.where(fastest, gaussian, s.count + (more | found).astype(jnp.int32))
        again, rejected = fast | found | fastest, (s.phase == 2) & ~falls
        new = Turn(
            generator,
            s.place + done.astype(jnp.int32),
            jnp.where(begins, u, s.first),
            jnp.where(done, _FULL, jnp.where(fast, product, u)),
            jnp.where(again | rejected, 0, jnp.where(begins | falls, 1, 2)),
            jnp.where(again, 0, s.units + rejected.astype(jnp.int32)),
            jnp.where(done, 0, count),
            jnp.where(done, 0, time),
        )
        at = jnp.where(works & done, i, width)
        times, sent = (x.at[rows, at].set(y, mode="drop") for x, y in ((times, time), (sent, count)))
        return jax.tree.map(lambda x, old: jnp.where(works, x, old), new, s), times, sent

    none, unsigned = jnp.zeros(cores, jnp.int32), jnp.zeros(cores, jnp.uint32)
    start = Turn(generator, none, unsigned, jnp.full(cores, _FULL), none, none, none, unsigned)
    nothing = jnp.zeros((cores, width), jnp.int32)
    carry = start, nothing.astype(jnp.uint32), nothing
    end, times, sent = lax.while_loop(lambda carry: jnp.any(carry[0].place < many), draw, carry)
    return end.generator, waits + times, sent


def spaced(x: Int[Array, "..."]) -> UInt32[Array, "..."]:
    """An accum times 1000, to the nearest whole number, halves upwards."""
    return _to_nearest(x * SCALE).astype(jnp.uint32)


def rounded(x: Int[Array, "..."]) -> Int[Array, "..."]:
    """The square of an accum, floored and then rounded to a whole number, halves upwards."""
    return _to_nearest(product(x, x))


def _to_nearest(x: Int[Array, "..."]) -> Int[Array, "..."]:
    return (x >> 15) + ((x >> 14) & 1)


class PoissonState(NamedTuple):
    """Spikes of the last step; of slow sources the time to the next, in thousandths of a step; and the generators."""

    sent: Int[Array, " n"]
    waits: UInt32[Array, " n"]
    generator: UInt32[Array, "cores 4"]


@stored
class PoissonCells(AbstractCells):
    """`SpikeSourcePoisson`: sources that send a number of spikes in a step, drawn on their cores. Nothing feeds them.

    With `lambda` spikes a step in the mean, one of three methods is used: below 0.01 a time to the next spike is
    counted down, of which the mean is a whole number of steps; up to 10 counts are drawn by Knuth's method, with
    `exp(-lambda)` of 16 bits; from there on they are squares of normal variates. Sources of a core share its generator,
    and take numbers from it in their order.

    **Arguments**, words of the machine: `rate`: `()` or `(n,)`, Hz in units of 2^-16. `seed`: `(cores, 4)`, of
    `source_seeds` or of your own (`y` not 0, `c` from 1 to 698 769 068). `start`, `end`: steps; spikes are sent from
    `start` on and before `end`. `per_step`: seconds a step, in units of 2^-32; `per_ms`: steps a millisecond, of 2^-16.
    `message_bits`: of the number of spikes a step, static; what is more is cut, with a status bit. `sources`: of a
    core, static; the last core has the rest.

    **Reference:** sPyNNaker 7.4.1, as compiled. J. von Neumann, Appl. Math. Ser. 12:36 (1951) for the intervals.
    """

    n: int = eqx.field(static=True)
    rate: Param = word_field()
    seed: Array = eqx.field(converter=words, kw_only=True)
    start: Register = register(0, within=(0, NEVER), kw_only=True)
    end: Register = register(NEVER, within=(0, NEVER), kw_only=True)
    per_step: Param = word_field(round(2**32 * 1e-3))
    per_ms: Param = word_field(1 << 16)
    message_bits: int = eqx.field(default=8, static=True, kw_only=True)
    sources: int = eqx.field(default=SOURCES, static=True, kw_only=True)
    ports: dict[str, Array] = eqx.field(default_factory=dict, converter=gains, kw_only=True)
    means: Means | None = eqx.field(default=None, kw_only=True)  # `prepare` fills it in

    autonomous = True

    def __check_init__(self):
        whole(self, message_bits=1, sources=1)
        if self.message_bits > 16:
            raise ValueError(f"PoissonCells.message_bits is {self.message_bits}; expected 1 to 16.")
        if self.ports:
            raise ValueError(f"PoissonCells have ports {known(self.ports)}; expected none, as nothing feeds them.")
        if self.seed.shape != (self.cores, 4):
            raise ValueError(
                f"PoissonCells.seed has shape {self.seed.shape}; expected {(self.cores, 4)}: four words for each core "
                f"of {self.sources} sources, as source_seeds(seed, cores={self.cores}) makes them."
            )

    def requirements(self):
        seed, per_ms = self.seed, self.per_ms
        seeds = "PoissonCells.seed has a y of 0, or a c outside 1 to 698769068; expected what source_seeds(...) makes."
        clock = f"PoissonCells.per_ms is {per_ms}; expected 1 to {_MOST} (65 steps a ms)."
        return (
            *super().requirements(),
            Requirement(lambda: is_valid(seed), lambda: seeds),
            Requirement(lambda: (per_ms > 0) & (per_ms <= _MOST), lambda: clock),
        )

    @property
    def cores(self) -> int:
        """How many cores the sources are on."""
        return -(-self.n // self.sources)

    def prepare(self, into):
        return dataclasses.replace(self, means=means(self.rate, self.per_step, self.per_ms))

    def _by_core(self, x: Array) -> Array:
        """Numbers of sources, `()` or `(n,)`, by core; those that fill up the last core are 0."""
        each, width = jnp.broadcast_to(x, (self.n,)), min(self.n, self.sources)
        return jnp.pad(each, (0, self.cores * width - self.n)).reshape(self.cores, width)

    def _drawn(self, of: Means, generator: Array, draws: Array, waits: Array, least: int) -> tuple[Array, Array, Array]:
        """Generators, times and counts after the sources that draw have drawn."""
        cores = lambda x: self._by_core(x)
        state, waits, sent = in_turn(
            Jkiss(*generator.T), cores(draws), cores(waits), Means(*map(cores, of)), least
        )  # fmt: skip
        return jnp.stack(state, axis=1), waits.reshape(-1)[: self.n], sent.reshape(-1)[: self.n]

    def init(self):
        """All slow sources draw the time of their first spike, those without a rate too."""
        of = means(self.rate, self.per_step, self.per_ms)
        slow = jnp.broadcast_to((of.left == 0) & (of.root == 0), (self.n,))
        none = jnp.zeros(self.n, jnp.uint32)
        generator, waits, _ = self._drawn(of, jnp.asarray(self.seed), slow, none, 0)
        return PoissonState(jnp.zeros(self.n, jnp.int32), waits, generator)

    def step(self, s, arrived, fed, t, *, stream):
        of = means(self.rate, self.per_step, self.per_ms) if self.means is None else self.means
        active = (t >= self.start) & (t < self.end)
        slow = active & (of.interval > 0)
        draws = jnp.broadcast_to(active & ((of.left > 0) | (of.root > 0)) | (slow & (s.waits < SCALE)), (self.n,))
        generator, waits, sent = self._drawn(of, s.generator, draws, s.waits, SCALE)
        waits = jnp.where(slow, waits - SCALE, waits)
        kept = jnp.minimum(sent, 2**self.message_bits - 1)
        return PoissonState(kept, waits, generator), kept, bit(Status.INPUT_OVERFLOW, kept != sent)

    def describe(self):
        hz = span(np.asarray(self.rate) / 2**16) if is_concrete(self.rate) else "traced"
        return f"PoissonCells on {self.cores} core(s), {hz} Hz"
