"""Networks compiled by C: spike for spike what other simulators do, and what XLA does with every model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.chips.xylo import golden as xylo
from tests.compilers.both import NATIVE, PLAIN, assert_equal
from tests.laws.registry import NEURONS, PORTS, RELEASES
from tests.parity import golden
from tests.simulation.toys import KEY, STEPS, assert_same, drive, run, toy

QUIET = snn.progress.Quiet()
GOLDEN = ["nest_exp", "nest_delta_ref0", "brian2_exp", "brian2_delta", "brian2_alpha", "brian2_conductance"]


@pytest.mark.parametrize("name", [name for name in golden.NAMES if name in GOLDEN])
@pytest.mark.usefixtures("x64")
def test_spike_for_spike(name):
    """The golden spikes of NEST and Brian2: the same set of (step, neuron); another delay gives another set."""
    case = golden.load(name)
    spikes, v = golden.run(case, NATIVE)
    assert len(spikes) > 2000 and spikes == case.spikes
    after = case.arrays["trace_step"] > 0
    np.testing.assert_allclose(
        v[case.arrays["trace_step"][after] - 1], case.arrays["trace_v"][after], rtol=0, atol=1e-9
    )
    assert len(golden.run(case, NATIVE, delay_shift=1)[0] ^ case.spikes) > 1000


def together(populations, projections, feed, order):
    """Spike counts and the state at the end of many populations, compiled by XLA and by C."""
    net = snn.network(dt=0.1, key=jax.random.key(0), order=order, populations=populations, projections=projections)
    record = {name: snn.Count(name) for name in populations}

    def run(compiler):
        run = snn.simulate(net, feed, steps=150, key=KEY, record=record, progress=QUIET, compiler=compiler)
        return run.record, run.state.model, run.state.spikes

    ours, native = run(snn.compilers.XLA()), run(PLAIN)
    return ours, native, sum(bool(np.any(count)) for count in ours[0].values())


KINDS = [
    "LIF subtract next step", "LIF noise", "CubaLIF decaying", "ALIF", "EIF RK2", "AdEx RKF45", "Izhikevich published",
    "CobaLIF RKF45", "HodgkinHuxley peak", "TraubMiles", "EscapeLIF sigmoid", "Equations", "Lapicque", "Parrot",
    "ResonateAndFire", "ResonateAndFire phase",
]  # fmt: skip


@pytest.mark.usefixtures("x64")
def test_every_kind_of_neuron():
    """In one program, with noise currents and spikes: the same spikes, the same states."""
    populations = {f"n{i}": snn.Population(NEURONS[name](1.0), 6) for i, name in enumerate(KINDS)}
    into = tuple(name for name, p in populations.items() if not isinstance(p.neuron, snn.Parrot))
    feed = snn.NoiseCurrent(3.0, 1.0, into=into) + snn.Poisson(800.0, 1.0, into=tuple(populations), most=2.0)
    ours, native, spiking = together(populations, {}, feed, snn.BrianOrder())
    assert spiking > 10
    assert_equal(ours, native, 1e-9)


@pytest.mark.usefixtures("x64")
def test_every_port_and_release():
    """Ports of every kind behind releases of every kind, sparse and dense, with delays."""
    cell = lambda port: snn.Population(snn.LIF(tau=5.0, v_th=1.0), 5, ports={"p": port(1.0)})
    populations = {"in": snn.SpikeSource(9)} | {f"p{i}": cell(port) for i, port in enumerate(PORTS.values())}
    releases = [None, *RELEASES.values()]
    projections = {
        f"to{i}": snn.Connection(
            "in", f"p{i}.p", snn.AllToAll(), via=snn.Dense() if i % 3 == 0 else snn.Sparse(), weight=0.5, delay=0.3,
            release=None if (make := releases[i % len(releases)]) is None or i % 3 == 0 else make(1.0),
        )
        for i in range(len(PORTS))
    }  # fmt: skip
    feed = snn.Poisson(300.0, into="in", most=2.0)
    ours, native, spiking = together(populations, projections, feed, snn.NestOrder())
    assert spiking > 8
    assert_equal(ours, native, 1e-9)


RULES = {
    "pairs": snn.chain(snn.PairSTDP(0.05, 0.06), snn.Bound(0.0, 2.0)),
    "triplets": snn.chain(snn.TripletSTDP(), snn.Bound(0.0, 2.0)),
    "rates": snn.plasticity.Oja(0.01),
}


@pytest.mark.parametrize(
    ("rule", "order"), [("pairs", snn.NestOrder()), ("triplets", snn.BrianOrder()), ("rates", snn.BrianOrder())]
)
def test_plastic_synapses(rule, order):
    """Weights after 60 steps of a net that learns, with a delay for each synapse."""
    net = toy()
    link = snn.Connection(
        "E", "E.exc", snn.FixedProb(0.4, most=0.5), weight=1.0, delay=snn.Uniform(0.1, 1.2), rule=RULES[rule]
    )
    net = snn.network(
        dt=0.1, key=jax.random.key(0), order=order, populations=dict(net.populations), projections={"EE": link}
    )
    record = {"spikes": snn.Raster("E"), "w": snn.Last("EE.weight")}
    ours, native = (
        snn.simulate(net, drive(), steps=STEPS, key=KEY, record=record, progress=QUIET, compiler=compiler).record
        for compiler in (snn.compilers.XLA(), NATIVE)
    )
    assert_equal(ours, native, 1e-5)
    assert np.ptp(np.asarray(ours["w"])) > 0.0


def test_a_run_in_parts_and_in_a_batch():
    """Bit for bit the same as in one, on its own, and inside `jit`."""
    whole = run(compiler=NATIVE)
    first = run(compiler=NATIVE, steps=STEPS // 2)
    rest = run(compiler=NATIVE, steps=STEPS - STEPS // 2, state=first.state)
    assert_same(whole.state, rest.state)
    assert_equal(run().record, whole.record, 1e-4)

    def one(tau, key):
        return run(model=toy(tau=tau), key=key, compiler=NATIVE).record

    taus, keys = jnp.asarray([10.0, 12.0, 10.0]), jax.random.split(KEY, 3)
    batch = jax.jit(jax.vmap(one))(taus, keys)
    alone = [jax.jit(one)(tau, key) for tau, key in zip(taus, keys, strict=True)]
    assert_same(batch, jax.tree.map(lambda *x: jnp.stack(x), *alone))


def test_derivatives_are_those_of_xla():
    def loss(weight, compiler):
        net = toy(weight=weight)
        return jnp.sum(run(model=net, compiler=compiler, record=snn.Last("E.v")).record)

    ours, native = (jax.grad(loss)(3.0, compiler) for compiler in (snn.compilers.XLA(), NATIVE))
    assert ours == native != 0.0


def test_a_chip_bit_for_bit():
    """Programs for Loihi are whole numbers: no register differs."""
    made = snn.lowering.lower(quiet_net(), snn.chips.loihi.Loihi1()).program
    feed = snn.Poisson(200.0, into="in", most=2.0)
    record = {"v": snn.Trace("out.v"), "spikes": snn.Raster("out")}
    ours, native = (
        snn.simulate(made, feed, steps=200, key=KEY, record=record, progress=QUIET, compiler=compiler)
        for compiler in (snn.compilers.XLA(), NATIVE)
    )
    assert_same((ours.record, ours.state), (native.record, native.state))
    assert np.any(ours["spikes"].words)


def test_xylo_bit_for_bit():
    """A golden run of the maker's simulator, with aliases, several spikes a step and saturation: every state."""
    net, x, states = xylo.case(0, "v21")
    made, raster = xylo.program(net, 2), np.concatenate([x, 0 * x[:1]]).astype(np.float32)
    run = snn.simulate(
        made,
        snn.Replay(jnp.asarray(raster), into="in"),
        steps=len(raster),
        key=KEY,
        record={key: snn.Trace(path) for key, path in xylo.NAMES.items()},
        throw=False,
        progress=QUIET,
        compiler=NATIVE,
    )
    for key, wanted in states.items():
        np.testing.assert_array_equal(np.asarray(run[key])[1:], wanted, err_msg=key)


def quiet_net():
    weights = np.random.default_rng(0).normal(0.0, 0.2, (20, 30))
    cell = snn.CubaLIF(tau_syn=5.0, tau=20.0, v_th=1.0)
    return snn.network(
        dt=1.0,
        key=KEY,
        populations={"in": snn.SpikeSource(20), "out": snn.Population(cell, 30)},
        projections={"link": snn.Connection("in", "out", snn.AllToAll(), weight=weights, delay=1.0)},
    )
