"""Networks become programs: spikes at the same steps, proofs that hold, failures of others, refusals with a reason."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.lowering.calibrate import compare, follow, observe
from jaxsnn.lowering.passes.scales import UpToVoltage
from tests.refused import refused

KEY = jax.random.key(3)
TARGET = snn.chips.loihi.Loihi1()
STEPS = 300
TAU = -1.0 / np.log1p(-200 / 4096)


def exact_tau(decay, dt=1.0):
    """The time constant whose decay is a whole number of 4096ths."""
    return -dt / np.log1p(-decay / 4096)


def layers(
    port, *, order=None, recurrent=True, delay=2.0, out_t_ref=3.0, weight=0.25, dt=1.0, readout=True, behind=None
):
    """An input, a recurrent layer with delays, and a layer behind it; numbers that a chip has exactly."""
    ports, last_ports = {"in": port}, {"in": behind or port}
    hidden = snn.LIF(
        tau=exact_tau(256), v_th=1.0 + 1 / 64, v_reset=0.25, v_rest=0.25, t_ref=2.0, comparator=snn.thresholds.Greater()
    )
    last = snn.LIF(tau=exact_tau(512), v_th=1.0 + 1 / 64, t_ref=out_t_ref, comparator=snn.thresholds.Greater())
    rng = np.random.default_rng(0)
    steps = lambda shape, by: jnp.asarray(rng.integers(-6, 10, shape) * by, jnp.float32)
    same_step, onward = None if order is None else 1.0, weight * (2 if behind else 1 / 4)
    links = {
        "ih": snn.Connection(
            "in", "h", snn.AllToAll(), via=snn.Dense(), weight=steps((9, 8), weight / 8), delay=same_step
        ),
        "ho": snn.Connection("h", "o", snn.AllToAll(), via=snn.Dense(), weight=steps((8, 5), onward), delay=same_step),
    }
    if recurrent:
        d = delay + jnp.asarray(rng.integers(0, 3, 64) * dt, jnp.float32)
        w = steps((8, 8), weight / 8)
        links["hh"] = snn.Connection("h", "h", snn.AllToAll(), weight=w, delay=d, max_delay=delay + 2.0)
    cells = {
        "in": snn.SpikeSource(9),
        "h": snn.Population(hidden, 8, ports=ports),
        "o": snn.Population(last, 5, ports=last_ports),
    }
    if readout:
        cells["r"] = snn.Population(snn.LI(tau=exact_tau(128)), 3)
        links["hr"] = snn.Connection(
            "h", "r", snn.AllToAll(), via=snn.Dense(), weight=steps((8, 3), 0.5), delay=same_step
        )
    order = order or snn.NestOrder()
    return snn.network(dt=dt, key=KEY, populations=cells, projections=links, order=order)


def inputs(n=9, steps=STEPS, rate=0.2, seed=1):
    return jnp.asarray(np.random.default_rng(seed).random((steps, n)) < rate, jnp.float32)


def agreement(net, **kwargs):
    made = snn.lower(net, TARGET, calibrate=snn.Replay(inputs(), into="in"), **kwargs)
    return made, made.report.data["agreement"]


# --- the same spikes at the same steps ------------------------------------------------------------------------------


def test_spikes_come_at_the_steps_of_the_model():
    """Only rounding is lost. Behind an edge without delay a jump makes a group a step late, and a current does not."""
    net = layers(snn.Delta(), behind=snn.Exponential(exact_tau(1024)))
    made, found = agreement(net)
    program = made.program
    assert dict(program.lags) == {"h": 1, "in": 0, "o": 1, "r": 2}
    assert min(found[name]["rate of the model Hz"] for name in ("h", "o")) > 10, found
    assert min(one["coincidence"] for one in found.values()) > 0.98, found
    # negative control: the same spikes, not aligned
    calibration = snn.lowering.Calibration(snn.Replay(inputs(), into="in"), steps=STEPS, key=KEY)
    unaligned = dataclasses.replace(program, lags=())
    run = observe(program, calibration)
    wrong = compare(net, unaligned, run, follow(net, calibration, run), calibration)["o"]["first difference, step"]
    right = found["o"]["first difference, step"]
    assert wrong is not None and wrong < (STEPS if right is None else right) / 2
    # a read-out integrates, and never fires
    watch = lambda model: snn.simulate(
        model,
        snn.Replay(inputs(), into="in"),
        steps=STEPS,
        key=KEY,
        record=snn.Trace("r.v"),
        progress=snn.progress.Quiet(),
    )
    mine = np.asarray(watch(program).record)[2:] / float(program.scale["r"])
    theirs = np.asarray(watch(net).record)[:-2]
    assert found["r"]["rate Hz"] == 0.0
    assert np.sqrt(np.mean((mine - theirs) ** 2)) < 0.02 * np.std(theirs)
    # and what the chip would use for it
    text = str(made.report)
    for part in ("binding limit: cells", "h: 8 cells", "ih: in -> h", "nJ", "Davies", "of spikes coincide"):
        assert part in text, text


def test_brian2_order_hears_a_step_later():
    """And inputs send what they heard a step later. (No recurrence: weights leak for a step, hence are rounded.)"""
    made, found = agreement(layers(snn.Delta(), order=snn.BrianOrder(), readout=False, recurrent=False))
    assert dict(made.program.lags) == {"h": 0, "in": 0, "o": 0}
    assert min(one["coincidence"] for one in found.values()) > 0.95, found


# --- proof ----------------------------------------------------------------------------------------------------------


def run(program, **record):
    drive = snn.Replay(inputs(steps=100, rate=0.6), into="in")
    return snn.simulate(program, drive, steps=100, key=KEY, record=record, throw=False, progress=snn.progress.Quiet())


def test_where_the_proof_holds_all_cores_agree():
    passes = TARGET.passes()
    passes[4] = dataclasses.replace(passes[4], room=UpToVoltage())
    net = layers(snn.Exponential(exact_tau(2048)), weight=0.5, readout=False)
    program, _, report = snn.lower(net, TARGET, passes=passes)
    proofs = [value for cell in report.data["cells"].values() for key, value in cell.items() if "is proved" in key]
    assert len(proofs) == 8 and all(proofs), str(report)
    assert "drives feed inputs, not cells" in str(report)
    assert np.array_equal(
        *(
            program.synapses["ih"].stored(core)
            for core in (snn.chips.loihi.Loihi1Core(), snn.chips.loihi.NengoLoihiCore())
        )
    )
    cores = [snn.chips.loihi.Loihi1Core(), snn.chips.loihi.LavaCore(), snn.chips.loihi.Brian2LoihiCore()]
    record = {name: snn.Trace(name) for name in ("h.u", "h.v", "o.v")} | {"s": snn.Raster("o")}
    runs = [run(snn.chips.loihi.with_core(program, core), **record) for core in cores]
    for other in runs:
        assert int(other.status) == 0
        for a, b in zip(jax.tree.leaves(runs[0].record), jax.tree.leaves(other.record), strict=True):
            np.testing.assert_array_equal(a, b)
    # negative control: 512 times the weights, which the proof refuses, and the cores differ
    h = program.synapses["ih"]
    louder = eqx.tree_at(lambda p: p.synapses["ih"].exponent, program, h.exponent + 9)
    loud = [run(snn.chips.loihi.with_core(louder, core), **record) for core in cores[:2]]
    assert all(int(one.status) for one in loud)
    assert np.any(np.asarray(loud[0]["h.u"]) != np.asarray(loud[1]["h.u"]))


# --- what others fail on --------------------------------------------------------------------------------------------


def single(weights, **kwargs):
    """Inputs onto cells with nothing else, with a decay that needs no rounding."""
    weights = [jnp.asarray(w, jnp.float32) for w in weights]
    n = weights[0].shape[1]
    populations = {
        "in": snn.SpikeSource(weights[0].shape[0]),
        "E": snn.Population(snn.LIF(tau=TAU, v_th=1.0, **kwargs), n),
    }
    links = {
        f"w{i}": snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=w) for i, w in enumerate(weights)
    }
    return snn.network(dt=1.0, key=KEY, populations=populations, projections=links)


def as_numbers(program, link):
    """Weights as the model's numbers again."""
    w = program.synapses[link]
    return np.asarray(w.effective(program.cells[w.post].core)) * 64.0 / float(program.scale[w.post])


