"""A graph without graphs in it: its nodes by one name each, and the edges between them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..._arguments import shown
from ...models import known
from .fields import field

MEMBRANES = ("I", "LI", "CubaLI")
NEURONS = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF", "Threshold")
LINEAR = ("Affine", "Linear", "Scale", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Flatten", "Delay", "Identity")


class Flat(NamedTuple):
    """Nodes by name, and their predecessors and successors, in the order of the edges."""

    nodes: dict[str, Any]
    before: dict[str, list[str]]
    after: dict[str, list[str]]

    def of_kind(self, *kinds: str) -> list[str]:
        return [name for name, node in self.nodes.items() if kind_of(node) in kinds]


def kind_of(node: Any) -> str:
    """The name of a node's class, so that `nir` need not be imported to ask."""
    return type(node).__name__


def unique(name: str, taken: Container[str]) -> str:
    """The name, with `_` behind it as long as it is taken."""
    while name in taken:
        name += "_"
    return name


def flattened(graph: Any) -> Flat:
    """`graph` with the nodes of every graph within it in its place; what these call input and output pass through.

    **Raises:** ValueError for kinds of node that are not NIR's, edges of nodes that are not there or into an input, a
    graph within it of several inputs or outputs, and a loop that no neuron is part of.
    """
    nodes, edges, _ = _inlined(graph, "", set())
    before: dict[str, list[str]] = {name: [] for name in nodes}
    after: dict[str, list[str]] = {name: [] for name in nodes}
    for a, b in edges:
        for name in (a, b):
            if name not in nodes:
                raise ValueError(f"Got a graph with the edge {a!r} to {b!r}, but no node {name!r}: {known(nodes)}.")
        if a in before[b]:
            raise ValueError(f"Got a graph with the edge {a!r} to {b!r} twice; expected it once.")
        before[b].append(a)
        after[a].append(b)
    flat = Flat(nodes, before, after)
    for name, node in nodes.items():
        if kind_of(node) not in (*NEURONS, *LINEAR, "Input", "Output"):
            raise ValueError(
                f"Node {name!r} is {kind_of(node)}, which is no node of NIR that has a meaning here; expected one of "
                f"{', '.join((*NEURONS, *LINEAR))}."
            )
    _no_loop(flat)
    return _thresholds(flat)


def _inlined(graph: Any, prefix: str, taken: set[str]) -> tuple[dict[str, Any], list[tuple[str, str]], dict[str, str]]:
    """Nodes and edges of a graph and of those within it, and the names that its own nodes have in the whole."""
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    begins: dict[str, str] = {}  # where an edge from a node of this name begins
    ends: dict[str, str] = {}  # and where one to it ends
    own_nodes, own_edges = _parts(graph, prefix)
    for name, node in own_nodes.items():
        here = f"{prefix}{name}"
        if kind_of(node) != "NIRGraph":
            here = unique(here, taken)
            taken.add(here)
            nodes[here], begins[name], ends[name] = node, here, here
            continue
        inner, own, called = _inlined(node, f"{here}.", taken)
        for side, at in (("Input", ends), ("Output", begins)):
            found = [n for n in called if kind_of(node.nodes[n]) == side]
            if len(found) != 1:
                raise ValueError(f"Node {here!r} is a graph with {len(found)} nodes {side}, expected one.")
            at[name] = called[found[0]]
            inner[at[name]] = _PassedOn(inner[at[name]])
        nodes |= inner
        edges += own
    for a, b in own_edges:
        if kind_of(own_nodes.get(b)) == "Input":
            raise ValueError(
                f"Got a graph with the edge {f'{prefix}{a}'!r} to {f'{prefix}{b}'!r}, a node Input, which takes what "
                "is fed and no spikes; leave the edge out, or end it at a neuron."
            )
        if kind_of(own_nodes.get(a)) == "Output":
            raise ValueError(
                f"Got a graph with the edge {f'{prefix}{a}'!r} to {f'{prefix}{b}'!r} from a node Output, with which a "
                "graph ends; let the edge begin at what feeds it."
            )
        edges.append((begins.get(a, f"{prefix}{a}"), ends.get(b, f"{prefix}{b}")))
    return nodes, edges, begins


