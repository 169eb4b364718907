"""A connection says how two populations are to be connected; a projection is what was built from it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Int

from .._arguments import is_time, shown
from .._select import Selection, split
from .._text import described, law, numbers
from .._types import Field, check, is_concrete, on_host
from ..connectivity.graph import AbstractConnectivity, AbstractGraph, Sparse, SparseGraph
from ..connectivity.layer import Layer
from ..connectivity.release import AbstractRelease
from ..connectivity.topology import AbstractTopology
from ..distributions import AbstractDistribution
from ..plasticity.base import AbstractModifier, AbstractRule, Chain
from ..plasticity.initial import check_start
from ..plasticity.plastic import Plastic
from ..plasticity.shapes import check_shapes
from ..plasticity.synapse_index import SynapseIndex
from ..synapses.clocked import AbstractClockedSynapse


class Connection(eqx.Module):
    """How one population is connected to a port of another. NEST: `Connect`; Brian2: `Synapses`; PyNN: `Projection`.

    **Arguments:**

    - `pre`, `post`: names; `"E.exc"` names the port where the receiving population has several. `"E[0:10]"`, `"I[3]"`
      or `"I[0,4,7].exc"`: only these neurons take part. Then sizes, degrees, probabilities, indices and the shapes of
      weights and delays are those among the neurons chosen, in the order in which they are named; `release` and `rule`
      have their numbers for whole populations.
    - `topology`: who connects, e.g. `FixedInDegree(100)`. `via`: how it is held, `Sparse()` or `Dense()`.
      Instead of topology, weight and rule: `via=Layer(eqx.nn.Conv2d(...), shape)`, with numbers of its own.
    - `weight`: a number, an array (one number an edge; `(n_pre, n_post)` for `AllToAll`), a distribution, or a function
      of `(key, shape)`. Unit: the port's.
    - `delay`: likewise, ms; None for a same-step edge, on which a population sees another's spikes of the same step.
    - `max_delay`: ms, static; needed only where the largest delay is not known when the network is built.
    - `release`: what a spike sends, e.g. `TsodyksMarkram(...)`; None for every spike alike.
    - `rule`: how weights change, e.g. `PairSTDP()` or `chain(PairSTDP(), Bound(0.0, 1.0))`; None if they do not.
    - `synapse`: synapses with a state of their own that is integrated in every step, made by `snn.equations.synapse`;
      then `post` names a population alone, numbers are those of the synapse, and the delay (0 by default) is that of
      `on_pre`, or one for each pathway by name, `{"pre": 1.0, "post": 0.5}`.
    - `axonal`, `dendritic`: shares of the delay of a plastic synapse, before and behind it, ms, given like `delay`. One
      is enough, the other is the rest; without either the order decides (`NestOrder`: dendritic, `BrianOrder`: axonal).
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    topology: AbstractTopology | None = None
    via: AbstractConnectivity | Layer = eqx.field(default_factory=Sparse, kw_only=True)
    weight: Any = eqx.field(default=1.0, kw_only=True)
    delay: Any = eqx.field(default=None, kw_only=True)
    max_delay: float | None = eqx.field(default=None, static=True, kw_only=True)
    release: AbstractRelease | None = eqx.field(default=None, kw_only=True)
    rule: AbstractRule | AbstractModifier | Chain | None = eqx.field(default=None, kw_only=True)
    axonal: Any = eqx.field(default=None, kw_only=True)
    dendritic: Any = eqx.field(default=None, kw_only=True)
    synapse: AbstractClockedSynapse | None = eqx.field(default=None, kw_only=True)

    def __repr__(self) -> str:
        return described(self)

    def __check_init__(self):
        for name in ("pre", "post"):
            if not isinstance(getattr(self, name), str):
                given = shown(getattr(self, name))
                raise ValueError(
                    f'Connection.{name} is {given}, expected the name of a population, such as "E" or "E.exc".'
                )
            if split(getattr(self, name), f"Connection.{name}")[1] is not None and isinstance(self.via, Layer):
                raise ValueError(
                    f"Connection.{name} is {getattr(self, name)!r}, but a Layer goes from all neurons of a population "
                    "to all of another; leave the brackets out, or give a topology in place of the Layer."
                )
        self._check_synapse()
        given_delays = {"delay": self.delay}
        if self.synapse is not None:
            given_delays = {f"delay[{name!r}]": given for name, given in self.delays.items()}
        others = {name: getattr(self, name) for name in ("max_delay", "axonal", "dendritic")}
        for name, given in {**given_delays, **others}.items():
            known = given is not None and not isinstance(given, AbstractDistribution) and not callable(given)
            if known and not (isinstance(given, (int, float, str, list, tuple)) or hasattr(given, "dtype")):
                raise ValueError(f"Connection.{name} is {shown(given)}, expected a time in ms.")
            if known and not is_time(given):
                raise ValueError(f"Connection.{name} is {shown(given)}, expected a number of ms, or an array of them.")
        if self.max_delay is not None and not (np.ndim(self.max_delay) == 0 and 0 <= self.max_delay < math.inf):
            raise ValueError(f"Connection.max_delay is {self.max_delay!r}, expected one number of ms, 0 or more.")
        if isinstance(self.via, Layer):
            untouched = isinstance(self.weight, float) and self.weight == 1.0
            if not (untouched and self.topology is None and self.rule is None):
                raise ValueError(
                    "Connection.via is a Layer, which has weights of its own; leave topology, weight and rule out."
                )
        elif not isinstance(self.topology, AbstractTopology):
            raise ValueError(f"Connection.topology is {self.topology!r}, expected a topology such as FixedProb(0.1).")
        if not isinstance(self.via, AbstractConnectivity | Layer):
            raise ValueError(f"Connection.via is {self.via!r}, expected Sparse() or Dense(), or Layer(module).")
        if not isinstance(self.release, AbstractRelease | None):
            raise ValueError(
                f"Connection.release is {self.release!r}, expected None or a release such as TsodyksMarkram()."
            )
        if not isinstance(self.rule, AbstractRule | AbstractModifier | Chain | None):
            raise ValueError(
                f"Connection.rule is {self.rule!r}, expected None or a rule such as PairSTDP() or chain(...)."
            )
        if self.rule is None and not (self.axonal is None and self.dendritic is None):
            raise ValueError(
                "Connection.axonal and Connection.dendritic are for plastic synapses; give a rule, or only the delay."
            )

    def _check_synapse(self) -> None:
        if not isinstance(self.synapse, AbstractClockedSynapse | None):
            raise ValueError(
                f"Connection.synapse is {shown(self.synapse)}, expected None or a synapse by snn.equations.synapse."
            )
        if self.synapse is None:
            return
        plain = isinstance(self.weight, float) and self.weight == 1.0 and isinstance(self.via, Sparse)
        if not plain or self.rule is not None or self.release is not None:
            raise ValueError(
                "Connection.synapse has numbers, spikes and changes of its own, one list of synapses; leave weight, "
                f"rule, release and via out: {type(self.synapse).__name__}(w=...) gives weights."
            )

    @property
    def delays(self) -> dict[str, Any]:
        """Of synapses with a state of their own, the delay of each pathway, ms."""
        assert self.synapse is not None
        names = [path.name for path in self.synapse.pathways]
        given = self.delay if isinstance(self.delay, dict) else {"pre": self.delay}
        given = {name: delay for name, delay in given.items() if delay is not None}
        if unknown := set(given) - set(names):
            raise ValueError(
                f"Connection.delay is of {sorted(unknown)[0]!r}, and {type(self.synapse).__name__} has the pathways "
                f"{', '.join(names) or 'none'}; give delays by these names: delay={{name: 1.0}}."
            )
        return {name: given.get(name, 0.0) for name in names}

    @property
    def ends(self) -> tuple[tuple[str, Selection | None], tuple[str, Selection | None]]:
        """Both names, that of the receivers with its port, and the neurons they choose; None for all."""
        return split(self.pre, "Connection.pre"), split(self.post, "Connection.post")


