"""From a connection to a projection: edges are drawn and laid out, weights and delays drawn and checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from .. import _random
from .._blocks import filled
from .._time import LAST
from .._time import steps as to_steps
from .._types import check, is_concrete, on_device
from ..connectivity.asking import Drawing, Numbers, Starts, alone, together
from ..connectivity.chosen import Among, End
from ..connectivity.from_arrays import FromArrays
from ..connectivity.graph import AbstractGraph, DenseGraph
from ..connectivity.layer import Layer
from ..connectivity.spatial import ByDistance
from ..connectivity.topology import Edges, coarse
from ..distributions import AbstractDistribution, draw, drawn
from ..plasticity.base import chain
from ..plasticity.draws import drawn_rule
from ..plasticity.synapse_index import synapse_index
from .clocked import clocked_projection
from .order import AbstractOrder
from .projection import Connection, Learning, Origin, Projection


class Link(NamedTuple):
    """A connection, the key of its projection, its ends with the neurons it is between, and the port."""

    connection: Connection
    path: _random.KeyPath
    pre: End
    post: End
    port: str

    @property
    def among(self) -> Among:
        assert self.connection.topology is not None
        return Among(self.connection.topology, self.pre, self.post)

    def edges(self, among: Among) -> Drawing:
        path = self.at("edges")
        return among.local(path.key() if is_concrete(path) else path)

    def at(self, part: str) -> _random.KeyPath:
        return _random.KeyPath(self.path.root, (*self.path.names, part))


class Given(NamedTuple):
    """The edges of a projection as `_Layout` has them, and the numbers that are drawn for them together with those of
    others, by part.
    """

    local: Edges
    edges: Edges
    moved: Any
    numbers: dict[str, Array]


PARTS = ("weight", "delay", "axonal", "dendritic")


def drawn_together(links: dict[str, Link]) -> dict[str, Given]:
    """The draws of all connections that are part of a program; those of others are left to `build`."""

    def drawing(link: Link) -> Generator[Any, Any, Given]:
        among = link.among
        local = yield from link.edges(among)
        edges, moved = among.numbered(local)
        numbers = {}
        for part in PARTS:
            asked = Numbers.of(link.at(part), getattr(link.connection, part), local.pre.size)
            if asked is not None:
                numbers[part] = yield asked
        if not is_concrete(edges):
            varies = not is_concrete(among.topology)
            edges = dataclasses.replace(edges, start=(yield Starts(edges.pre, edges.n_pre, varies)))
        return Given(local, edges, moved, numbers)

    drawings = {
        name: drawing(link)
        for name, link in links.items()
        if not isinstance(link.connection.via, Layer) and not is_concrete(link.path, link.connection)
    }
    return together(drawings, lambda name: _naming(name, links[name]))


@contextmanager
def _naming(name: str, link: Link) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"Projection {name!r} ({link.connection.pre} to {link.connection.post}): {error}") from None


def build(name: str, link: Link, given: Given | None, *, dt: float, order: AbstractOrder) -> Projection:
    """The projection that `link` describes. Works on concrete values and on traced ones, with the same edges.

    `given`: what is drawn already.
    """
    with _naming(name, link):
        connection, path, pre, post, port = link
        key = path.key()
        release = (
            None
            if connection.release is None
            else drawn(connection.release, _random.named_key(key, "release"), (pre.n,))
        )
        connection = eqx.tree_at(lambda l: l.release, connection, release, is_leaf=lambda x: x is None)
        if isinstance(connection.via, Layer):
            return _through_layer(connection, connection.via, key, pre, post, port, dt, order)
        among = link.among
        if given is None:
            local = alone(link.edges(among))
            given = Given(local, *among.numbered(local), {})
        local, edges, moved, numbers = given
        graph = connection.via.lay(edges, among.topology if among.whole else among)
        layout = _Layout(connection, local, graph, key, dt, among, edges, moved, numbers)
        if connection.synapse is not None:
            return clocked_projection(layout, port, order)
        weight = layout.laid(connection.weight, "weight")
        if connection.rule is None:
            delay = _total(layout, order)
            plastic = None
        else:
            delay, plastic = _learning(layout, order)
        steps, longest, late = (None, 0, _array(np.False_)) if delay is None else delay.as_arrays()
        return Projection(
            pre.name,
            post.name,
            port,
            layout.graph,
            weight,
            steps,
            longest,
            edges.overflow,
            late,
            connection.release,
            plastic,
            origin=Origin.of(connection),
        )


def _through_layer(
    connection: Connection, layer: Layer, key: Array, pre: End, post: End, port: str, dt: float, order: AbstractOrder
) -> Projection:
    """A projection whose synapses are a module: one delay, and no numbers of its own."""
    graph, late = layer.lay(pre.n, post.n), _array(np.False_)
    if connection.release is not None and connection.release.reliability is not None:
        raise ValueError(f"{type(connection.release).__name__} draws for each synapse, and a Layer has no list of them")
    if not (connection.delay is None or (_given(connection.delay) and jnp.ndim(connection.delay) == 0)):
        raise ValueError(
            f"delay is {connection.delay!r}; a Layer has one for all its synapses: give a number of ms, or None"
        )
    none = _array(np.zeros(0, np.int32))
    edges = Edges(none, none, late, pre.n, post.n)
    delay = _total(_Layout(connection, edges, graph, key, dt), order)
    steps, longest, late = (None, 0, late) if delay is None else delay.as_arrays()
    given = (pre.name, post.name, port, graph, None, steps, longest, edges.overflow, late, connection.release)
    return Projection(*given, origin=Origin.of(connection))


class _Delay(NamedTuple):
    """Whole steps; the longest there is room for, static; and whether any was out of range.

    By NumPy where they are known: nothing is compiled for them.
    """

    steps: Int[Any, "..."]
    longest: int
    late: Bool[Any, ""]

    def as_arrays(self) -> _Delay:
        return _Delay(_array(self.steps), self.longest, _array(self.late))


def _array(x: Any) -> Array:
    """An array of JAX, known inside a program where it is known."""
    return x if isinstance(x, jax.Array) else on_device(x)


def _known(*xs: Any) -> tuple[Any, ...]:
    """NumPy, and the arguments as its arrays, if all of them are known; otherwise JAX's own, and as they are."""
    return (np, *map(np.asarray, xs)) if is_concrete(xs) else (jnp, *xs)


