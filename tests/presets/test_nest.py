"""Presets of NEST against NEST 3.10: with their defaults, every spike and the membrane; every parameter it has.

The file was made by `tests/oracles/presets_nest.py`.
"""

import functools
import json
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.presets import nest

KEY, DT, STEPS = jax.random.key(0), 0.1, 800
GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "presets_nest.npz")
DEFAULTS = json.loads(str(GOLDEN["defaults"]))
EXACT = ["iaf_psc_exp", "iaf_psc_alpha", "iaf_psc_delta", "izhikevich"]
WITHIN = ["iaf_cond_alpha", "aeif_cond_alpha"]  # integrated by RKF45, which is slow to compile
ELSEWHERE = {  # which test takes the preset for its own
    "iaf_cond_exp": "parity/test_conductances",
    "aeif_cond_exp": "parity/test_conductances",
    "hh_cond_exp_traub": "parity/test_conductances",
    "hh_psc_alpha": "neurons/test_nest_neurons",
    "iaf_cond_beta": "below",
}
MODELS = [*EXACT, *WITHIN, *ELSEWHERE]
CHANGED = {"iaf_psc_exp": {"tau_m": 9.0}, "izhikevich": {"d": 4.0}}
pytestmark = pytest.mark.usefixtures("x64")


@functools.cache
def results(*models):
    """In one network: the steps that NEST would stamp their spikes with, and their membranes.

    A model behind a `'` has one number changed.
    """
    cells = {model: getattr(nest, model)(1) for model in models}
    cells |= {f"{model}'": getattr(nest, model)(1, **CHANGED[model]) for model in models if model in CHANGED}
    drive = snn.drives.Silence()
    for name, cell in cells.items():
        excitation, inhibition, current = GOLDEN[f"{name.removesuffix(chr(39))}.weights"].tolist()
        inhibition = abs(inhibition) if any(not port.signed for port in cell.ports.values()) else inhibition
        drive += nest.dc_generator(current, into=name, start=20.0, resolution=DT)
        for side, weight in (("ex", excitation), ("in", inhibition)):
            into = f"{name}.{side if side in cell.ports else 'in'}"  # a stamp is the slot where the delay is a step
            drive += nest.spike_generator([GOLDEN[side] * DT], into=into, weight=weight, delay=DT, resolution=DT)
    net = snn.network(dt=DT, key=KEY, populations=cells)
    record = {name: (snn.Raster(name), snn.Trace(f"{name}.v")) for name in cells}
    out = snn.simulate(net, drive, steps=STEPS, key=KEY, record=record, progress=snn.progress.Quiet()).record
    return {name: (np.asarray(out[name][0].events()[0]) + 1, np.asarray(out[name][1])[:, 0]) for name in cells}


@pytest.mark.parametrize("model", [*EXACT, *WITHIN])
def test_every_spike_and_the_membrane(model):
    times, v = results(*(EXACT if model in EXACT else WITHIN))[model]
    np.testing.assert_array_equal(times, GOLDEN[f"{model}.times"])
    expected = GOLDEN[f"{model}.v"]
    np.testing.assert_allclose(v[: len(expected)], expected, rtol=0, atol=1e-6)
    assert len(times) >= 2


@pytest.mark.parametrize("model", CHANGED)
def test_another_number_is_seen(model):
    """Negative control."""
    assert results(*EXACT)[f"{model}'"][0].tolist() != GOLDEN[f"{model}.times"].tolist()


def test_beta_with_equal_times_is_alpha():
    """As they come, NEST's `iaf_cond_beta` and `iaf_cond_alpha` are one model: here to the last number."""
    np.testing.assert_array_equal(GOLDEN["iaf_cond_beta.times"], GOLDEN["iaf_cond_alpha.times"])
    assert same(nest.iaf_cond_beta(1), nest.iaf_cond_alpha(1))


