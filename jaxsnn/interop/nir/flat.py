"""A graph without graphs in it: its nodes by one name each, and the edges between them."""

from __future__ import annotations

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


def flattened(graph: Any) -> Flat:
    """`graph` with the nodes of every graph within it in its place; what these call input and output pass through.

    **Raises:** ValueError for kinds of node that are not NIR's, edges of nodes that are not there, a graph within it of
    several inputs or outputs, and a loop that no neuron is part of.
    """
    nodes, edges = _inlined(graph, "")
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


def _inlined(graph: Any, prefix: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    ends: dict[str, tuple[str, str]] = {}  # of the graphs within: where an edge to it ends, and one from it begins
    for name, node in graph.nodes.items():
        here = f"{prefix}{name}"
        if kind_of(node) != "NIRGraph":
            nodes[here] = node
            continue
        inner, own = _inlined(node, f"{here}.")
        sides = []
        for side in ("Input", "Output"):
            found = [n for n, x in node.nodes.items() if kind_of(x) == side]
            if len(found) != 1:
                raise ValueError(f"Node {here!r} is a graph with {len(found)} nodes {side}, expected one.")
            sides.append(f"{here}.{found[0]}")
            inner[sides[-1]] = _PassedOn(inner[sides[-1]])
        ends[here] = sides[0], sides[1]
        nodes |= inner
        edges += own
    for a, b in graph.edges:
        a, b = f"{prefix}{a}", f"{prefix}{b}"
        edges.append((ends[a][1] if a in ends else a, ends[b][0] if b in ends else b))
    return nodes, edges


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