class _Layout(NamedTuple):
    """How numbers that are given or drawn for every edge become numbers of every synapse.

    `local`: the edges among the neurons that the connection chooses, in the order in which numbers are given and drawn;
    `edges`: the same in the numbers of the populations, in the order `moved`, where that is another.
    """

    connection: Connection
    local: Edges
    graph: AbstractGraph
    key: Array
    dt: float
    among: Among | None = None  # None for a Layer, which has no edges
    edges: Edges | None = None
    moved: Any = None
    drawn: Mapping[str, Array] = MappingProxyType({})  # by part

    def laid(self, value: Any, part: str) -> Array:
        """Drawn if need be, in the shape in which the graph holds them, or `()`."""
        graph, among, count = self.graph, self.among, self.local.pre.shape
        pair = (self.local.n_pre, self.local.n_post)
        if eqx.is_array(value) and value.ndim == 2 and isinstance(graph, DenseGraph) and value.shape == pair:
            return value if among is None or among.whole else among.matrix(value)  # a matrix, given as a matrix
        if isinstance(value, (np.ndarray, jax.Array)) and value.shape == pair and count == (value.size,):
            value = value.reshape(-1)
        if isinstance(value, ByDistance):
            assert among is not None
            return self._arranged(value.of(self.local, among.pre.at, among.post.at))
        drawn = self.drawn.get(part)
        numbers = draw(value, _random.named_key(self.key, part), count, name=part) if drawn is None else drawn
        if numbers.ndim and isinstance(self.connection.topology, FromArrays) and _given(value):
            _, known, order = _known(numbers, self.connection.topology.order())
            numbers = _array(known[order])  # given in the order of the user's edges
        return numbers if numbers.ndim == 0 else self._arranged(numbers)

    def _arranged(self, numbers: Array) -> Array:
        """Numbers of the local edges, in the shape of the graph."""
        if self.moved is not None:
            _, known, order = _known(numbers, self.moved)
            numbers = _array(known[order])
        return self.graph.arrange(numbers, self.local if self.edges is None else self.edges)

    def delay(self, value: Any, part: str, shortest: int) -> _Delay:
        """Milliseconds in whole steps, from `shortest` on."""
        dt, exact = self.dt, _given(value)
        wanted = to_steps(value, dt, name=part) if exact else self._drawn_steps(self.laid(value, part))
        longest = self._longest(value, wanted)  # before they are laid, which inside jit is traced
        if exact and wanted.ndim:
            wanted = self.laid(wanted, part)
        xp, wanted = _known(wanted)
        wanted = wanted.astype(np.int32, copy=False)
        late = outside = (wanted < shortest) | (wanted > longest)
        several = self.graph.count if isinstance(self.graph, DenseGraph) and wanted.ndim else None
        if several is not None:
            xp, wanted, several = _known(wanted, several)
            check(
                lambda: several <= 1,
                "some pairs have several synapses, and a matrix has room for one delay a pair; use via=Sparse()",
            )
            late = (late & (several > 0)) | (several > 1)
        late = xp.any(late)
        check(
            lambda: ~late,
            f"{part} is {value} ms, which leaves {shortest * dt:g} .. {longest * dt:g} ms: "
            f"the shortest is {shortest} step(s) of dt = {dt:g} ms; raise the delay, or give a larger max_delay",
        )
        with jax.ensure_compile_time_eval():  # a delay that was given is known inside jit, too
            kept = wanted if xp is np and not np.any(outside) else xp.clip(wanted, shortest, longest)
            return _Delay(kept, longest, late)

    def _drawn_steps(self, ms: Array) -> Any:
        """What was drawn, in whole steps: by the same two roundings on the host and inside a program."""
        xp, ms = _known(ms)

        def steps(ms: Any) -> Any:
            count = xp.round(ms / ms.dtype.type(self.dt))
            fits = xp.abs(count) < 2.0**31
            return xp.where(fits, xp.where(fits, count, 0).astype(np.int32), np.int32(LAST))

        if xp is not np:
            return steps(ms)
        flat = ms.reshape(-1)
        return filled(flat.size, np.int32, lambda at: steps(flat[at])).reshape(ms.shape)

    def _longest(self, value: Any, wanted: Int[Array, "..."]) -> int:
        """The largest delay there must be room for: static, so that shapes do not depend on a draw."""
        if self.connection.max_delay is not None:
            return int(to_steps(self.connection.max_delay, self.dt, exact=False, name="max_delay"))
        bounds = value.bounds() if isinstance(value, AbstractDistribution) else None
        if bounds is not None and np.isfinite(bounds[1]):
            longest = int(np.ceil(bounds[1] / self.dt - 1e-3))
            if longest > LAST:
                raise ValueError(
                    f"delays of up to {bounds[1]:g} ms are {longest} steps, more than {LAST}; give max_delay"
                )
            return longest
        if not _given(value) and is_concrete(wanted):
            return coarse(int(np.max(np.asarray(wanted), initial=0)))  # another draw is seldom another shape
        if not is_concrete(wanted):
            raise ValueError("the largest delay is not known while tracing; give Connection(max_delay=...) in ms")
        return int(np.max(np.asarray(wanted), initial=0))


