"""Graphs of NIR by hand, and what the networks made of them do."""

import itertools

import nir
import numpy as np

import jaxsnn as snn

DT = 1e-3
LIF = dict(tau=np.full(2, 0.01), r=np.ones(2), v_leak=np.zeros(2), v_threshold=np.ones(2))


def run(net, x, into, record):
    given = snn.Replay(x, into=into)
    return snn.simulate(net, given, steps=len(x), key=0, record=record, progress=snn.progress.Quiet()).record


def outputs(found, x):
    """Spikes of the last population, or its membranes where it does not fire."""
    net, (into,), (last,) = found.net, found.inputs.values(), found.outputs.values()
    record = run(net, x, into, {"spikes": snn.Raster(last), "v": snn.Trace(f"{last}.v")})
    return np.asarray(record["spikes"]), np.asarray(record["v"])


def chained(*nodes, shape=(2,)):
    named = {"input": nir.Input(input_type=np.array(shape)), **{str(i): node for i, node in enumerate(nodes)}}
    named["output"] = nir.Output(output_type=np.array(shape))
    return nir.NIRGraph(named, list(itertools.pairwise(named)), type_check=False)


def graph_of(nodes, *ways):
    named = {"input": nir.Input(input_type=np.array([2])), **nodes, "output": nir.Output(output_type=np.array([2]))}
    return nir.NIRGraph(named, [edge for way in ways for edge in itertools.pairwise(way)], type_check=False)