def _parts(graph: Any, prefix: str) -> tuple[dict[Any, Any], list[tuple[Any, Any]]]:
    """Nodes by name and edges as pairs of names, or one error: `nir` takes whatever it is given."""
    what = f"Node {prefix.removesuffix('.')!r}, a graph," if prefix else "Got a graph that"
    nodes, edges = getattr(graph, "nodes", None), getattr(graph, "edges", None)
    if not isinstance(nodes, Mapping) or not all(_is_name(name) for name in nodes):
        raise ValueError(f"{what} has nodes = {shown(nodes)[:80]!r}, expected nodes by their names.")
    pairs: list[Any] = list(edges) if isinstance(edges, (list, tuple, set, np.ndarray)) else [None]
    for pair in pairs:
        if not isinstance(pair, (list, tuple, np.ndarray)) or len(pair) != 2 or not all(map(_is_name, pair)):
            raise ValueError(f"{what} has {shown(pair)[:80]!r} among its edges, expected pairs of names of nodes.")
    return dict(nodes), [(pair[0], pair[1]) for pair in pairs]


def _is_name(x: Any) -> bool:
    """Whether it names a node: text, or a number, as of a list."""
    return isinstance(x, (str, int, np.integer)) and not isinstance(x, bool)


class Unreset:
    """A membrane and the threshold behind it: a neuron that fires and is not reset, under the name of its kind."""

    reset = False

    def __init__(self, membrane: Any, threshold: Any):
        vars(self).update(
            vars(membrane), v_threshold=field(threshold, "threshold", "A Threshold"), v_reset=np.zeros(())
        )


_UNRESET = {kind: type(f"{kind}F", (Unreset,), {}) for kind in MEMBRANES}


def _thresholds(flat: Flat) -> Flat:
    """A membrane that a `Threshold` alone takes is one node with it; any other sends to nothing but an output.

    Spikes are all that is sent here: what else would take a membrane would get nothing.
    """
    nodes, before, after = dict(flat.nodes), {**flat.before}, {**flat.after}
    for name in flat.of_kind(*MEMBRANES):
        to = [n for n in after[name] if kind_of(nodes[n]) != "Output"]
        if not to:
            continue
        if after[name] != to or [kind_of(nodes[n]) for n in to] != ["Threshold"] or before[to[0]] != [name]:
            raise ValueError(
                f"Node {name!r} ({kind_of(nodes[name])}) sends its membrane to {to[0]!r} ({kind_of(nodes[to[0]])}), "
                "and only spikes are sent here; end it in an Output, or in one Threshold that takes nothing else."
            )
        nodes[to[0]] = _UNRESET[kind_of(nodes[name])](nodes.pop(name), nodes[to[0]])
        before[to[0]] = before.pop(name)
        del after[name]
        for n in before[to[0]]:
            after[n] = [to[0] if x == name else x for x in after[n]]
    return Flat(nodes, before, after)


class _PassedOn:
    """What a graph within a graph calls its input or output: the identity."""

    def __init__(self, node: Any):
        self.input_type = getattr(node, "input_type", None)


_PassedOn.__name__ = "Identity"


def _no_loop(flat: Flat) -> None:
    """One error for a loop of linear nodes alone."""
    done: set[str] = set()
    for start in flat.of_kind(*LINEAR):
        path: list[str] = []
        stack = [(start, iter(flat.before[start]))] if start not in done else []
        while stack:
            name, rest = stack[-1]
            if len(path) < len(stack):
                path.append(name)
            following = next((n for n in rest if kind_of(flat.nodes[n]) in LINEAR and n not in done), None)
            if following is None:
                done.add(name)
                stack.pop()
                path.pop()
            elif following in path:
                loop = " -> ".join(known([x]) for x in reversed([*path[path.index(following) :], following]))
                raise ValueError(f"Got a graph with a loop that has no neuron in it: {loop}.")
            else:
                stack.append((following, iter(flat.before[following])))