def _given(value: Any) -> bool:
    """Whether numbers were given rather than to be drawn."""
    return not isinstance(value, AbstractDistribution) and not callable(value)


def _total(layout: _Layout, order: AbstractOrder) -> _Delay | None:
    """The delay of synapses that stay as they are: nobody asks where on the way they lie."""
    return (
        None
        if layout.connection.delay is None
        else layout.delay(layout.connection.delay, "delay", order.shortest_delay)
    )


# --- plastic synapses -------------------------------------------------------------------------------------------------


def _learning(layout: _Layout, order: AbstractOrder) -> tuple[_Delay | None, Learning]:
    """The rule with its choices made, the delay and where on the way the synapse lies."""
    connection = layout.connection
    if connection.release is not None and connection.release.reliability is not None:
        raise ValueError(
            f"{type(connection.release).__name__} draws for each synapse whether it passes a spike on, which a rule "
            "does not see; give a release that is certain, or no rule"
        )
    graph = layout.graph
    assert connection.rule is not None
    rule = drawn_rule(chain(connection.rule), layout.key, graph.n_pre, graph.n_post)
    sends = order.sends if rule.sends is None else rule.sends
    coincident_pairs = order.coincident_pairs if rule.coincident_pairs is None else rule.coincident_pairs
    clips = order.clips if rule.clips is None else rule.clips
    rule = chain(rule, sends=sends, coincident_pairs=coincident_pairs, clips=clips)
    total, before, behind = _shares(layout, order)
    slots = (before.longest + 1, behind.longest + 1)
    axonal, dendritic = _array(before.steps), _array(behind.steps)
    return total, Learning(rule, axonal, synapse_index(layout.graph, axonal, dendritic, slots))


