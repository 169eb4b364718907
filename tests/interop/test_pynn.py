"""The backend of PyNN: the same script gives NEST's spikes, membranes and weights, in float64.

The golden data and the scripts are in `tests/oracles/pynn_networks.py`.
"""

import pathlib
import sys
from types import SimpleNamespace

import equinox as eqx
import jax
import numpy as np
import pytest
from pyNN.parameters import Sequence

import jaxsnn as snn
import jaxsnn.interop.pynn as backend
from jaxsnn.interop.pynn import __main__ as launcher
from jaxsnn.presets import nest

TESTS = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(TESTS / "oracles"))
import pynn_networks as networks  # noqa: E402

# To compile. Cells are compared with presets of NEST, which have its spikes; rules differ in two powers from others.
SLOW = (".alpha", ".adexp", ".facets", ".hh", ".additive", ".multiplicative")

sim = SimpleNamespace(**vars(backend), Sequence=Sequence)
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")


def differences(name, **given):
    """Spikes that differ from NEST's, how many there are, and the largest difference of a variable or weight."""
    wrong, count, worst = 0, 0, 0.0
    with np.load(TESTS / "golden" / "pynn" / "nest.npz") as file:
        want = {key.removeprefix(f"{name}."): x for key, x in file.items() if key.startswith(f"{name}.")}
    got = networks.outcome(sim, name, **given)
    assert got.keys() == {key for key in want if not key.endswith(tuple(given.get("without", ("?",))))}
    for key, x in got.items():
        if key.startswith("spikes"):
            own, theirs = ({*map(tuple, each.tolist())} for each in (x, want[key]))
            wrong, count = wrong + len(own ^ theirs), count + len(theirs)
        else:
            worst = max(worst, np.abs(x - want[key]).max() / np.abs(want[key]).max())
    return wrong, count, worst


@pytest.mark.parametrize("name, close", [("currents", 1e-14), ("conductances", 1e-8), ("plastic", 1e-13)])
def test_every_spike_is_that_of_nest(name, close, x64):
    given = {} if name == "currents" else {"without": SLOW}
    wrong, count, worst = differences(name, **given)
    assert wrong == 0 and count > 30
    assert worst < close


def test_a_composed_cell_is_the_cell_of_its_parts():
    sim.setup()
    psr = sim.CondExpPostSynapticResponse
    parts = sim.PointNeuron(sim.LIF(), ex=psr(tau_syn=5.0), **{"in": psr(tau_syn=5.0, e_syn=-70.0)})
    composed, whole = (sim.Population(2, cell, label="cell") for cell in (parts, sim.IF_cond_exp()))
    assert eqx.tree_equal(composed.made().neuron, whole.made().neuron)
    assert eqx.tree_equal(composed.made().ports, whole.made().ports)
    assert composed.get(["tau_m", "in.e_syn"]) == [20.0, -70.0]
    assert composed.celltype.variables["ex.gsyn"] == whole.celltype.variables["gsyn_exc"]


@pytest.mark.parametrize(
    "cell, preset, fixed",
    [
        ("IF_cond_alpha", nest.iaf_cond_alpha, {}),
        ("EIF_cond_exp_isfa_ista", nest.aeif_cond_exp, {}),
        ("HH_cond_exp", nest.hh_cond_exp_traub, {"t_ref": 2.0}),
        ("IF_facets_hardware1", nest.iaf_cond_exp, {"C_m": 200.0, "t_ref": 1.0, "E_ex": 0.0}),
    ],
)
def test_a_cell_is_the_model_of_nest(cell, preset, fixed):
    sim.setup()
    made = sim.Population(2, getattr(sim, cell)())
    native = {name: values[0] for name, values in made.cell_parameters.items()}
    assert eqx.tree_equal(made.made().neuron, preset(2, **native, **fixed).neuron)
    assert eqx.tree_equal(made.made().ports, preset(2, **native, **fixed).ports)
    assert not eqx.tree_equal(made.made().neuron, preset(2, **{**native, "E_L": -64.0}, **fixed).neuron)


def test_what_is_set_between_runs_acts(x64):
    wrong, count, worst = differences("changes", late=networks.DT)
    assert wrong == 0 and count > 20 and worst < 1e-14
    assert differences("changes")[2] > 1e-5  # the control: a change a step earlier


