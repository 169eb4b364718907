"""Presets of snnTorch, Norse, SpikingJelly and Lava as they come: every spike, and derivatives through the surrogate.

The files were made by `tests/oracles/presets_torch.py` and `recurrent_cells.py`.
"""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.presets import lava, norse, snntorch, spikingjelly

KEY = jax.random.key(0)
FOLDER = Path(__file__).parents[1] / "golden"
GOLDEN = np.load(FOLDER / "presets_torch.npz")
pytestmark = pytest.mark.usefixtures("x64")


class Currents(snn.drives.AbstractDrive):
    """A current for every neuron and step."""

    x: jax.Array
    into: str

    def step(self, d, t, signals, *, key):
        return d, snn.simulation.Inputs(currents={self.into: self.x[t]})


CASES = {  # the cell, by what its input is multiplied, and how it comes in
    "snntorch Leaky": (lambda: snntorch.Leaky(0.9), 1.0, snn.Replay),
    "snntorch Leaky 0.5": (lambda: snntorch.Leaky(0.8, threshold=0.5), 1.0, snn.Replay),
    "snntorch Leaky zero": (lambda: snntorch.Leaky(0.9, reset_mechanism="zero"), 1.0, snn.Replay),
    "snntorch Leaky none": (lambda: snntorch.Leaky(0.6, reset_mechanism="none"), 1.0, snn.Replay),
    "snntorch Leaky now": (lambda: snntorch.Leaky(0.9, reset_mechanism="zero", reset_delay=False), 1.0, snn.Replay),
    "snntorch Leaky fast": (
        lambda: snntorch.Leaky(0.9, 0.5, snntorch.surrogate.fast_sigmoid(slope=5)),
        1.0,
        snn.Replay,
    ),
    "snntorch Synaptic": (lambda: snntorch.Synaptic(alpha=0.8, beta=0.9), 0.5, snn.Replay),
    "snntorch Synaptic zero": (lambda: snntorch.Synaptic(0.8, 0.9, reset_mechanism="zero"), 0.5, snn.Replay),
    "snntorch Lapicque": (lambda: snntorch.Lapicque(R=2.0, C=5.0), 8.0, Currents),
    "norse LIFCell": (lambda: norse.LIFCell(), 3.0, snn.Replay),
    "norse LIFCell bio": (lambda: norse.LIFCell(v_leak=-65.0, v_th=-64.0, v_reset=-65.5), 3.0, snn.Replay),
    "norse LIFRefracCell": (lambda: norse.LIFRefracCell(), 3.0, snn.Replay),
    "norse LIFBoxCell": (lambda: norse.LIFBoxCell(), 10.0, Currents),
    "spikingjelly LIFNode": (lambda: spikingjelly.LIFNode(), 3.0, Currents),
    "spikingjelly LIFNode 0.5": (
        lambda: spikingjelly.LIFNode(5.0, False, v_threshold=0.5, v_reset=-0.25),
        1.0,
        snn.Replay,
    ),
    "spikingjelly LIFNode soft": (lambda: spikingjelly.LIFNode(4.0, v_reset=None, detach_reset=True), 4.0, Currents),
    "spikingjelly ParametricLIFNode": (lambda: spikingjelly.ParametricLIFNode(3.0), 3.0, Currents),
    "spikingjelly IFNode": (lambda: spikingjelly.IFNode(surrogate_function=snn.surrogates.ATan(2.0)), 1.0, snn.Replay),
}
CONTROLS = {  # one number or choice of a preset changed
    "snntorch Leaky": lambda: snntorch.Leaky(0.9, reset_mechanism="zero"),
    "norse LIFRefracCell": lambda: norse.LIFRefracCell(rho_reset=4.0),
    "spikingjelly LIFNode": lambda: spikingjelly.LIFNode(2.2),
}


@functools.cache
def results():
    """Of all cells, in one program: spikes, and the derivative of a sum of their numbers with respect to the inputs."""
    cells = {name: (make(), *rest) for name, (make, *rest) in CASES.items()}
    cells |= {f"{name}'": (make(), *CASES[name][1:]) for name, make in CONTROLS.items()}
    x, c = jnp.asarray(GOLDEN["x"]), jnp.asarray(GOLDEN["c"])
    names = {name: f"P{k}" for k, name in enumerate(cells)}
    populations = {names[name]: snn.Population(cell, x.shape[1]) for name, (cell, *_) in cells.items()}
    net = snn.network(dt=1.0, key=KEY, populations=populations)

    def run(inputs):
        drive = snn.drives.Silence()
        for name, (_, _, kind) in cells.items():
            drive += kind(inputs[name], into=names[name])
        record = {name: (snn.Raster(names[name]), snn.Count(names[name])) for name in cells}
        out = snn.simulate(net, drive, steps=len(x), key=KEY, record=record, progress=snn.progress.Quiet()).record
        return sum(jnp.sum(c * count) for _, count in out.values()), {name: out[name][0].dense() for name in cells}

    inputs = {name: scale * x for name, (_, scale, _) in cells.items()}
    return jax.jit(jax.grad(run, has_aux=True))(inputs)


