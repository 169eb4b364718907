"""Programs as PyNN scripts: read back equal, and run by PyNN on NEST (tests/oracles/pynn_spinnaker.py) nearly alike."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.chips.spinnaker.test_lowering import STEPS, drive
from tests.refused import refused

spinnaker = snn.chips.spinnaker
HERE = Path(__file__).parents[2] / "golden" / "spinnaker"
LATER = 3  # steps: inputs of the script were two later, and PyNN stamps a spike at the end of its step


@functools.cache
def program() -> Any:
    """That of `test_lowering.calibrated()`, as the script has it that PyNN ran."""
    return spinnaker.from_pynn(HERE / "script.txt")


def spikes(program):
    run = snn.simulate(program, drive(), steps=STEPS, key=jax.random.key(1), record=snn.Raster("E"), throw=False)
    return np.asarray(run.record.dense()) > 0


def test_the_script_that_pynn_ran_is_what_is_written_of_its_program():
    text = spinnaker.to_pynn(program(), steps=STEPS)
    assert text == (HERE / "script.txt").read_text()
    other = text.replace('"tau_refrac": 2.0', '"tau_refrac": 3.0')  # control
    assert not eqx.tree_equal(spinnaker.from_pynn(other), program())


def test_pynn_has_the_numbers_of_the_program():
    """What PyNN's mock gives back for the populations that the script builds."""
    cells, golden = program().cells["E"], np.load(HERE / "pynn_script.npz")
    for theirs, ours in {"tau_m": "tau_m", "cm": "c_m", "v_thresh": "v_th", "tau_syn_E": "tau_exc"}.items():
        assert float(golden[f"mock E {theirs}"]) == float(getattr(cells, ours)) / 2**15


def test_pynn_on_nest_fires_as_the_program():
    golden = np.load(HERE / "pynn_script.npz")
    step = np.round(golden["time"]).astype(int) - LATER
    theirs = np.zeros((STEPS, 30), bool)
    theirs[step[(step >= 0) & (step < STEPS)], golden["neuron"][(step >= 0) & (step < STEPS)]] = True
    ours = spikes(program())
    assert np.abs(ours.sum(axis=0) - theirs.sum(axis=0)).max() <= 1 and ours.sum() > 1000
    assert (ours & theirs).sum() > 0.9 * ours.sum()
    faster = lambda tau: tau * 9 // 10
    other = eqx.tree_at(lambda p: p.cells["E"].tau_exc, program(), replace_fn=faster)  # control
    wrong = spikes(other)
    assert np.abs(wrong.sum(axis=0) - theirs.sum(axis=0)).max() > 1 and (wrong & theirs).sum() < 0.5 * ours.sum()


STEPS_OF_STDP = 2000


def input_of_stdp():
    return (np.random.default_rng(0).random((STEPS_OF_STDP, 30)) < 0.03).astype(np.float32)


def learning_network(delay=2.0):
    """Neurons that learn which inputs make them fire; that of `stdp.txt`."""
    cell = snn.LIF(tau=20.0, v_rest=-65.0, v_reset=-65.0, v_th=-50.0, t_ref=2.0)
    rule = snn.chain(snn.PairSTDP(a_plus=0.1, a_minus=0.12, tau_minus=30.0), snn.Bound(0.0, 16.0))
    link = snn.Connection("in", "E.exc", snn.FixedProb(0.5), weight=snn.Uniform(3.0, 13.0), delay=delay, rule=rule)
    cells = {"in": snn.SpikeSource(30), "E": snn.Population(cell, 12, ports={"exc": snn.Exponential(5.0)})}
    return snn.network(dt=1.0, key=jax.random.key(0), populations=cells, projections={"S": link})


@functools.cache
def learning():
    drive = snn.Replay(input_of_stdp(), into="in")
    return snn.lower(learning_network(), spinnaker.SpiNNaker1(), calibrate=drive)


