"""Inputs of a network as Poisson sources on cores: lowered, run, swept, reported, written, and what is refused."""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import spinnaker
from jaxsnn.chips.spinnaker.shifts import Arriving, largest_sum, shift_for
from tests.chips.spinnaker.test_poisson import host
from tests.refused import refused

STEPS = 300
RULE = snn.chain(snn.PairSTDP(a_plus=0.05, a_minus=0.06), snn.Bound(0.0, 4.0))
CELL = snn.LIF(tau=20.0, v_rest=-65.0, v_reset=-65.0, v_th=-50.0, t_ref=2.0)
RATES = np.repeat([5.0, 40.0, 900.0, 12_000.0], [20, 36, 3, 1])  # slow, fast and fastest


@functools.cache
def network(n=60, dt=1.0, learns=False):
    populations = {
        "in": snn.SpikeSource(n),
        "E": snn.Population(CELL, 30, ports={"exc": snn.Exponential(5.0)}),
    }
    link = snn.Connection("in", "E", snn.FixedProb(0.4), weight=1.5, delay=2.0, rule=RULE if learns else None)
    return snn.network(dt=dt, key=jax.random.key(0), populations=populations, projections={"S": link})


def target(rate=RATES, seed=3, **more):
    return spinnaker.SpiNNaker1(sources={"in": spinnaker.PoissonSource(rate, seed=seed, **more)})


@functools.cache
def lowered():
    calibration = snn.lowering.Calibration(None, steps=STEPS, key=jax.random.key(0))
    return snn.lower(network(), target(start=10.0), calibrate=calibration)


RECORD = {"v": snn.Trace("E.v"), "sent": snn.Trace("in.sent")}


def run(program, drive=None, record=RECORD, **more):
    return snn.simulate(program, drive, steps=STEPS, key=jax.random.key(1), record=record, throw=False, **more)


def fed(program, sent):
    """A run of the same program with inputs that the host feeds with these numbers of spikes."""
    inputs = snn.lowering.InputCounts(60, message_bits=program.cells["in"].message_bits)
    program = dataclasses.replace(program, cells={**program.cells, "in": inputs})
    return run(program, snn.Replay(np.asarray(sent, np.float32), into="in"), {"v": RECORD["v"]})


def seeded(program, seed):
    return eqx.tree_at(lambda p: p.cells["in"].seed, program, seed)


def test_sources_drive_a_network_as_the_host_would_with_their_spikes():
    program = lowered().program
    found = run(program)
    sent = np.asarray(found["sent"])
    assert np.all(sent[:10] == 0) and sent[10:].max() > 10 and int(found.status) == 0
    assert np.array_equal(found["v"], fed(program, sent)["v"])
    other = run(seeded(program, spinnaker.source_seeds(4)))  # control
    assert np.mean(np.asarray(other["v"]) != np.asarray(found["v"])) > 0.5


def test_the_model_is_compared_under_the_spikes_of_the_sources():
    report = lowered().report
    found = report.data["agreement"]["E"]
    assert found["rate of the model Hz"] > 5 and found["coincidence"] > 0.95
    chip = report.data["chip"]
    made = chip["sources"]["in"]
    assert (made["sources"], made["cores"]) == (60, 1)
    assert [made[f"by {how}"] for how in ("intervals", "products", "normal variates")] == [20, 39, 1]
    assert made["Hz asked"] == [5.0, 12_000.0] and made["Hz"][1] == pytest.approx(12_250.0, rel=1e-4)
    assert made["largest relative error of a rate"] == pytest.approx(250 / 12_000, rel=1e-3)
    assert "in: 60 Poisson sources on 1 core(s)" in str(report)
    assert 20 * 49 + 39 * 80 + 160 < made["instructions a step of the fullest core"] < 60 * 160