@pytest.mark.parametrize("name", CASES)
def test_every_spike_and_the_derivative(name):
    grads, spikes = results()
    np.testing.assert_array_equal(spikes[name], GOLDEN[f"{name}.spikes"])
    same = np.allclose(grads[name], GOLDEN[f"{name}.grad"], rtol=1e-6, atol=1e-6)
    assert same is (name != "norse LIFRefracCell")  # whose counter has a derivative in Norse


@pytest.mark.parametrize("name", CONTROLS)
def test_another_choice_is_seen(name):
    """Negative control."""
    _, spikes = results()
    assert np.count_nonzero(spikes[f"{name}'"] != GOLDEN[f"{name}.spikes"]) > 5


def test_lava():
    """`LIF` in floating point: du 1/4, dv 1/8, bias 0.05, threshold 2. Control: another decay."""
    with np.load(FOLDER / "cells_lava.npz") as file:
        x, (spikes, current, v) = jnp.asarray(file["x"]), np.moveaxis(file["float"], 1, 0)
    cells = {"P": lava.LIF(du=0.25, dv=0.125, bias_mant=0.05, vth=2.0), "other": lava.LIF(du=0.25, dv=0.15, vth=2.0)}
    net = snn.network(
        dt=1.0, key=KEY, populations={name: snn.Population(cell, x.shape[1]) for name, cell in cells.items()}
    )
    drive = snn.Replay(x, into="P") + snn.Replay(x, into="other")
    record = {"P": snn.Raster("P"), "i": snn.Trace("P.i"), "v": snn.Trace("P.v"), "other": snn.Raster("other")}
    out = snn.simulate(net, drive, steps=len(x), key=KEY, record=record, progress=snn.progress.Quiet()).record
    np.testing.assert_array_equal(np.asarray(out["P"].dense()), spikes)
    np.testing.assert_allclose(out["i"], current, rtol=0, atol=1e-12)
    np.testing.assert_allclose(out["v"], v, rtol=0, atol=1e-12)
    assert np.count_nonzero(np.asarray(out["other"].dense()) != spikes) > 5


# --- codes and losses of snnTorch -------------------------------------------------------------------------------------


def test_latency():
    """The steps of snnTorch's linear code."""
    code = snntorch.spikegen.latency(30, normalize=True, linear=True, clip=True)
    np.testing.assert_array_equal(code(GOLDEN["codes.x"]), GOLDEN["codes.latency"])


def test_rate():
    """A probability of `gain` times the number, in every step."""
    x = jnp.array([0.0, 0.25, 1.0])
    spikes = snntorch.spikegen.rate(num_steps=4000, gain=0.8)(x, key=KEY)
    np.testing.assert_allclose(spikes.mean(0), 0.8 * x, atol=0.03)


def test_count_loss():
    """Each example's, against snnTorch's mean over the batch. Control: of the largest amplitudes."""
    spikes, labels = GOLDEN["loss.spikes"], GOLDEN["loss.labels"]
    net = snn.network(dt=1.0, key=KEY, populations={"out": snn.SpikeSource(spikes.shape[2])})
    loss = snntorch.functional.ce_count_loss("out")
    batch = snn.Replay(jnp.asarray(np.moveaxis(spikes, 1, 0), float), into="out")
    found = snn.evaluate({"loss": loss}, net, batch, labels, key=KEY)
    value = float(np.mean(found["loss"]))
    np.testing.assert_allclose(value, GOLDEN["loss.ce_count_loss"], rtol=1e-6)
    assert abs(value - GOLDEN["loss.ce_max_membrane_loss"]) > 1e-3
    assert isinstance(snntorch.functional.ce_max_membrane_loss("out").probe, snn.probes.Max)


def test_factors():
    """1 is no decay; what is no factor a step is refused."""
    assert float(snntorch.Leaky(1.0).tau) == np.inf
    np.testing.assert_allclose(jnp.exp(-1.0 / snntorch.Leaky(0.9).tau), 0.9, rtol=1e-12)
    for call, name in (
        (lambda: snntorch.Leaky(0.0), "Leaky.beta"),
        (lambda: snntorch.Synaptic(1.1, 0.9), "Synaptic.alpha"),
        (lambda: spikingjelly.LIFNode(1.0), "LIFNode.tau"),
        (lambda: norse.LIFCell(tau_mem_inv=0.0), "tau_mem_inv"),
        (lambda: lava.LIF(du=2.0), "LIF.du"),
    ):
        with pytest.raises(ValueError, match=name):
            call()