def test_weights_that_others_lose():
    strong = np.random.default_rng(0).normal(0.0, 1.0, (6, 4))
    cases = [np.zeros((6, 4)), strong / 1000.0, strong]
    program, _, report = snn.lower(single(cases), TARGET)
    links = report.data["links"]
    assert links["w0"]["weights rounded to 0"] == 0 and not as_numbers(program, "w0").any()
    unit = 64.0 / float(program.scale["E"])  # what an input is a multiple of
    for i in (1, 2):  # a thousand times weaker: as large as it should be, to the unit of an input
        error = np.abs(as_numbers(program, f"w{i}") - cases[i]).max()
        assert error < 0.52 * unit + np.abs(cases[i]).max() * 0.51 / 63.5, (i, error)
        assert links[f"w{i}"]["sign"] == "SignedWeights" and links[f"w{i}"]["weights clipped"] == 0


@pytest.mark.parametrize("weights", [[[300.0, 400.0]], [[-300.0, -1000.0]], [[255.0, -256.0]], [[3.0, -5.0]]], ids=str)
def test_weights_of_any_size(weights):
    """Above 255, odd ones of both signs: relative to the largest, as exact as 8 bits are."""
    program, _, report = snn.lower(single([weights]), TARGET)
    wanted = np.asarray(weights)
    assert np.abs(as_numbers(program, "w0") - wanted).max() <= np.abs(wanted).max() * 1.1 / 127
    assert report.data["links"]["w0"]["weights clipped"] == 0


