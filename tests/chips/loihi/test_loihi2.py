"""Graded spikes and the kinds of cells that Loihi 2 has are Lava's fixed-point models, bit for bit, in every step."""

import functools
from types import SimpleNamespace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.connectivity.ring import Ring
from tests.chips.loihi import loihi2
from tests.refused import refused
from tests.simulation.toys import assert_same


class Compared(NamedTuple):
    """Amplitudes of the input, what Lava has and made of them, our programs, a run of one, and the runs of all."""

    inputs: Any
    parts: Any
    made: Any
    run: Any
    mine: Any
    status: Any


@functools.cache
def everything():
    inputs, parts = loihi2.read()
    made, run = loihi2.programs(inputs, parts), loihi2.compiled(parts)
    return Compared(inputs, parts, made, run, *loihi2.run_all(run, made, inputs))


@pytest.fixture
def lava():
    """Made once, but inside a test: what is compiled outside of them is compiled under other settings, and again."""
    return everything()


@pytest.mark.parametrize("kind", loihi2.KINDS)
def test_every_kind_is_lavas_model(lava, kind):
    wrong = {
        name: count for name, count in loihi2.mismatches(lava.mine, lava.parts).items() if name.startswith(f"{kind}.")
    }
    assert wrong == dict.fromkeys(wrong, 0) and len(lava.inputs) >= 30 and f"{kind}.s" in wrong
    sent = lava.parts[kind]["result.s"]
    assert np.mean(np.any(sent != 0, axis=(1, 2))) > 0.7
    if kind in ("graded", "relu", "product", "sigma", "phase", "delta", "delta_summed", "sigma_delta"):
        assert np.abs(sent).max() > 2**24  # what float32 does not hold, and beyond registers of 24 bits


def caught(lava, where):
    """Of which kinds something else comes out, of eight configurations, where the chosen number of each is smaller."""
    off = lambda x: jnp.where(x > 0, x - 1 - x // 4, x + 1)
    changed, _ = loihi2.run_all(
        lava.run, [eqx.tree_at(where, p, replace_fn=off) for p in lava.made[:8]], lava.inputs[:8]
    )
    return {name.partition(".")[0] for name, x in changed.items() if np.any(x != lava.mine[name][:8])}


def test_a_number_that_is_another_is_seen(lava):
    """Negative controls: every register of every kind in turn, and exponents of synapses."""
    registers = {kind: sorted(loihi2.registers_of(lava.parts, kind)) for kind in loihi2.KINDS}
    for turn in range(max(map(len, registers.values()))):
        chosen = {kind: names[turn] for kind, names in registers.items() if turn < len(names)}
        off = lambda p, chosen=chosen: [getattr(p.cells[kind], name) for kind, name in chosen.items()]
        assert chosen.keys() - caught(lava, off) == set(), chosen
    exponents = lambda p: [p.synapses[f"in {kind}"].exponent for kind in loihi2.KINDS]
    assert loihi2.KINDS.keys() - caught(lava, exponents) == set()


def test_the_status_says_what_does_not_fit(lava):
    wild = np.abs(lava.inputs).max(axis=(1, 2)) > 2**13
    assert 5 < wild.sum() < 15 and np.all(lava.status[wild] != 0)
    assert lava.run(lava.made[0], jnp.zeros(lava.inputs.shape[1:], jnp.float32))[1] == 0


def test_sines_are_lavas():
    _, parts = loihi2.read()
    for kind in ("resonator", "izhikevich"):
        c = loihi2.part(parts, kind, "cells")
        for i, bits in enumerate(c["bits"]):
            made = snn.chips.loihi.resonator_coefficients(c["period"][i], c["loss"][i], int(bits))
            assert (made["sin"], made["cos"]) == (c["sin"][i], c["cos"][i])
    c = loihi2.part(parts, "phase", "cells")
    made = snn.chips.loihi.resonator_coefficients(1.0 / (0.001 * c["frequency"]), 1.0 - np.exp(-0.001 / c["tau"]), 15)
    assert np.array_equal(made["sin"], c["sin"]) and np.array_equal(made["cos"], c["cos"])


def test_batches_are_single_runs(lava):
    """Every number of cells and synapses has an axis of a batch."""
    inputs, parts = lava.inputs, lava.parts
    one = {"sigma_delta": parts["sigma_delta"]}
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *loihi2.programs(inputs[:6], one))
    done, _ = jax.vmap(loihi2.compiled(one))(stacked, jnp.asarray(inputs[:6], jnp.float32))
    assert all(np.array_equal(x, lava.mine[name][:6]) for name, x in done.items())


# --- what carries amplitudes ---


def sent(group, amplitudes, n_post, message_bits, core=None):
    """What arrives, a slot a delay."""
    ring = Ring(1 + group.max_delay, n_post)
    pre = SimpleNamespace(message_bits=message_bits)  # 32 are more than inputs have
    post = snn.chips.loihi.CubaCells(n_post, core=core or snn.chips.loihi.LavaCore())

    @jax.jit
    def send(group, amplitudes):
        carrier = group.prepare(pre, post, ring, 0)
        return carrier.send((), ring.empty(jnp.int32), amplitudes, jnp.int32(-1))

    return np.asarray(send(group, jnp.asarray(amplitudes, jnp.int32))).reshape(ring.slots, n_post)