def _longest(delay: Any) -> Any:
    """For a message."""
    return np.max(delay, initial=0) if is_concrete(delay) else "?"


class Learning(eqx.Module):
    """What makes a projection plastic.

    `rule`: a chain whose choices are made. `axonal`: the share of the delay that lies before the synapse, steps, `()`
    or one a synapse. `index`: who meets where, derived from graph and delays.
    """

    rule: Chain
    axonal: Int[Array, "..."]
    index: SynapseIndex

    def of(self, delay: Int[Array, "..."] | None, dt: float) -> Plastic:
        """What a run needs of it, with the present delays."""
        return Plastic(self.rule, self.meeting(delay), dt)

    def meeting(self, delay: Int[Array, "..."] | None) -> SynapseIndex:
        """The index with the present delays."""
        return self.index if delay is None else self.index.delayed(self.axonal, delay - self.axonal)


@dataclasses.dataclass(frozen=True, eq=False)
class Origin:
    """How a projection was written, in words, for summaries: its topology, and the laws of its weights and delays.

    All origins are equal: networks that differ in nothing else are one structure, and one compiled program.
    """

    topology: str
    pattern: str
    weight: str
    delay: str

    @classmethod
    def of(cls, connection: Connection) -> Origin:
        """The origin of what is built from a connection."""
        if isinstance(connection.via, Layer):
            return cls(f"Layer({type(connection.via.module).__name__})", "a module, applied in every step", "", "")
        chosen = f", of {connection.pre} to {connection.post}" if "[" in connection.pre + connection.post else ""
        pattern = " ".join((type(connection.topology).__doc__ or "").split("\n\n")[0].split())
        return cls(law(connection.topology) + chosen, pattern, law(connection.weight), law(connection.delay))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin)

    def __hash__(self) -> int:
        return hash(Origin)