def test_biases_that_need_an_exponent():
    bias = jnp.asarray([0.0, 1e-3, -0.3, 900.0], jnp.float32)
    program = snn.lower(single([np.full((2, 4), 0.5)], bias=bias), TARGET).program
    cells = program.cells["E"]
    assert np.ptp(np.asarray(cells.bias_exponent)) > 0
    scale = float(program.scale["E"])
    got = np.asarray(cells.bias) * 2.0 ** np.asarray(cells.bias_exponent) / scale
    np.testing.assert_allclose(got, np.asarray(bias) * 200 / 4096, rtol=2e-3, atol=1.0 / scale)


def test_only_synapses_that_exist_are_counted():
    """In a matrix as in a list; several of a pair add up."""
    populations = {"in": snn.SpikeSource(20), "E": snn.Population(snn.LIF(), 10)}
    for via in (snn.Dense(), snn.Sparse()):
        link = snn.Connection("in", "E", snn.FixedInDegree(7), via=via, weight=0.5, delay=1.0)
        net = snn.network(dt=1.0, key=KEY, populations=populations, projections={"w": link})
        (edges,) = snn.lowering.read(net, TARGET).edges.values()
        pairs = {*zip(np.asarray(edges.sender).tolist(), np.asarray(edges.receiver).tolist(), strict=True)}
        assert 40 < len(pairs) == edges.count < 70 and float(jnp.sum(edges["weight"])) == 35.0
        assert np.all(np.asarray(edges["weight"]) != 0)


# --- precision as an axis -------------------------------------------------------------------------------------------


def test_precision_is_swept_in_one_compile():
    """Weight bits as a traced number: errors shrink with every bit, and the whole sweep is one program."""
    start = snn.lowering.read(layers(snn.Delta(), readout=False, recurrent=False), TARGET)
    real = snn.lowering.lower_graph(start, TARGET.passes()[:3])

    @eqx.filter_jit
    @jax.vmap
    def at(bits):
        precision = snn.lowering.Precision(weight=bits, decay=bits + 4, threshold=bits + 8)
        graph = snn.lowering.lower_graph(real, TARGET.passes(precision)[3:6])
        program = TARGET.emit(graph)
        out = snn.simulate(program, snn.Replay(inputs(), into="in"), steps=100, key=KEY, record=snn.Count("o"))
        return (
            graph.counts["ih"]["weights, relative rms error"],
            graph.counts["h"]["decay_v, largest relative error"],
            out.record,
        )

    error, decay, counts = at(jnp.arange(2, 9, dtype=jnp.int32))
    assert np.all(np.diff(error) <= 0) and error[-1] < 0.01 < 0.1 < error[0]
    assert np.all(np.diff(decay) <= 0)
    assert len(np.unique(np.asarray(counts), axis=0)) > 2