def pair(every=None):
    """A source and three cells, recorded."""
    sim.setup(timestep=0.125)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[2.0, 4.0]), label="source")
    cells = sim.Population(3, sim.IF_curr_exp(i_offset=0.7), label="cells")
    wire = sim.Projection(
        source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=1.0), label="wire"
    )
    cells.record(["spikes", "v"], sampling_interval=every)
    return source, cells, wire


def test_a_reset_begins_a_segment_with_the_same_numbers():
    _, cells, _ = pair()
    sim.run(10.0)
    sim.reset()
    sim.run(5.0)
    sim.run(5.0)
    first, second = (segment.analogsignals[0] for segment in cells.get_data().segments)
    assert first.shape == (81, 3) and np.ptp(first.magnitude) > 1.0
    assert np.array_equal(first.magnitude, second.magnitude)
    assert float(first.times[-1]) == 10.0 == sim.get_current_time()


def test_recording_is_thinned_and_cleared():
    _, cells, _ = pair(every=0.5)
    every = []
    for t in (2.25, 0.75, 7.0):  # no multiple of the interval, but one at the end
        sim.run(t)
        every.append(cells.get_data("v").segments[0].analogsignals[0])
    assert [len(x) for x in every] == [5, 7, 21]
    cleared = cells.get_data("v", clear=True)
    sim.run(1.0)
    after = cells.get_data("v").segments[0].analogsignals[0]
    assert float(after.t_start) == 10.0 and len(after) == 3
    assert np.array_equal(after[0].magnitude, cleared.segments[0].analogsignals[0][-1].magnitude)


def test_the_network_is_handed_over():
    _, cells, wire = pair()
    cells.initialize(v=[-65.0, -60.0, -55.0])
    net, drive, state = sim.network()
    run = snn.simulate(net, drive, t=10.0, key=0, record=snn.Trace("cells.v"))
    assert state is None and net["wire"].weight == 1000.0 and net["cells"].neuron.tau == 20.0
    sim.run(10.0)
    own = cells.get_data("v").segments[0].analogsignals[0].magnitude
    assert np.array_equal(own[1:], np.asarray(run.record, float))
    wire.set(weight=2.0)
    changed, drive, state = sim.network()
    assert changed["wire"].weight == 2000.0 and int(state.t) == 80
    assert wire[0].weight == 2.0 and wire.get("delay", format="list") == [(0, i, 1.0) for i in range(3)]


def test_a_repeated_run_compiles_nothing():
    source, cells, wire = pair()
    for t in (1.0, 1.0):
        sim.run(t)
    seen = []
    jax.monitoring.register_event_duration_secs_listener(lambda name, *_, **__: seen.append(name))
    for i in range(3):
        source.set(spike_times=[sim.get_current_time() + 0.5])
        cells.set(i_offset=0.7 + 0.1 * i)
        wire.set(weight=1.0 + i)
        sim.run(1.0)
    assert not [name for name in seen if "backend_compile" in name]


def test_sources_that_draw_fire_as_often():
    sim.setup(timestep=0.125)
    kinds = {
        "poisson": sim.SpikeSourcePoisson(rate=[60.0] * 40 + [0.0] * 2, start=100.0, duration=800.0),
        "gamma": sim.SpikeSourceGamma(alpha=4.0, beta=240.0),
        "refractory": sim.SpikeSourcePoissonRefractory(rate=60.0, tau_refrac=10.0),
    }
    cells = {name: sim.Population(42, kind, label=name) for name, kind in kinds.items()}
    for each in cells.values():
        each.record("spikes")
    sim.run(1000.0)
    trains = {name: [x.magnitude for x in each.get_data().segments[0].spiketrains] for name, each in cells.items()}
    counts = [len(x) for x in trains["poisson"]]
    assert abs(np.mean(counts[:40]) - 48.0) < 4 * np.sqrt(48.0 / 40) and counts[40:] == [0, 0]
    assert all(100.0 < t.min() and t.max() <= 900.0 for t in trains["poisson"][:40])
    for name, cv in (("gamma", 0.5), ("refractory", 1 - 10.0 / (1e3 / 60.0))):
        intervals = np.concatenate([np.diff(x) for x in trains[name]])
        n = intervals.size
        assert abs(intervals.mean() - 1e3 / 60.0) < 4 * cv * 1e3 / 60.0 / np.sqrt(n) + 0.5  # cut at the end
        assert abs(intervals.std() / intervals.mean() - cv) < 0.05
    assert min(np.concatenate([np.diff(x) for x in trains["refractory"]])) >= 10.0