class Projection(eqx.Module):
    """The synapses from one population to one port of another.

    `weight`: shape `()` or one a synapse; of a plastic projection, at the start; None through a `Layer`, whose numbers
    are in `graph.module`, and of a `synapse`, which has its own. `delay`: whole steps, likewise; None on a same-step
    edge. `release`: None where a spike sends itself. `plastic`: None where weights stay. `synapse`: None where there is
    no state; with one, `delays` has those of its pathways, and `delay` is 0. `pre`, `post`, `port`: names. `max_delay`:
    steps, for which there is room. `overflow`, `late`: whether edges had no room, or a delay was out of range.
    `origin`: how it was written.
    """

    pre: str = eqx.field(static=True)
    post: str = eqx.field(static=True)
    port: str = eqx.field(static=True)
    graph: AbstractGraph
    weight: Field[Array | None, Array]  # None: the graph is a module, with weights of its own
    delay: Int[Array, "..."] | None
    max_delay: int = eqx.field(static=True)  # steps
    overflow: Bool[Array, ""]  # a random count of edges had no room
    late: Bool[Array, ""]  # a delay was out of range
    release: AbstractRelease | None = None
    plastic: Learning | None = None
    synapse: AbstractClockedSynapse | None = None
    delays: dict[str, Int[Array, "..."]] = eqx.field(default_factory=dict)
    origin: Origin | None = eqx.field(default=None, static=True)

    def __repr__(self) -> str:
        graph = self.graph if isinstance(self.graph, SparseGraph) and self.graph.start is not None else None
        pre = graph.pre if graph is not None and is_concrete(graph.pre) else None  # a gradient has none
        real = None if pre is None else np.asarray(pre) < self.graph.n_pre
        edges = type(self.graph).__name__.removesuffix("Graph") if real is None else f"{np.sum(real)} synapses"
        pick = lambda x: x if real is None or x.ndim == 0 or not is_concrete(x) else np.asarray(x)[real]
        more = "".join(
            f", {name}={described(part)}"
            for name, part in (
                ("release", self.release),
                ("rule", None if self.plastic is None else self.plastic.rule),
                ("synapse", self.synapse),
            )
            if part is not None
        )
        if self.synapse is not None:
            return f"Projection({self.pre} to {self.post}, {edges}{more})"
        weight = "in its module" if self.weight is None else numbers(pick(self.weight))
        delay = "None (same step)" if self.delay is None else f"{numbers(pick(self.delay))} steps"
        return f"Projection({self.pre} to {self.post}.{self.port}, {edges}, weight={weight}, delay={delay}{more})"

    def __check_init__(self):
        for name, value in (("weight", self.weight), ("delay", self.delay)):
            if value is not None and value.shape not in ((), self.graph.shape):
                raise ValueError(f"Got {name} of shape {value.shape}; expected () or {self.graph.shape}, as synapses.")
        delay, weight = on_host(self.delay), on_host(self.weight)
        if weight is not None:
            check(lambda: abs(weight) < np.inf, "Got a weight that is NaN or infinite; expected finite numbers.")
        if delay is not None:
            check(
                lambda: delay <= self.max_delay,
                f"Got a delay of {_longest(delay)} steps; expected at most {self.max_delay}: build with a larger "
                "max_delay.",
            )
        if self.plastic is not None:
            check_shapes(self.plastic.rule, self.graph.n_pre, self.graph.n_post)
            check_start(self.plastic.rule, self.weight, self.plastic.index)
            if delay is not None:
                axonal = on_host(self.plastic.axonal)
                self.plastic.index.check_delays(axonal, delay - axonal)
        for name, steps in self.delays.items():
            at = on_host(steps)
            check(
                lambda at=at: at <= self.max_delay,
                f"Got a delay of {name!r} of {_longest(steps)} steps; expected at most {self.max_delay}: build with a "
                "larger max_delay.",
            )
        for leaf in jax.tree.leaves(self.synapse):
            if leaf.shape not in ((), self.graph.shape):
                raise ValueError(
                    f"A number of {type(self.synapse).__name__} has shape {leaf.shape}; expected () or "
                    f"{self.graph.shape}, one a synapse."
                )
        if self.apart is not None and self.graph.merged is not None:
            merged = on_host(self.graph.merged)
            check(
                lambda: ~merged,
                f"Got {self.apart} and several synapses between some pairs, of which a matrix holds the sum; use "
                "via=Sparse(), or a topology with multapses=False.",
            )
        for leaf in jax.tree.leaves(self.release):
            if leaf.shape not in ((), (self.graph.n_pre,)):
                raise ValueError(
                    f"A parameter of {type(self.release).__name__} has shape {leaf.shape}; expected () or "
                    f"({self.graph.n_pre},), one number a sending neuron."
                )

    @property
    def apart(self) -> str | None:
        """What makes the synapses of one pair differ, so that one weight is not enough; None for nothing."""
        if self.plastic is not None:
            return "a rule"
        return None if self.reliability is None else type(self.release).__name__

    @property
    def reliability(self) -> Array | None:
        """The probability with which each synapse passes on what is sent; None for certainty."""
        return None if self.release is None else self.release.reliability
