"""Cores are RANC's simulator and PAIBox's neuron, bit for bit: every potential and every spike."""

import functools
from typing import Any
from unittest import mock

import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import truenorth
from jaxsnn.chips.truenorth.ranges import reach
from tests.chips.truenorth import golden
from tests.oracles import truenorth_core as oracle


@functools.cache
def ran(seed):
    """Potentials, spikes and lost spikes by core, of one group on three cores."""
    cores, packets, _ = golden.ranc(seed)
    counts = golden.inputs(packets)
    together = np.concatenate([counts[name] for name in cores], axis=1)
    most = 0 if seed else truenorth.cells._MATRIX  # by lists, as large crossbars are, and by a matrix
    with mock.patch.object(truenorth.cells, "_MATRIX", most):
        found, status = golden.run(golden.ranc_program(seed), {"all": together})
    parts = {key: np.split(np.asarray(x), len(cores), axis=1) for (_, key), x in found.items()}
    return {(name, key): part[k] for key, part in parts.items() for k, name in enumerate(cores)}, int(status)


def mismatches(found, want):
    """Of potentials and of spikes, over all cores."""
    of = lambda key, name: int(np.sum(found[name][key] != want[f"{'vs'[key]}_{name[1:]}"]))
    return tuple(sum(of(key, name) for name in golden.CORES.values()) for key in (0, 1))


@pytest.mark.parametrize("seed", golden.SEEDS)
def test_cores_are_rancs_simulator(seed):
    """Packets between cores with delivery ticks 0 to 14, and the bus of outputs, which shows the step before."""
    cores, packets, want = golden.ranc(seed)
    found, status = ran(seed)
    mine = {name: (found[name, "v"], found[name, "sent"]) for name in cores}
    assert mismatches(mine, want) == (0, 0)
    bus = np.zeros_like(want["bus"])
    for name, core in cores.items():
        for j, neuron in enumerate(core["neurons"]):
            if neuron["to"] is None:
                bus[1:, neuron["destination_axon"]] |= mine[name][1][:-1, j]
    assert np.sum(bus != want["bus"]) == 0 and bus.sum() > 3000
    lost = sum(int(found[name, "merged"][-1].sum()) for name in cores)
    assert lost == oracle.run(cores, packets, golden.STEPS, later=1, inclusive=golden.INCLUSIVE[seed])[1] > 200
    assert snn.Status(status) == snn.Status.INPUT_OVERFLOW  # spikes were lost at axons, and the run says so


@pytest.mark.parametrize("seed", golden.SEEDS)
def test_the_oracle_is_rancs_simulator_and_other_arithmetics_are_not(seed):
    """Negative controls: the leak last, the other reset type, a packet a step early, collisions that add."""
    cores, packets, want = golden.ranc(seed)
    right: dict[str, Any] = dict(later=1, inclusive=golden.INCLUSIVE[seed])
    assert mismatches(oracle.run(cores, packets, golden.STEPS, **right)[0], want) == (0, 0)
    for wrong in ({"leak_last": True}, {"inclusive": not right["inclusive"]}, {"later": 0}, {"merge": False}):
        v, spikes = mismatches(oracle.run(cores, packets, golden.STEPS, **{**right, **wrong})[0], want)
        assert v > 100 and spikes > 0, wrong
    runs_away = oracle.run(cores, packets, golden.STEPS, **right, negative=True)[0]
    assert mismatches(runs_away, want)[0] > 1000


def test_every_mode_is_paiboxs_neuron():
    """3 resets, 2 negative thresholds, 2 directions of the leak, 5 leaks; the negative control is another direction."""
    want, bits = golden.paibox()
    counts = {"E": bits.reshape(golden.STEPS, -1)}
    program = golden.paibox_program()
    found, status = golden.run(program, counts)
    wrong = [np.sum(np.asarray(found["E", mine]) != want[theirs]) for mine, theirs in (("v", "v"), ("sent", "spikes"))]
    assert wrong == [0, 0]
    assert status == 0 and want["spikes"].sum() > 3000
    assert len(np.unique(np.stack([want[key] for key in golden.MODES]), axis=1).T) == 60
    arrived = np.einsum("tnk,kn->tn", bits, want["weight"])
    ends = [want[key] for key in ("threshold", "negative", "reset", "reset_mode", "saturates")]
    wrong = dict.fromkeys(("right", "direction", "ringing", "inclusive"), 0)
    for j in range(60):
        for which in wrong:
            v = 0
            for t in range(golden.STEPS):
                reversal = int(want["reversal"][j]) ^ int(which == "direction")
                v = oracle.leak(v + arrived[t, j], want["leak"][j], reversal=reversal, ringing=which != "ringing")
                v, _ = oracle.compare(v, *[int(x[j]) for x in ends], inclusive=which == "inclusive")
                wrong[which] += v != want["v"][t, j]
    assert wrong.pop("right") == 0 and min(wrong.values()) > 10


def test_potentials_stay_within_their_bounds():
    """Where the bound is finite, golden runs stay inside it; where it is not, they may grow."""
    program = golden.ranc_program(0)
    cells = program.cells["all"]
    assert isinstance(cells, truenorth.CoreCells)
    low, high = reach(cells)
    v = np.concatenate([ran(0)[0][name, "v"] for name in golden.ranc(0)[0]], axis=1)
    finite = np.isfinite(low) & np.isfinite(high)
    assert 30 < finite.sum() < finite.size
    assert np.all((v >= low) & (v <= high))
    assert not snn.lowering.bounds(program)["all"]["voltage"].proved