def test_devices():
    """Currents of generators begin after the delay of their connection, the one at 0 ms a step later; so do spikes."""
    drive = nest.spike_generator([[1.0, 5.0]], into="P.ex", weight=2000.0, delay=1.5, resolution=DT)
    for amplitude, start, stop in ((100.0, 0.0, 10.0), (200.0, 4.0, 6.0)):
        drive += nest.dc_generator(amplitude, into="P", start=start, stop=stop, delay=1.0, resolution=DT)
    net = snn.network(dt=DT, key=KEY, populations={"P": nest.iaf_psc_exp(1)})
    v = snn.simulate(net, drive, steps=200, key=KEY, record=snn.Trace("P.v"), progress=snn.progress.Quiet()).record[
        :, 0
    ]
    np.testing.assert_allclose(v, GOLDEN["devices.v"], rtol=0, atol=1e-9)


# --- every parameter that NEST has ------------------------------------------------------------------------------------

STATES = {"V_m", "U_m", "w", "g_ex", "g_in", "dg_ex", "dg_in", "Act_m", "Act_n", "Inact_h"}
PLASTIC = ["stdp_synapse", "stdp_nn_symm_synapse", "stdp_pl_synapse_hom", "stdp_triplet_synapse"]
SYNAPSES = [*PLASTIC, "vogels_sprekeler_synapse", "tsodyks_synapse", "tsodyks2_synapse", "bernoulli_synapse"]
REFUSED = {
    "tau_minus", "V_min", "rho", "delta", "weight", "delay", "Kplus", "Kplus_triplet", "u", "x", "y"
}  # fmt: skip


def same(a, b):
    return bool(eqx.tree_equal(a, b))


@pytest.mark.parametrize("model", [*MODELS, *SYNAPSES])
def test_every_parameter(model):
    """NEST's default changes nothing, another number does; or the parameter is refused by name."""
    make = getattr(nest, model)
    made = make(1) if model in MODELS else make()
    for name, value in DEFAULTS[model].items():
        call = lambda x, name=name: make(*((1,) if model in MODELS else ()), **{name.replace("lambda", "lambda_"): x})
        if name in REFUSED:
            with pytest.raises(ValueError, match=rf"nest\.{model} got {name} = "):
                call(value)
            continue
        if name not in STATES:  # whose default is the one of the membrane at rest
            assert same(call(value), made), (name, value)
        other = not value if isinstance(value, bool) else 0.99 * value if value else 0.5
        assert not same(call(other), made), name


def test_connect():
    link = nest.Connect("E", "I.ex")
    assert (link.weight, link.delay) == (1.0, 1.0) and isinstance(link.topology, snn.AllToAll)
    plastic = nest.Connect("E", "I.ex", nest.pairwise_bernoulli(0.2), nest.stdp_synapse(), weight=2.0, delay=1.5)
    assert isinstance(plastic.rule, snn.plasticity.Chain) and isinstance(plastic.topology, snn.FixedProb)
    released = nest.Connect("E", "I.ex", nest.fixed_indegree(3, allow_autapses=False), nest.tsodyks_synapse())
    assert isinstance(released.release, snn.TsodyksUzielMarkram) and not released.topology.autapses
    with pytest.raises(ValueError, match="syn_spec"):
        nest.Connect("E", "I.ex", syn_spec={"weight": 1.0})


def test_a_parrot_sends_on_what_arrives():
    """Connected with the weight 1 and NEST's delay of a step, in the step after that of the generator's stamp."""
    net = snn.network(dt=DT, key=KEY, populations={"P": nest.parrot_neuron(2)})
    drive = nest.spike_generator([[1.0], [0.5, 2.0]], into="P", delay=DT, resolution=DT)
    step, neuron = snn.simulate(net, drive, steps=30, key=KEY, record=snn.Raster("P")).record.events()
    assert sorted(zip(step.tolist(), neuron.tolist())) == [(5, 1), (10, 0), (20, 1)]


def test_devices_refuse():
    for make, name in ((nest.noise_generator, "std_mod"), (nest.poisson_generator, "origin")):
        given = {"into": "P", name: 1.0} | ({"resolution": DT} if make is nest.noise_generator else {})
        with pytest.raises(ValueError, match=f"got {name} = 1.0"):
            make(**given)
    with pytest.raises(ValueError, match="list of times for each target"):
        nest.spike_generator([1.0, 2.0], into="P", resolution=DT)
    with pytest.raises(ValueError, match="at 0 ms or before"):
        nest.spike_generator([[0.0, 2.0]], into="P", resolution=DT)
