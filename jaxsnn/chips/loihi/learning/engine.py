"""The learning engine: what spikes leave behind in every step, and what an epoch does to synapses when it ends.

Lava's order. In every step: a sender's second spike of an epoch is added to its traces at once, then a receiver's, then
traces come from outside. At the end of an epoch of `E` steps: traces go through the epoch step by step (decay, then the
last spike's impulse), and every variable of a synapse becomes its sum of products, all read before any is written.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Int

from ...._choices import Chosen
from ...._xla import materialised
from ....lowering.storage import stored
from ....models import known
from .parse import parse_rule
from .rounding import AbstractRounding, IndependentRounding
from .rule import FRACTION_BITS, SYNAPSE, TRACES, Product, SumOfProducts
from .trace import LARGEST, History, LoihiTrace, ReceivedTrace

TAGS, DELAYS = (-257, 255), (0, 255)  # what Lava's registers hold


class LearningState(NamedTuple):
    """What a group of synapses has learned, and remembers of the epoch. What no rule uses is None.

    `w`, `t`, `d`: weights (mantissas), tags, delays. `x1` ... `y3`: traces; within an epoch, before its decay.
    `fired_pre`, `fired_post`: the last step of the epoch, from 1, in which a neuron fired; 0 for not at all.
    """

    w: Int[Array, "pre post"]
    t: Int[Array, "pre post"] | None
    d: Int[Array, "pre post"] | None
    x1: Int[Array, " pre"] | None
    x2: Int[Array, " pre"] | None
    y1: Int[Array, " post"] | None
    y2: Int[Array, " post"] | None
    y3: Int[Array, " post"] | None
    fired_pre: Int[Array, " pre"]
    fired_post: Int[Array, " post"]


def _parsed(rule: str | SumOfProducts | None) -> SumOfProducts | None:
    return parse_rule(rule) if isinstance(rule, str) else rule


@stored
class LoihiRule(Chosen):
    """What the learning engine of a Loihi core is told: sums of products of traces, and the traces.

    At the end of every epoch each variable `z` of a synapse changes by `dz = sum_p S_p dependency_p prod_j F_pj`, e.g.
    `dw="2^-4*y0*x1 - 2^-5*u1*w"` (see `SumOfProducts`), in the integers of Lava's `bit_approximate_loihi` model. As
    there, a product of two traces counts an eighth of what the formula says (`Product.scale`).

    **Arguments:**

    - `dw`, `dt`, `dd`: rules for weights, tags and delays, as strings; None leaves the variable as it is. Learned
      delays are numbers to learn with and do not delay spikes (as in Lava).
    - `x1`, `x2` (senders), `y1`, `y2`, `y3` (receivers): `LoihiTrace(impulse, tau)`; a receiver's may be a
      `ReceivedTrace(name)`, which a modulator sets.
    - `epoch`: steps, static, 1..63.
    - `rounding`: `IndependentRounding()`, `NearestRounding()`, or `LavaRounding(seed, steps)` for Lava's numbers.

    **Raises:** ValueError with the position in the string for what is no rule, and for a trace read but not given.

    **Reference:** Davies et al., IEEE Micro 38(1):82 (2018).
    """

    dw: SumOfProducts | None = eqx.field(default=None, converter=_parsed)
    dt: SumOfProducts | None = eqx.field(default=None, converter=_parsed)
    dd: SumOfProducts | None = eqx.field(default=None, converter=_parsed)
    x1: LoihiTrace | None = eqx.field(default=None, kw_only=True)
    x2: LoihiTrace | None = eqx.field(default=None, kw_only=True)
    y1: LoihiTrace | None = eqx.field(default=None, kw_only=True)
    y2: LoihiTrace | None = eqx.field(default=None, kw_only=True)
    y3: LoihiTrace | None = eqx.field(default=None, kw_only=True)
    epoch: int = eqx.field(default=1, static=True, kw_only=True)
    rounding: AbstractRounding = eqx.field(default_factory=IndependentRounding, kw_only=True)

    def __check_init__(self):
        for name in ("dw", "dt", "dd"):
            if not isinstance(rule := getattr(self, name), SumOfProducts | None):
                raise ValueError(f"LoihiRule.{name} is {rule!r}; expected a string such as '2^-4*y0*x1', or None.")
        for name, trace in self.traces.items():
            if not isinstance(trace, LoihiTrace):
                raise ValueError(f"LoihiRule.{name} is {trace!r}; expected LoihiTrace(impulse, tau).")
        if not self.rules:
            raise ValueError("Got a LoihiRule without dw, dt and dd; expected at least one of them.")
        if not (isinstance(self.epoch, int) and not isinstance(self.epoch, bool) and 1 <= self.epoch <= 63):
            raise ValueError(f"LoihiRule.epoch is {self.epoch!r}; expected a whole number of steps from 1 to 63.")
        missing = self.reads.intersection(TRACES) - self.traces.keys()
        if missing:
            add = f"{min(missing)}=LoihiTrace(impulse, tau)"
            raise ValueError(f"The rules read {known(missing)}, which are not given; add {add}.")
        for name, trace in self.traces.items():
            if name[0] == "x" and isinstance(trace, ReceivedTrace):
                raise ValueError(
                    f"LoihiRule.{name} is ReceivedTrace({trace.name!r}); only receivers' traces y1 y2 y3 can be."
                )
        every = {p.dependency for rule in self.rules.values() for p in rule.products if p.dependency[0] == "u"}
        if len(every) > 1:
            raise ValueError(f"The rules depend on {known(every)}; expected one u for all rules.")

    @property
    def rules(self) -> dict[str, SumOfProducts]:
        """The rules by the variable that they change."""
        given = {"w": self.dw, "t": self.dt, "d": self.dd}
        return {name: rule for name, rule in given.items() if rule is not None}

    @property
    def traces(self) -> dict[str, LoihiTrace]:
        """The traces by name."""
        return {name: trace for name in TRACES if (trace := getattr(self, name)) is not None}

    @property
    def reads(self) -> frozenset[str]:
        """Every variable that a rule reads."""
        return frozenset().union(*(rule.variables for rule in self.rules.values()))

    def describe(self) -> list[str]:
        """The sums of products, and the traces that they read, a line each."""
        every = "every step" if self.epoch == 1 else f"every {self.epoch} steps"
        rounding = type(self.rounding).__name__
        lines = [f"d{name} = {products}, {every}, {rounding}" for name, products in self.rules.items()]
        for name, trace in self.traces.items():
            received = isinstance(trace, ReceivedTrace)
            source = f"what {trace.name!r} says" if received else f"impulse {int(trace.impulse) / 256:g}"
            lines.append(f"{name}: {source}, time constant {trace.tau:.4g} steps")
        return lines

    def init(self, weight: Int[Array, "pre post"], tag: Array | None = None, delay: Array | None = None):
        """The state before any spike. `tag`, `delay`: where they start; zero by default. Matrices that no rule uses are
        kept if they were given as matrices."""
        n = {"x": weight.shape[0], "y": weight.shape[1]}
        used = self.reads | self.rules.keys()
        start = lambda name, given: (
            jnp.broadcast_to(jnp.int32(0) if given is None else given, weight.shape).astype(jnp.int32)
            if name in used or (given is not None and jnp.ndim(given))
            else None
        )
        zeros = {name: jnp.zeros(n[name[0]], jnp.int32) if name in self.traces else None for name in TRACES}
        fired = jnp.zeros(n["x"], jnp.int32), jnp.zeros(n["y"], jnp.int32)
        w = weight.astype(jnp.int32)
        return LearningState(w, start("t", tag), start("d", delay), **zeros, fired_pre=fired[0], fired_post=fired[1])

    def step(
        self,
        s: LearningState,
        pre: Bool[Array, " pre"],
        post: Bool[Array, " post"],
        modulators: dict[str, Array],
        t: Int[Array, ""],
        *,
        range: tuple[int, int] = (-256, 255),
        stream: Array,
    ) -> LearningState:
        """Step `t`, with its spikes. `range`: of weights. `stream`: two words for the random numbers."""
        s = self._hear(s, pre, post, modulators, t, stream)
        if self.epoch == 1:
            return self._close(s, t, range, stream)
        return lax.cond((t + 1) % self.epoch == 0, lambda s: self._close(s, t, range, stream), lambda s: s, s)

    def _hear(self, s: LearningState, pre: Array, post: Array, modulators: Any, t: Array, stream: Array):
        """What spikes and modulators leave at once."""
        new = {}
        for name, trace in self.traces.items():
            value = getattr(s, name)
            spikes, fired = (pre, s.fired_pre) if name[0] == "x" else (post, s.fired_post)
            if isinstance(trace, ReceivedTrace):
                given = jnp.clip(_modulator(modulators, trace.name), 0, LARGEST).astype(jnp.int32)
                new[name] = jnp.broadcast_to(given, value.shape)
            elif self.epoch > 1:
                random = self.rounding.early(name, t, value.shape[0], stream=stream)
                new[name] = trace.add(value, spikes & (fired > 0), random)
        now = t % self.epoch + 1
        return s._replace(
            fired_pre=jnp.where(pre, now, s.fired_pre), fired_post=jnp.where(post, now, s.fired_post), **new
        )

    def _close(self, s: LearningState, t: Array, range: tuple[int, int], stream: Array) -> LearningState:
        """The end of an epoch: traces decay through it, synapses change, spikes are forgotten."""
        # written once, or XLA computes what is true of a neuron again in each of its synapses
        histories, tables = materialised(partial(self._of_neurons, t=t, stream=stream), t, s)
        x0, y0 = (s.fired_pre > 0)[:, None].astype(jnp.int32), (s.fired_post > 0)[None].astype(jnp.int32)

        def gate(dependency: str) -> Array:
            if dependency[0] == "u":
                return (((t + 1) // self.epoch) % 2 ** int(dependency[1:]) == 0).astype(jnp.int32)
            return x0 if dependency == "x0" else y0

        def read(name: str, dependency: str) -> Array:
            if name in SYNAPSE:
                return getattr(s, name)
            if name in ("x0", "y0"):
                return x0 if name == "x0" else y0
            side, history = name[0], histories[name]
            across = 1 if side == "x" else 0
            if dependency[0] not in (side, "u"):
                other = s.fired_post if side == "x" else s.fired_pre
                return _when(history.every, other, across=across)
            return jnp.expand_dims(history.last if dependency[0] == "u" else history.own, across)

        def addend(key: str, product: Product) -> Array:
            if key in tables:
                fired, across = (s.fired_post, 1) if product.dependency == "y0" else (s.fired_pre, 0)
                return _when(tables[key], fired, across=across)
            return product(gate(product.dependency), lambda name: read(name, product.dependency))

        new: dict[str, Any] = {}
        for name, rule in self.rules.items():
            value = getattr(s, name)
            total = rule(value << FRACTION_BITS, lambda k, product, name=name: addend(f"{name}{k}", product))
            random = self.rounding.synapse(name, t, self.epoch, value.shape, stream=stream)
            up = random < (total & (2**FRACTION_BITS - 1))
            bounds = {"w": range, "t": TAGS, "d": DELAYS}[name]
            new[name] = jnp.clip((total >> FRACTION_BITS) + up.astype(jnp.int32), *bounds)
        for name, trace in self.traces.items():
            if not isinstance(trace, ReceivedTrace):
                new[name] = histories[name].last
        return s._replace(fired_pre=jnp.zeros_like(s.fired_pre), fired_post=jnp.zeros_like(s.fired_post), **new)

    def _products(self) -> dict[str, Product]:
        """Every product, by the variable that it changes and its place in the rule."""
        return {f"{name}{k}": p for name, rule in self.rules.items() for k, p in enumerate(rule.products)}

    def _of_neurons(self, s: LearningState, *, t: Array, stream: Array):
        """Traces through the epoch, and tables of what products add that know one side but for when the other fired."""
        histories = {name: self._history(s, name, t, stream) for name in self.traces}
        tables = {}
        for key, product in self._products().items():
            side = {"y0": "x", "x0": "y"}.get(product.dependency)
            names = {factor.variable for factor in product.factors} - {product.dependency}
            if side is None or not names or any(name[0] != side for name in names):
                continue
            flag = (s.fired_pre if side == "x" else s.fired_post)[None] > 0
            read = lambda name, flag=flag: histories[name].every if name in histories else flag.astype(jnp.int32)
            one = lambda name, read=read, d=product.dependency: jnp.int32(1) if name == d else read(name)
            value = product(jnp.int32(1), one)
            tables[key] = jnp.broadcast_to(value, (self.epoch, flag.shape[1]))
        return histories, tables

    def _history(self, s: LearningState, name: str, t: Array, stream: Array) -> History:
        trace, value = self.traces[name], getattr(s, name)
        fired, n = s.fired_pre if name[0] == "x" else s.fired_post, value.shape[0]
        steps = jnp.arange(1, self.epoch + 1, dtype=jnp.int32)

        def one(value: Array, q: Array) -> tuple[Array, Array]:
            value = trace.decay(value, self.rounding.decay(name, t, q, self.epoch, n, stream=stream))
            value = trace.add(value, fired == q, self.rounding.impulse(name, t, q, self.epoch, n, stream=stream))
            return value, value

        _, every = lax.scan(one, value, steps, unroll=min(self.epoch, 2))
        return History(every, jnp.sum(jnp.where(fired[None] == steps[:, None], every, 0), axis=0))


def _when(every: Int[Array, "epoch n"], fired: Int[Array, " m"], *, across: int) -> Int[Array, "..."]:
    """What one side has in the step in which the other side fired last, or 0; `across`: the axis of the other side.

    A chain of selections is one pass over the synapses (1024 x 1024, epochs of 4 steps: 0.3 ms, where a gather or a
    product costs 7 on a CPU). Long epochs take the product with rows that are 1 in that step: exact in floats.
    """
    length = every.shape[0]
    if length > 8:
        there = (fired[None] == jnp.arange(1, length + 1, dtype=jnp.int32)[:, None]).astype(jnp.float32)
        rows = every.astype(jnp.float32)
        both = (rows, there) if across == 1 else (there, rows)
        return jnp.einsum("qi,qj->ij", *both).astype(jnp.int32)
    value = jnp.int32(0)
    for q in range(length):
        value = jnp.where(jnp.expand_dims(fired, 1 - across) == q + 1, jnp.expand_dims(every[q], across), value)
    return value


def _modulator(modulators: dict[str, Array], name: str) -> Array:
    if name not in modulators:
        raise ValueError(f"A trace is ReceivedTrace({name!r}), but drives give the modulators {known(modulators)}.")
    return modulators[name]