def test_convolutions_of_amplitudes_are_lavas():
    for c in loihi2.read_convolutions():
        geometry = {name: tuple(c[name].tolist()) for name in ("stride", "padding", "dilation")}
        group = snn.chips.loihi.ConvSynapses(
            "a", "b", c["kernel"], image=c["images"].shape[1:], groups=int(c["groups"]), **geometry
        )
        for image, result in zip(c["images"], c["result"], strict=True):
            assert np.array_equal(sent(group, image.ravel(), result.size, 24)[0], result.ravel())
        assert np.abs(c["images"]).max() > 2**17 and np.abs(c["result"]).max() > 2**22
    without = sent(group, image.ravel(), result.size, 0)[0]
    assert np.sum(without != result.ravel()) > 10  # control: float32, which is enough for spikes, is not here


def test_a_convolution_of_any_amplitude_is_the_sum_in_24_bits():
    """Of one place, with few and with many weights: digits of 13 and of 4 bits."""
    r = np.random.default_rng(0)
    for channels in (8, 4000):
        kernel, x = r.integers(-256, 256, (2, channels, 1, 1)), r.integers(-(2**31), 2**31, channels)
        group = snn.chips.loihi.ConvSynapses("a", "b", kernel, image=(channels, 1, 1))
        exact = [sum(int(w) * int(a) for w, a in zip(row, x)) for row in kernel.reshape(2, -1)]
        assert sent(group, x, 2, 32)[0].tolist() == [(e + 2**23) % 2**24 - 2**23 for e in exact]


@pytest.mark.parametrize("core", [snn.chips.loihi.LavaCore, snn.chips.loihi.Loihi1Core])
def test_matrices_and_lists_carry_amplitudes_alike(core):
    """Sums of 32 bits that wrap, of positive and negative amplitudes, against NumPy."""
    r = np.random.default_rng(1)
    weight, exists, x = r.integers(-128, 128, (9, 5)) * 2, r.random((9, 5)) < 0.7, r.integers(-(2**29), 2**29, 9)
    x[r.random(9) < 0.3] = 0
    weight, delay = np.where(exists, weight, 0), np.where(exists, r.integers(0, 3, (9, 5)), 0)
    one = snn.chips.loihi.Synapses("a", "b", weight, 3)
    each = snn.chips.loihi.Synapses("a", "b", weight, 3, delay=delay, max_delay=2)
    expected = np.stack([(x @ np.where(delay == d, weight, 0)) * 8 for d in range(3)])
    wrapped = lambda a: (a + 2**31) % 2**32 - 2**31
    assert np.abs(expected).max() > 2**31
    for group in (each, snn.chips.loihi.SparseSynapses.of(each, exists)):
        assert np.array_equal(sent(group, x, 5, 32, core()), wrapped(expected))
    if core is snn.chips.loihi.LavaCore:
        for group in (one, snn.chips.loihi.SparseSynapses.of(one, exists)):
            assert np.array_equal(sent(group, x, 5, 32, core())[0], wrapped(x @ weight * 8))


# --- the rest of the system knows them ---


def test_files_hold_every_kind(lava, tmp_path):
    made = lava.made[0]
    snn.lowering.save_program(made, tmp_path / "a.npz")
    back = snn.lowering.load_program(tmp_path / "a.npz")
    assert jax.tree.structure(back) == jax.tree.structure(made)
    assert_same(back, made)


def graded(message_bits=0, **cells):
    links = {"S": snn.chips.loihi.Synapses("in", "E", [[200, -30], [50, 4]], -1)}
    if "G" in cells:
        links["back"] = snn.chips.loihi.Synapses("G", "E", [[2, 2], [2, 2]])
    made = {
        "in": snn.lowering.InputCells(2, message_bits=message_bits),
        "E": snn.chips.loihi.CubaCells(2, decay_v=4096),
        **cells,
    }
    return snn.chips.loihi.program(made, links, snn.chips.loihi.LavaCore())


def test_bounds_count_amplitudes():
    spikes, amplitudes = (snn.lowering.bounds(graded(bits))["E"]["input"] for bits in (0, 4))
    assert (spikes.low, spikes.high, spikes.proved) == pytest.approx((-15 * 64, 125 * 64, True), rel=2e-3)
    assert amplitudes.proved and amplitudes.high == pytest.approx(15 * 126 * 64, rel=2e-3)
    assert amplitudes.low == -amplitudes.high  # amplitudes have signs
    assert not snn.lowering.bounds(graded(24))["E"]["input"].proved
    any_number = snn.lowering.bounds(graded(G=snn.chips.loihi.GradedCells(2)))
    assert not any_number["E"]["input"].proved and any_number["E"]["input"].high == np.inf and "G" not in any_number
    assert snn.lowering.bounds(graded(G=snn.chips.loihi.TernaryCells(2)))["E"]["input"].proved