def test_the_graph_can_be_printed_and_checked_after_every_pass():
    graph = snn.lowering.read(layers(snn.Delta()), TARGET)
    assert "real" in str(graph) and graph.wrong() == []
    for each in TARGET.passes():
        graph = snn.lowering.lower_graph(graph, [each])
        assert graph.wrong() == [], each.name
    assert "signed 8 bits" in str(graph) and each.name in str(graph)
    broken = graph.edges["ih"]
    broken = broken.set(weight=eqx.tree_at(lambda v: v.x, broken.values["weight"], broken["weight"] * 300))
    assert any(
        "ih.weight" in text and "outside its format" in text for text in graph.having(edges={"ih": broken}).wrong()
    )


# --- placement ------------------------------------------------------------------------------------------------------


def test_groups_are_split_over_cores_by_what_binds():
    """Memory binds: 147 cells a core are 3 blocks of synapses of 6 bits for each of 1 024 axons, just what fits."""
    start = snn.lowering.read(single([np.ones((1024, 1024)) * np.linspace(0.9, 1.0, 1024)]), TARGET)
    wide = snn.lowering.lower_graph(start, TARGET.passes()[:-3])
    placed = lambda target: target.placed(snn.lowering.lower_graph(wide, target.passes()[-3:]))
    chip = placed(TARGET)
    assert chip["binding limit"]["limit"] == "bits of synapses"
    assert chip["cores"] == 7 and chip["binding limit"]["used"] == 1024 * (2 * 448 + 128) == 16384 * 64
    few = placed(dataclasses.replace(TARGET, cells=64))
    assert few["cores"] == 16 and few["binding limit"]["limit"] == "cells"
    first = few["placement"][0]
    assert first["synapse_bits"] == 1024 * 448 and first["in_axons"] == 1024  # 64 synapses of 6 bits are 7 words


# --- refusals: the part, the limit, the nearest thing ---------------------------------------------------------------


def two_ports(**ports):
    return snn.network(
        dt=1.0,
        key=KEY,
        populations={"in": snn.SpikeSource(2), "E": snn.Population(snn.LIF(), 2, ports=ports)},
        projections={},
    )


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: two_ports(a=snn.Alpha(2.0)), ["'E'", "Alpha", "use Exponential"]),
        (lambda: two_ports(a=snn.Delta(), b=snn.Exponential(2.0)), ["'E'", "Delta and Exponential", "one current"]),
        (lambda: two_ports(a=snn.Exponential(3.0), b=snn.Exponential(2.0)), ["'E'", "3.0 ms, 2.0 ms", "the same tau"]),
        (lambda: single([np.ones((2, 2))], reset_mechanism=snn.resets.Subtract()), ["'E'", "Subtract", "ToValue()"]),
        (lambda: single([np.ones((2, 2))], noise=1.0), ["'E'", "noise", "CellNoise"]),
        (
            lambda: single([np.ones((2, 2))], refractory_input=snn.refractory.Buffer(), t_ref=2.0),
            ["'E'", "Buffer", "Clamp()"],
        ),
        (lambda: single([np.ones((2, 2))], t_ref=90.0), ["'E'", "91 steps", "63", "larger dt"]),
        (lambda: layers(snn.Delta(), delay=70.0), ["'hh'", "72 ms", "62", "larger dt"]),
        (lambda: single([np.ones((4097, 2))]), ["'E'", "4097 axons in", "4096", "smaller fan-in"]),
    ],
)
def test_what_cannot_be_lowered_says_why(make, parts):
    with refused(*parts):
        snn.lower(make(), TARGET)


def test_a_cycle_that_is_too_fast_is_refused():
    cell = lambda: snn.Population(snn.LIF(), 2)
    links = {
        "ab": snn.Connection("a", "b", snn.AllToAll(), via=snn.Dense(), weight=1.0),
        "ba": snn.Connection("b", "a", snn.AllToAll(), via=snn.Dense(), weight=1.0, delay=1.0),
    }
    net = snn.network(dt=1.0, key=KEY, populations={"a": cell(), "b": cell()}, projections=links)
    with refused("cycle through a, b", "a delay of one step more"):
        snn.lower(net, TARGET)


def test_a_drive_that_overflows_is_seen():
    """Status at the end of a run, with a remedy; the weight is far beyond what any register holds."""
    program = snn.lower(single([np.ones((2, 2))]), TARGET).program
    with pytest.raises(snn.SimulationError, match="INPUT_OVERFLOW: a chip's cell was sent more"):
        snn.simulate(program, snn.Replay(1e5 * inputs(2, 20), into="E"), steps=20, key=KEY)