def test_weights_that_learn_are_set():
    """Also to those with which learning began; a reset begins with the weights that were set last."""
    source, cells, _ = pair()
    cells.set(i_offset=1.5)
    synapse = sim.STDPMechanism(sim.SpikePairRule(A_plus=0.1), sim.AdditiveWeightDependence(w_max=2.0), weight=1.0)
    wire = sim.Projection(source, cells, sim.AllToAllConnector(), synapse, label="learns")
    learnt = lambda: np.array(wire.get("weight", format="array"))
    sim.run(20.0)
    assert learnt().min() > 1.05
    wire.set(weight=1.0)
    assert np.all(learnt() == 1.0)
    source.set(spike_times=[21.0])
    sim.run(20.0)
    assert not np.any(learnt() == 1.0)
    wire[0].weight = 0.5
    assert learnt()[0, 0] == 0.5 and learnt()[0, 1] != 0.5
    sim.reset()
    sim.run(0.5)
    assert learnt()[0, 0] == 0.5


SCRIPT = """
from pyNN.utility import get_simulator
sim, _ = get_simulator()
sim.setup()
from beside import size
cells = sim.Population(size, sim.IF_cond_exp())
name = sim.__name__
"""


def test_a_script_that_names_its_simulator(tmp_path, monkeypatch):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "beside.py").write_text("size = 2")
    monkeypatch.setattr(sys, "argv", ["pynn", str(tmp_path / "script.py"), "jaxsnn"])
    monkeypatch.setitem(sys.modules, "pyNN.jaxsnn", None)  # so that it is as before afterwards
    monkeypatch.syspath_prepend(tmp_path / "nowhere")  # and the path, too
    assert launcher.main()["name"] == "jaxsnn.interop.pynn"


def test_a_source_that_comes_later_acts():
    """Drives have states of their own: those of a new one begin, the network goes on."""
    _, cells, _ = pair()
    sim.run(1.0)
    cells.inject(sim.DCSource(amplitude=5.0, start=0.0, stop=100.0))
    sim.run(9.0)
    assert cells.mean_spike_count() > 0 and sim.get_current_time() == 10.0


REFUSED = {
    "a model": (lambda: sim.GIF_cond_exp(), "has no GIF_cond_exp: its threshold and its current both adapt"),
    "spikes off the grid": (lambda: sim.setup(spike_precision="off_grid"), "spikes here are on the grid"),
    "a delay below a step": (lambda: pair_with(delay=0.01), "expected one time step, 0.125 ms, or more"),
    "a spike at 0": (lambda: run_with(spike_times=[0.0]), "'source': got a spike at 0 ms or before"),
    "a lower bound of weights": (lambda: sim.AdditiveWeightDependence(w_min=0.1), "w_min is 0.1, expected 0"),
    "a start that is not 0": (
        lambda: alpha(isyn_exc=0.5),
        "the initial value 0.5 of 'isyn_exc', which here begins at 0",
    ),
}


def pair_with(delay):
    _, cells, _ = pair()
    sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(delay=delay))


def alpha(**given):
    sim.setup(timestep=0.125)
    sim.Population(1, sim.IF_curr_alpha(), initial_values=given)


def run_with(**given):
    pair()[0].set(**given)
    sim.run(1.0)


@pytest.mark.parametrize("what", REFUSED)
def test_refused_by_name(what):
    do, words = REFUSED[what]
    with pytest.raises((ValueError, NotImplementedError), match=words):
        do()


def test_a_population_after_the_first_run_is_refused():
    pair()
    sim.run(1.0)
    sim.Population(1, sim.IF_curr_exp())
    with pytest.raises(ValueError, match="1 new populations or projections after the first run; call reset"):
        sim.run(1.0)
    sim.reset()
    sim.run(1.0)
