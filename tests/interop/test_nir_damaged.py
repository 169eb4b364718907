"""Graphs and files with random damage (`tests.interop.fuzz` has more of it): a network, or one sentence."""

import h5py
import nir
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.interop import from_brian2, from_nir
from jaxsnn.interop.brian2.stored import opened
from tests.interop.fuzz import descriptions, files, graphs
from tests.interop.fuzz.outcomes import outcome_of
from tests.interop.graphs import LIF, chained, graph_of
from tests.refused import refused


def counted(make, seeds):
    """How many inputs became a network and how many one sentence; nothing else may come of one."""
    found = {"refused": 0, "ran": 0}
    for seed in seeds:
        outcome = outcome_of(make, seed, (ValueError,))
        assert outcome in found, f"seed {seed}: {outcome}"
        found[outcome] += 1
    return found


def test_a_graph_with_random_changes():
    def read(seed):
        from_nir(graphs.made(np.random.default_rng([seed, 1])))
        return "ran"

    found = counted(read, range(60))
    assert found["ran"] > 5 and found["refused"] > 20


def test_a_file_with_random_damage(tmp_path):
    def read(seed):
        files.made(tmp_path / f"{seed}.nir", np.random.default_rng([seed, 2]))
        from_nir(tmp_path / f"{seed}.nir")
        return "ran"

    found = counted(read, range(40))
    assert found["ran"] > 0 and found["refused"] > 10


def test_the_net_has_no_holes():
    """Control: an error of NumPy or Python, and one that is not in words, are found."""

    def wrong(seed):
        return [lambda: np.zeros(2) + np.zeros(3), lambda: {}["x"], lambda: int("x")][seed]()

    assert all(outcome_of(wrong, seed, (ValueError,)) not in ("refused", "ran") for seed in range(3))


def itself():
    graph = chained(nir.LIF(**LIF))
    graph.nodes["within"] = graph
    return graph


def without(name, node, at="0"):
    graph = chained(node)
    delattr(graph.nodes[at], name)
    return graph


@pytest.mark.parametrize(
    "graph, words",
    [
        (itself(), ["contains itself"]),
        (without("tau", nir.LIF(**LIF)), ["'0' (LIF) has no tau"]),
        (without("weight", nir.Linear(weight=np.eye(2))), ["'0' (Linear) has no weight"]),
        (without("input_type", nir.LIF(**LIF), "input"), ["(Input) has no input_type"]),
        (chained(nir.Threshold(threshold=np.zeros(1)), shape=(2**40,)), ["(Input)", "1099511627776 places", "at most"]),
        (graph_of({"a": nir.LIF(**LIF)}, ("input", "a", "output"), ("output", "a")), ["from a node Output"]),
        (nir.NIRGraph({}, [], type_check=False), ["without a node Input"]),
    ],
    ids=["itself", "no tau", "no weight", "no shape", "endless", "behind the end", "empty"],
)
def test_what_damage_does_is_named(graph, words):
    with refused(*words):
        from_nir(graph)


def test_edges_that_are_none():
    graph = chained(nir.LIF(**LIF))
    for edges in (None, 3, [("input",)], [("input", "0", "output")], [(["input"], "0")]):
        graph.edges = edges
        with refused("among its edges", "pairs of names"):
            from_nir(graph)


def test_a_file_takes_no_more_room_than_it_has(tmp_path):
    """It says that a weight has 8 TB; leads to another file; or is a group within itself."""
    path = tmp_path / "x.nir"
    for change, words in (
        (lambda f: f.create_dataset("node/x", (2**40,), chunks=True, dtype="f8", fillvalue=1.0), "stores"),
        (lambda f: f.__setitem__("node/x", h5py.ExternalLink("other.nir", "/node")), "link to somewhere else"),
        (lambda f: f.__setitem__("node/x", f["node"]), "twice"),
    ):
        nir.write(path, chained(nir.LIF(**LIF)))
        with h5py.File(path, "r+") as file:
            change(file)
        with refused("x.nir", words):
            from_nir(path)


def test_a_description_has_text_and_numbers_in_their_places():
    golden = graphs.GOLDEN.parent / "brian2" / "gap.npz"
    for path, bad, words in (
        (("groups",), {"G": {"kind": ["neurons"]}}, "expected text"),
        (("dt",), "x", "a positive number of s"),
        (("version",), 7, "version 7"),
    ):
        given = opened(golden)
        where = given
        for key in path[:-1]:
            where = where[key]
        where[path[-1]] = bad
        with pytest.raises(ValueError, match=words):
            from_brian2(given)
    assert isinstance(from_brian2(opened(golden)).net, snn.Network)


@pytest.mark.parametrize("seed", [595, 1250, 201091, 201625, 201848, 501301, 501555])
def test_descriptions_that_were_found_by_an_hour_of_them(seed):
    """Seven numbers for four neurons; a sum for a line that is not there; a version of three numbers; names that no
    statement has set by then; infinitely many sources; seven numbers for a name of units.
    """
    assert outcome_of(descriptions.tried, seed, descriptions.ERRORS) == "refused"