def test_a_program_is_told_as_its_lowering_was():
    """As a program by hand, for a chip that was told of no sources."""
    made, found = lowered(), snn.lowering.report(lowered().program, spinnaker.SpiNNaker1()).data["chip"]
    theirs = made.report.data["chip"]
    assert found == theirs
    fewer = {**made.program.cells, "in": snn.lowering.InputCounts(60)}  # control
    other = snn.lowering.report(dataclasses.replace(made.program, cells=fewer), spinnaker.SpiNNaker1()).data["chip"]
    assert "sources" not in other and other["placement"] == theirs["placement"]


def test_cores_and_shifts_are_those_of_the_host():
    """Its estimate of ring buffers takes 30 Hz of every sender, whatever the rates of sources."""
    for dt, rate in ((1.0, 20.0), (0.1, 2e4)):
        theirs = host()[f"{dt} ms"]
        found, plain = (snn.lower(network(1200, dt=dt), one) for one in (target(rate), spinnaker.SpiNNaker1()))
        assert int(found.program.cells["E"].shift_exc) == int(plain.program.cells["E"].shift_exc)
        rows = [one for one in found.report.data["chip"]["placement"] if one["group"] == "in"]
        assert [[one["first"], one["cells"]] for one in rows] == theirs["cores"]
        assert np.asarray(found.program.cells["in"].seed).tolist() == theirs["seeds"]
        work = found.report.data["chip"]["sources"]["in"]["instructions a step of the fullest core"]
        assert ("time_scale_factor of" in str(found.report).split("with time_scale_factor")[0]) == (work > 2e5 * dt)
        one = Arriving(host()["senders"], host()["weight"], 0.0, host()["weight"], 30.0, False)
        assert {int(shift_for(largest_sum([one], 5.0, dt)))} == set(theirs["shifts"])
        assert int(shift_for(largest_sum([one._replace(rate=2e4)], 5.0, 1.0))) > theirs["shifts"][0]  # control


def test_a_sweep_over_seeds_is_one_program():
    program = lowered().program
    seeds = jnp.stack([spinnaker.source_seeds(seed) for seed in (3, 4, 5)])
    together = jax.jit(jax.vmap(lambda seed: run(seeded(program, seed)).record))(seeds)
    for k in range(2):
        alone = run(seeded(program, seeds[k]))
        assert np.array_equal(together["v"][k], alone["v"]) and np.array_equal(together["sent"][k], alone["sent"])
    assert np.mean(np.asarray(together["sent"][0]) != np.asarray(together["sent"][2])) > 0.05


def test_rates_and_seeds_may_be_traced():
    net, numbers = network(), lambda cells: (cells.rate, cells.seed, cells.start, cells.end)
    made = jax.jit(lambda rate, seed: numbers(snn.lower(net, target(rate, seed, start=10.0)).program.cells["in"]))
    found = made(RATES.astype(np.float32), spinnaker.source_seeds(3))
    assert all(map(np.array_equal, found, numbers(lowered().program.cells["in"])))