def test_pynn_on_nest_learns_as_the_program():
    """NEST's rule of pairs, of the script that was written of the program. Its neurons fire a step later than the
    machine's behind an arrival, by which its window is displaced.
    """
    text, lowered = (HERE / "stdp.txt").read_text(), learning().program
    golden, program = np.load(HERE / "pynn_stdp.npz"), spinnaker.from_pynn(text)
    assert spinnaker.to_pynn(program, steps=STEPS_OF_STDP) == text
    assert eqx.tree_equal(spinnaker.from_pynn(spinnaker.to_pynn(lowered)).synapses, lowered.synapses)
    assert np.array_equal(program.synapses["S"].receiver, lowered.synapses["S"].receiver)
    run = lambda model: snn.simulate(
        model, snn.Replay(input_of_stdp(), into="in"), steps=STEPS_OF_STDP, key=jax.random.key(0),
        record=snn.Count("E"),
    )  # fmt: skip
    shift = int(program.cells["E"].shift_exc)

    def learned(model):
        found = run(model)
        return np.asarray(found.record), np.asarray(found.state.model.synapses["S"].w) * 2.0 ** (shift - 15)

    count, w = learned(program)
    theirs = golden["weights"][:, 2]
    start = np.asarray(program.synapses["S"].weight) * 2.0 ** (shift - 15)
    assert np.abs(count - golden["count"]).max() <= 0.05 * golden["count"].max() and golden["count"].sum() > 450
    assert np.corrcoef(w - start, theirs - start)[0, 1] > 0.85
    assert np.mean(np.abs(w - theirs)) < 0.25 * np.mean(np.abs(theirs - start))
    without = eqx.tree_at(lambda p: p.synapses["S"].rule.a_plus, program, jnp.int32(0))  # control
    assert np.mean(np.abs(learned(without)[1] - theirs)) > 0.5 * np.mean(np.abs(theirs - start))


@pytest.mark.parametrize(
    "cells",
    [
        spinnaker.CondExpCells(3, tau_m=spinnaker.accum(10.0), e_inh=spinnaker.accum(-80.0), shift_exc=9, ports={}),
        spinnaker.CurrDeltaCells(3, v_th=np.asarray([100, 200, 2**31 - 1]), t_ref=spinnaker.accum(2.0), ports={}),
    ],
    ids=lambda cells: type(cells).__name__,
)
def test_other_cells_and_delays_of_synapses_read_back_equal(cells):
    rng = np.random.default_rng(0)
    rows = spinnaker.RowSynapses.of("in", "E", rng.integers(0, 65536, (4, 3)), most=15)
    delay = jnp.asarray(rng.integers(0, 144, rows.weight.size), jnp.int32).at[0].set(143)
    rows = dataclasses.replace(rows, delay=delay, max_delay=143)
    back = spinnaker.RowSynapses.of("E", "E", rng.integers(1, 900, (3, 3)), 2, inhibitory=True)
    given = snn.lowering.Program({"in": snn.lowering.InputCounts(4), "E": cells}, {"a": rows, "b": back})
    found = spinnaker.from_pynn(spinnaker.to_pynn(given))
    assert eqx.tree_equal(found, given)


def test_what_pynn_has_no_words_for_is_refused():
    with refused("Got NoneType to write, expected a Program for SpiNNaker"):
        spinnaker.to_pynn(None)  # pyright: ignore[reportArgumentType]
    izhikevich = snn.lowering.Program({"Z": spinnaker.IzhikevichCells(2)}, {})
    with refused("'Z' with IzhikevichCells, which a script cannot say; expected IF_curr_exp"):
        spinnaker.to_pynn(izhikevich)
    with refused("'E' with 2 substeps"):
        spinnaker.to_pynn(snn.lowering.Program({"E": spinnaker.CurrExpCells(2, substeps=2)}, {}))
    with refused("no script of jaxsnn for pyNN.spiNNaker"):
        spinnaker.from_pynn("import pyNN.nest as sim")
