"""Graphs of NIR with other fields, nodes and edges than they should have."""

import copy
import itertools
from pathlib import Path

import nir
import numpy as np

import jaxsnn as snn
from jaxsnn.interop import conventions, from_nir
from jaxsnn.simulation.drives.base import Sum
from tests.interop.fuzz.outcomes import said_of

GOLDEN = Path(__file__).parents[2] / "golden" / "nir"
ERRORS = (ValueError,)
CONVENTIONS = [
    conventions.Nir(), conventions.SnnTorch(), conventions.Norse(), conventions.SpikingJelly(), conventions.Sinabs(),
    conventions.Rockpool(), conventions.Lava(), conventions.Nir(dt=1e-5),
]  # fmt: skip
NUMBERS = [
    0.0, -1.0, 1.0, 1e-3, 1e-12, 1e-300, 1e30, 1e38, 1e300, -1e300, np.nan, np.inf, -np.inf, 2**31, 2**63, -(2**31),
]  # fmt: skip
SIZES = [0, -1, 1, 2, 3, 7, 1000, 2**20, 2**31 - 1, 2**31, 2**40, 2**62, -(2**63)]
ODD = [None, "", "LIF", "same", "valid", b"x", [], {}, (), True, 3, -3, 2.5, 1j, object(), [[1], [2, 3]], [None]]
DTYPES = ["i1", "u1", "i8", "u8", "f2", "f4", "f8", "?", "c8", "O", "S4", "U4", "M8[s]"]
NAMES = ["", " ", ".", "a.b", "input", "Input", "output", "a\nb", "é\u0000", "[0]", "x" * 300, 3, None, ("a", 1)]


def sizes(rng, most=9):
    return tuple(int(n) for n in rng.integers(1, most, rng.integers(1, 4)))


def started():
    """Graphs that have a meaning: those that other tools wrote, and one of every linear node."""
    found = [nir.read(path, type_check=False) for path in sorted(GOLDEN.glob("*.nir"))]
    each = lambda x, *n: np.full(n, x)
    cell = dict(r=each(1.0, 2), v_leak=each(0.0, 2), v_threshold=each(1.0, 2), v_reset=each(0.0, 2))
    nodes = {
        "input": nir.Input(input_type=np.array([2, 6])),
        "conv": nir.Conv1d(6, np.ones((2, 2, 3)), 2, 1, 1, 1, np.zeros(2)),
        "flat": nir.Flatten(input_type=np.array([2, 3]), start_dim=0, end_dim=-1),
        "linear": nir.Linear(weight=np.ones((2, 6))),
        "lif": nir.LIF(tau=each(0.02, 2), **cell),
        "scale": nir.Scale(scale=each(2.0, 2)),
        "delay": nir.Delay(delay=each(2e-3, 2)),
        "cuba": nir.CubaLIF(tau_mem=each(0.02, 2), tau_syn=each(0.01, 2), w_in=each(1.0, 2), **cell),
        "back": nir.Affine(weight=np.ones((2, 2)), bias=each(0.1, 2)),
        "li": nir.LI(tau=each(0.02, 2), r=each(1.0, 2), v_leak=each(0.0, 2)),
        "threshold": nir.Threshold(threshold=each(0.5, 2)),
        "i": nir.I(r=each(1.0, 2)),
        "output": nir.Output(output_type=np.array([2])),
    }
    edges = [*itertools.pairwise(nodes), ("cuba", "back"), ("back", "cuba")]
    return [*found, nir.NIRGraph(nodes, edges, type_check=False)]


STARTED = started()


def number(rng):
    return NUMBERS[rng.integers(len(NUMBERS))]


def odd(rng):
    return ODD[rng.integers(len(ODD))]