def test_an_input_cuts_what_its_message_does_not_hold():
    fed = jnp.array([15.4, -16.0, 3.6])
    step = lambda cells: cells.step(cells.init(), jnp.zeros(3, jnp.int32), fed, 0, stream=None)
    (_, sent, status), (_, all_of_it, clean) = (
        step(snn.lowering.InputCells(3, message_bits=4)),
        step(snn.lowering.InputCells(3)),
    )
    assert sent.tolist() == [15, -15, 4] and status != 0
    assert all_of_it.tolist() == [15, -16, 4] and clean == 0


def test_who_has_no_graded_spikes_says_so(tmp_path):
    made = graded(8, G=snn.chips.loihi.SigmaDeltaCells(2))
    snn.lowering.verify(made, snn.chips.loihi.Loihi2())
    snn.lowering.verify(graded(), snn.chips.loihi.Loihi1())
    with refused("'G' is SigmaDeltaCells", "Loihi1 does not have", "CubaCells"):
        snn.lowering.verify(made, snn.chips.loihi.Loihi1())
    with refused("'in' (InputCells) sends amplitudes of 8 bits", "Loihi1 have 0"):
        snn.lowering.verify(graded(8), snn.chips.loihi.Loihi1())
    with refused("'S' has delays up to 63 steps", "Loihi2 has 62"):
        link = snn.chips.loihi.Synapses("in", "E", [[1]], max_delay=63)
        cells = {"in": snn.lowering.InputCells(1), "E": snn.chips.loihi.CubaCells(1)}
        snn.lowering.verify(snn.lowering.Program(cells, {"S": link}), snn.chips.loihi.Loihi2())
    with refused("'G' is SigmaDeltaCells", "cannot be relaxed"):
        snn.lowering.relax(graded(G=snn.chips.loihi.SigmaDeltaCells(2)))
    with refused("'in' sends amplitudes of 8 bits", "relaxed"):
        snn.lowering.relax(graded(8))
    with refused("'in' cannot be written", "amplitudes"):
        snn.chips.loihi.to_netx(graded(8), tmp_path / "x.net")
    with refused("'E' cannot be written", "CubaCells"):
        cells = {"in": snn.lowering.InputCells(1), "E": snn.chips.loihi.TernaryCells(1)}
        snn.chips.loihi.to_netx(
            snn.chips.loihi.program(cells, {"S": snn.chips.loihi.Synapses("in", "E", [[1]])}), tmp_path / "x.net"
        )


def test_registers_out_of_range_are_refused():
    with refused("GradedCells.threshold is -1", "from 0 to 8388607"):
        snn.chips.loihi.GradedCells(2, threshold=-1)
    with refused("ResetCells.interval is 0", "from 1"):
        snn.chips.loihi.ResetCells(2, interval=0)
    with refused("ResonatorCells", "resonator_coefficients(period, loss)"):
        snn.chips.loihi.ResonatorCells(2, sin=0, cos=5000)
    with refused("InputCells.message_bits is 25", "24"):
        snn.lowering.InputCells(2, message_bits=25)


def test_a_layer_that_computes_with_changes_is_a_layer_of_relu():
    """Exactly, three steps later, where every change is sent; with thresholds within what they hold back."""
    x = np.round(60 * np.sin(np.arange(60)[:, None] / 12 + np.arange(4)))
    weight = 2 * np.random.default_rng(0).integers(-60, 61, (4, 8))
    one_to_one = lambda a, b, n: snn.chips.loihi.Synapses(a, b, np.eye(n, dtype=int), sign=snn.chips.loihi.Excitatory())

    @jax.jit
    def decoded(encode, layer):
        cells = {
            "x": snn.lowering.InputCells(4, message_bits=8),
            "encode": snn.chips.loihi.DeltaCells(4, threshold=encode),
        }
        cells |= {
            "layer": snn.chips.loihi.SigmaDeltaCells(8, threshold=layer, bias=50),
            "decode": snn.chips.loihi.SigmaCells(8),
        }
        links = {"a": one_to_one("x", "encode", 4), "b": snn.chips.loihi.Synapses("encode", "layer", weight)}
        net = snn.chips.loihi.program(
            cells, links | {"c": one_to_one("layer", "decode", 8)}, snn.chips.loihi.LavaCore()
        )
        record = {"y": snn.Trace("decode.sigma"), "sent": snn.Trace("encode.sent")}
        return loihi2.run(net, jnp.asarray(x, jnp.float32), record, into="x")[0]

    exact, every = np.maximum(x @ weight + 50, 0)[:-3], decoded(0, 0)
    assert np.array_equal(np.asarray(every["y"])[3:], exact)
    some = decoded(3, 40)
    held_back = 3 * np.abs(weight).sum(axis=0).max() + 40
    assert np.abs(np.asarray(some["y"])[3:] - exact).max() < held_back < 0.2 * exact.max()
    assert np.mean(np.asarray(some["sent"]) != 0) < 0.85 * np.mean(np.asarray(every["sent"]) != 0)
