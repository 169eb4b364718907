"""A chain of layers of any numbers (hypothesis), read and written again by NIR, has the numbers that it had."""

import itertools

import nir
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxsnn.interop import from_nir, to_nir
from jaxsnn.interop.nir import conventions

CONVENTION = conventions.Nir(dt=1e-3)
ANY = settings(max_examples=12, deadline=None, derandomize=True, database=None)
SIZES = st.lists(st.integers(1, 4), min_size=2, max_size=4)


def layered(sizes, rng, leaky):
    """Linear maps between layers of LIF or IF neurons."""
    nodes = {"input": nir.Input(input_type=np.array([sizes[0]]))}
    for i, (n, m) in enumerate(itertools.pairwise(sizes)):
        nodes[f"map{i}"] = nir.Linear(rng.normal(size=(m, n)).astype(np.float32))
        v_threshold = rng.uniform(0.5, 2.0, m).astype(np.float32)
        if leaky:
            tau, nothing = rng.uniform(5e-3, 5e-2, m).astype(np.float32), np.zeros(m, np.float32)
            nodes[f"cell{i}"] = nir.LIF(tau=tau, r=np.ones(m, np.float32), v_leak=nothing, v_threshold=v_threshold)
        else:
            nodes[f"cell{i}"] = nir.IF(r=np.ones(m, np.float32), v_threshold=v_threshold)
    nodes["output"] = nir.Output(output_type=np.array([sizes[-1]]))
    names = [*nodes]
    return nir.NIRGraph(nodes, list(itertools.pairwise(names)), type_check=False)


def response(graph):
    """What decides the spikes of layers, whatever scale a membrane is written in: weights by threshold, and decay."""
    before, found, name = {b: a for a, b in graph.edges}, [], "output"
    while (name := before[name]) != "input":
        cell, name = graph.nodes[name], before[name]
        map_, threshold = graph.nodes[name], np.asarray(cell.v_threshold)
        weight = np.atleast_2d(map_.scale if isinstance(map_, nir.Scale) else map_.weight)  # of one neuron to one
        gain = np.asarray(cell.r) / np.asarray(getattr(cell, "tau", 1.0))
        found += [weight * (gain / threshold)[:, None], np.asarray(getattr(cell, "tau", np.inf)) + 0.0 * threshold]
    return found


@ANY
@given(sizes=SIZES, seed=st.integers(0, 2**31), leaky=st.booleans())
def test_read_written_and_read_again(sizes, seed, leaky):
    graph = layered(sizes, np.random.default_rng(seed), leaky)
    again = to_nir(from_nir(graph, convention=CONVENTION).net, convention=CONVENTION)
    wanted, found = response(graph), response(again)
    assert len(wanted) == len(found) == 2 * (len(sizes) - 1)
    for a, b in zip(wanted, found):
        np.testing.assert_allclose(b, a, rtol=2e-5)


def test_other_weights_would_be_noticed():
    """Negative control."""
    one, other = (layered([2, 3], np.random.default_rng(seed), True) for seed in (0, 1))
    assert not np.allclose(response(one)[0], response(other)[0], rtol=2e-5)
