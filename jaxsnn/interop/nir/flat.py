"""A graph without graphs in it: its nodes by one name each, and the edges between them."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, NamedTuple

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
                raise ValueError(f"Got a graph with the edge {a!r} to {b!r}, but no node {name!r}: {', '.join(nodes)}.")
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
    return flat


def _inlined(graph: Any, prefix: str, taken: set[str]) -> tuple[dict[str, Any], list[tuple[str, str]], dict[str, str]]:
    """Nodes and edges of a graph and of those within it, and the names that its own nodes have in the whole."""
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    begins: dict[str, str] = {}  # where an edge from a node of this name begins
    ends: dict[str, str] = {}  # and where one to it ends
    for name, node in graph.nodes.items():
        here = f"{prefix}{name}"
        if kind_of(node) != "NIRGraph":
            here = unique(here, taken)
            taken.add(here)
            nodes[here], begins[name], ends[name] = node, here, here
            continue
        inner, own, called = _inlined(node, f"{here}.", taken)
        for side, at in (("Input", ends), ("Output", begins)):
            found = [n for n, x in node.nodes.items() if kind_of(x) == side]
            if len(found) != 1:
                raise ValueError(f"Node {here!r} is a graph with {len(found)} nodes {side}, expected one.")
            at[name] = called[found[0]]
            inner[at[name]] = _PassedOn(inner[at[name]])
        nodes |= inner
        edges += own
    for a, b in graph.edges:
        if kind_of(graph.nodes.get(b)) == "Input":
            raise ValueError(
                f"Got a graph with the edge {prefix + a!r} to {prefix + b!r}, a node Input, which takes what is fed "
                "and no spikes; leave the edge out, or end it at a neuron."
            )
        edges.append((begins.get(a, f"{prefix}{a}"), ends.get(b, f"{prefix}{b}")))
    return nodes, edges, begins


class _PassedOn:
    """What a graph within a graph calls its input or output: the identity."""

    def __init__(self, node: Any):
        self.input_type, self.output_type = node.input_type, node.output_type


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
                loop = " -> ".join(reversed([*path[path.index(following) :], following]))
                raise ValueError(f"Got a graph with a loop that has no neuron in it: {loop}.")
            else:
                stack.append((following, iter(flat.before[following])))