def changed_value(x, rng):
    """Another value of a field."""
    kind = rng.integers(0, 9)
    if kind == 0 or not isinstance(x, np.ndarray):
        whole = rng.random() < 0.5
        return odd(rng) if rng.random() < 0.4 else SIZES[rng.integers(len(SIZES))] if whole else number(rng)
    if kind in (1, 2) and x.size and x.dtype.kind == "f":
        x = x.copy()
        x.flat[rng.integers(x.size)] = number(rng)
        return x
    if kind == 3:
        with np.errstate(all="ignore"):
            try:
                return x.astype(DTYPES[rng.integers(len(DTYPES))])
            except (TypeError, ValueError):
                return np.zeros(x.shape, "O")
    if kind == 4:
        return rng.normal(size=sizes(rng))
    if kind == 5:
        return x.reshape(-1) if rng.random() < 0.5 else x[..., None]
    if kind == 6:
        return x[: len(x) // 2] if x.ndim else np.zeros(0)
    if kind == 7:
        return np.concatenate([x, x]) if x.ndim else np.array([x, x])
    if x.dtype.kind in "iu":
        return np.array([SIZES[rng.integers(len(SIZES))] for _ in range(max(1, x.size + rng.integers(-1, 2)))])
    return np.full(x.shape, number(rng))


def any_node(rng):
    """A node of any kind with numbers that may fit."""
    shape = sizes(rng, 4) if rng.random() < 0.5 else (2,)
    x = lambda low=0.01, high=0.05: rng.uniform(low, high, shape)
    cell = dict(r=x(0.5, 2.0), v_leak=x(), v_threshold=x(0.1, 1.0), v_reset=x())
    pool = [np.array(rng.integers(0, 4, 2)) for _ in range(3)]
    made = [
        lambda: nir.Affine(weight=rng.normal(size=(2, shape[0])), bias=rng.normal(size=2)),
        lambda: nir.Linear(weight=rng.normal(size=(2, shape[0]))),
        lambda: nir.Scale(scale=x()),
        lambda: nir.Delay(delay=x()),
        lambda: nir.Threshold(threshold=x()),
        lambda: nir.LIF(tau=x(), **cell),
        lambda: nir.IF(r=x(), v_threshold=x(), v_reset=x()),
        lambda: nir.LI(tau=x(), r=x(), v_leak=x()),
        lambda: nir.I(r=x()),
        lambda: nir.CubaLIF(tau_mem=x(), tau_syn=x(), w_in=x(), **cell),
        lambda: nir.CubaLI(tau_mem=x(), tau_syn=x(), r=x(), v_leak=x(), w_in=x()),
        lambda: nir.SumPool2d(*pool),
        lambda: nir.AvgPool2d(*pool),
        lambda: nir.Flatten(input_type=np.array(shape), start_dim=int(rng.integers(-3, 4)), end_dim=-1),
        lambda: nir.Input(input_type=np.array(shape)),
        lambda: nir.Output(output_type=np.array(shape)),
        lambda: nir.NIRGraph({}, [], type_check=False),
        lambda: copy.deepcopy(STARTED[rng.integers(len(STARTED))]),
        lambda: type("Strange", (), {"metadata": {}})(),
        lambda: odd(rng),
    ]
    try:
        return made[rng.integers(len(made))]()
    except Exception:
        return nir.Threshold(threshold=x())


def graphs_in(graph):
    """A graph and those in it."""
    found = [graph]
    for node in graph.nodes.values():
        found += graphs_in(node) if isinstance(node, nir.NIRGraph) and node is not graph else []
    return found


def change_a_field(graph, rng):
    named = [node for node in graph.nodes.values() if hasattr(node, "__dict__") and vars(node)]
    if not named:
        return
    node = named[rng.integers(len(named))]
    fields = [name for name in vars(node) if name not in ("nodes", "edges")]
    name = fields[rng.integers(len(fields))]
    value = getattr(node, name)
    if rng.random() < 0.1:
        delattr(node, name)
    elif isinstance(value, dict) and value and rng.random() < 0.8:
        setattr(node, name, {key: changed_value(x, rng) for key, x in value.items()})
    else:
        setattr(node, name, changed_value(value, rng))


def change_a_node(graph, rng):
    names = list(graph.nodes)
    name = names[rng.integers(len(names))] if names and rng.random() < 0.7 else NAMES[rng.integers(len(NAMES))]
    kind = rng.integers(0, 4)
    if kind == 0 and name in graph.nodes:
        del graph.nodes[name]
    elif kind == 1 and name in graph.nodes:
        new = NAMES[rng.integers(len(NAMES))]
        graph.nodes[new] = graph.nodes.pop(name)
        graph.edges = [tuple(new if part == name else part for part in edge) for edge in graph.edges]
    else:
        graph.nodes[name] = any_node(rng)


def change_an_edge(graph, rng):
    names = [*graph.nodes, "nowhere"]
    some = lambda: names[rng.integers(len(names))]
    kind, edges = rng.integers(0, 7), list(graph.edges)
    if kind == 0 and edges:
        edges.pop(rng.integers(len(edges)))
    elif kind == 1 and edges:
        edges.append(edges[rng.integers(len(edges))])
    elif kind == 2:
        edges.append((name := some(), name))
    elif kind == 3 and edges:
        edges[rng.integers(len(edges))] = odd(rng)
    elif kind == 4 and edges:
        edges.append(tuple(reversed(edges[rng.integers(len(edges))])))
    else:
        edges.append((some(), some()))
    graph.edges = edges


def change_a_graph(graph, rng):
    kind = rng.integers(0, 6)
    if kind == 0:
        graph.nodes = {} if rng.random() < 0.5 else odd(rng)
    elif kind == 1:
        graph.edges = [] if rng.random() < 0.5 else odd(rng)
    elif kind == 2:
        graph.nodes["within"] = graph  # without end
    elif kind == 3:
        inner = graph.nodes
        for _ in range(int(rng.choice([3, 50, 2000]))):
            wrapped = nir.NIRGraph(dict(inner), list(graph.edges), type_check=False)
            inner = {"input": nir.Input(np.array([2])), "deep": wrapped, "output": nir.Output(np.array([2]))}
            graph.edges = [("input", "deep"), ("deep", "output")]
        graph.nodes = inner
    elif kind == 4:
        for name in list(graph.nodes):  # a ladder, on which ways double with each rung
            graph.nodes[f"{name}'"] = copy.deepcopy(graph.nodes[name])
        graph.edges += [(f"{a}'", b) for a, b in graph.edges] + [(a, f"{b}'") for a, b in graph.edges]
    else:
        graph.metadata = odd(rng)


def made(rng):
    """A graph with one to three changes; now and then none."""
    graph = copy.deepcopy(STARTED[rng.integers(len(STARTED))])
    for _ in range(rng.integers(0, 4)):
        try:
            found = graphs_in(graph)
            part = found[rng.integers(len(found))]
            change = rng.choice(4, p=[0.6, 0.18, 0.17, 0.05])
            (change_a_field, change_a_node, change_an_edge, change_a_graph)[change](part, rng)
        except (TypeError, AttributeError, ValueError, RecursionError):  # changed past changing
            break
    return graph


def tried(seed):
    rng = np.random.default_rng([seed, 1])
    convention = CONVENTIONS[rng.integers(len(CONVENTIONS))]
    return lived(from_nir(made(rng), convention=convention))


def lived(found):
    """Two steps of a network, with spikes from its inputs."""
    drives = tuple(snn.Replay(np.ones((2, found.net[name].n), bool), into=name) for name in found.inputs.values())
    return said_of(snn.simulate(found.net, Sum(drives), steps=2, key=0, record={}, progress=snn.progress.Quiet()))