def _shares(layout: _Layout, order: AbstractOrder) -> tuple[_Delay | None, _Delay, _Delay]:
    """The whole delay (None on a same-step edge), its axonal and its dendritic share."""
    connection = layout.connection
    nothing = _Delay(np.zeros((), np.int32), 0, np.False_)
    if connection.delay is None and connection.axonal is None and connection.dendritic is None:
        return None, nothing, nothing
    shortest = order.shortest_delay  # behind a synapse: what it sends in a step can arrive no earlier
    before = None if connection.axonal is None else layout.delay(connection.axonal, "axonal", 0)
    behind = None if connection.dendritic is None else layout.delay(connection.dendritic, "dendritic", shortest)
    if connection.delay is None:
        before = before or nothing
        behind = behind or nothing
        late = behind.steps < shortest
        check(lambda: ~late, f"dendritic is 0 ms, where {type(order).__name__} needs {shortest} step(s): give one")
        total = _Delay(before.steps + behind.steps, before.longest + behind.longest, before.late | behind.late)
        return total, before, behind
    total = layout.delay(connection.delay, "delay", shortest)
    if before is not None and behind is not None:
        adds_up = before.steps + behind.steps == total.steps
        check(
            lambda: adds_up,
            f"axonal is {connection.axonal} ms and dendritic is {connection.dendritic} ms, which do not add up to the "
            f"delay of {connection.delay} ms; leave one of the three out",
        )
        return total._replace(late=total.late | ~_known(adds_up)[0].all(adds_up)), before, behind
    if before is not None:
        return total, before, _rest(total, before, "dendritic", connection.axonal, shortest)
    if behind is not None:
        return total, _rest(total, behind, "axonal", connection.dendritic, 0), behind
    return (total, total, nothing) if order.axonal else (total, nothing, total)


def _rest(total: _Delay, share: _Delay, part: str, given: Any, shortest: int) -> _Delay:
    """The other share of a delay."""
    xp, whole, own = _known(total.steps, share.steps)
    rest = whole - own
    late = xp.any(rest < shortest)
    check(
        lambda: ~late,
        f"the {part} share of the delay is what {given} ms leave of it; it has to be at least {shortest} step(s): "
        "raise the delay, or give less to the other share",
    )
    known = is_concrete(rest) and share.steps.ndim == 0
    longest = total.longest - int(share.steps) if known else total.longest
    with jax.ensure_compile_time_eval():
        return _Delay(xp.maximum(rest, shortest), max(longest, shortest), total.late | share.late | late)