def test_runs_in_c_in_parts_and_from_a_file(tmp_path):
    program, whole = lowered().program, run(lowered().program)
    snn.lowering.save_program(program, tmp_path / "program.npz")
    back = snn.lowering.load_program(tmp_path / "program.npz")
    assert eqx.tree_equal(back, program)
    in_c = run(back, compiler=snn.compilers.C())
    half = lambda state=None: snn.simulate(program, steps=STEPS // 2, key=jax.random.key(1), record=RECORD, state=state)
    parts = [first := half(), half(first)]
    for key in ("v", "sent"):
        assert np.array_equal(whole[key], in_c[key])
        assert np.array_equal(whole[key], np.concatenate([np.asarray(part[key]) for part in parts]))


def test_synapses_that_learn_behind_sources():
    """Every packet of a count is a spike of its own."""
    program = snn.lower(network(learns=True), target()).program
    found = run(program)
    w, same = (np.asarray(x.state.model.synapses["S"].w) for x in (found, fed(program, found["sent"])))
    assert np.array_equal(w, same) and np.mean(w != np.asarray(program.synapses["S"].weight)) > 0.5


def test_training_behind_sources():
    """The relaxed program is the program, bit for bit, and a derivative reaches the weights."""
    program = lowered().program
    relaxed, found = snn.lowering.relax(program), run(program, record={"fired": snn.Count("E")})

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def spikes(weight):
        model = eqx.tree_at(lambda m: m["S"].weight, relaxed, weight)
        return jnp.sum(run(model, record={"fired": snn.Count("E")})["fired"])

    count, slope = spikes(relaxed["S"].weight)
    assert count == np.sum(found["fired"]) > 100 and np.mean(np.asarray(slope) > 0) > 0.5
    assert spikes(1.05 * relaxed["S"].weight)[0] > count  # control, and the sign of the slope


def test_a_script_has_sources_and_reads_back_equal():
    cells = spinnaker.PoissonSource(
        RATES, seed=3, start=np.arange(60.0), duration=np.r_[np.full(30, np.inf), np.arange(30.0)]
    )
    program = snn.lower(network(dt=0.5), spinnaker.SpiNNaker1(sources={"in": cells})).program
    text = spinnaker.to_pynn(program)
    again = spinnaker.from_pynn(text)
    assert eqx.tree_equal(again.cells["in"], program.cells["in"]) and eqx.tree_equal(again.synapses, program.synapses)
    assert '"cell": "SpikeSourcePoisson"' in text and '"rate": [5.0, ' in text
    other = spinnaker.from_pynn(text.replace('"rate": [5.0, ', '"rate": [6.0, '))  # control
    assert not eqx.tree_equal(other.cells["in"], program.cells["in"])
    fewer = dataclasses.replace(program.cells["in"], sources=60)
    with refused("'in' with 60 sources a core, which a script cannot say; expected 500"):
        spinnaker.to_pynn(dataclasses.replace(program, cells={**program.cells, "in": fewer}))
    with refused("'in' with steps of another length than the program's"):
        spinnaker.to_pynn(dataclasses.replace(program, dt=1.0))


def test_what_is_refused():
    lower = lambda **sources: snn.lower(network(), spinnaker.SpiNNaker1(sources=sources))
    source = spinnaker.PoissonSource(10.0, seed=1)
    with refused("SpiNNaker1.sources names 'out'; expected an input population: in"):
        lower(out=source)
    with refused("SpiNNaker1.sources names 'E'; expected an input population: in"):
        lower(E=source)
    with refused("The PoissonSource of 'in' has rate of shape (3,); expected () or (60,)"):
        lower(**{"in": spinnaker.PoissonSource([1.0, 2.0, 3.0], seed=1)})
    with refused("PoissonCells.seed has shape (2, 4); expected (1, 4)"):
        lower(**{"in": spinnaker.PoissonSource(1.0, seed=spinnaker.source_seeds(1, 2))})
    for given in ({"in": 20.0}, [source], {3: source}):
        with refused("SpiNNaker1.sources is", "expected PoissonSource(...) by the name of a population"):
            spinnaker.SpiNNaker1(sources=given)  # pyright: ignore[reportArgumentType]
    for wrong, why in ((65_536.0, "65536.0 Hz"), (-1.0, "-1.0 Hz"), (np.nan, "nan")):
        with refused("PoissonSource.rate is", why, "at least 0 and less than 65536"):
            spinnaker.PoissonSource(wrong, seed=1)
    with refused("PoissonSource.start is -1.0 ms"):
        spinnaker.PoissonSource(1.0, seed=1, start=-1.0)
    with refused("Got 1.5 for words of 32 bits"):
        spinnaker.PoissonSource(1.0, seed=1.5)
    with refused("no drive feeds PoissonCells 'in'; expected what is fed: none"):
        snn.simulate(lowered().program, snn.Poisson(10.0, into="in"), steps=5, key=jax.random.key(0))
    with refused("RowSynapses from 'in' take 1 packets a step; expected most="):
        rows = dataclasses.replace(lowered().program.synapses["S"], most=1)
        run(dataclasses.replace(lowered().program, synapses={"S": rows}))
