"""Neurons by equations in networks: ports, exact steps, chance, and what every neuron of the library can."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import jaxsnn as snn
from jaxsnn.equations import neuron
from jaxsnn.equations.exact import propagator
from jaxsnn.presets import brian2
from jaxsnn.sweeps.code import code_of

N = 60
CUBA = """
dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dgi/dt = -gi/taui : volt
"""
NUMBERS = dict(taum="20*ms", taue="5*ms", taui="10*ms", Vt="-50*mV", Vr="-60*mV", El="-49*mV")
EFFECTS = dict(threshold="v > Vt", reset="v = Vr", refractory="5*ms", method="exact")


def network(population):
    """An excitatory and an inhibitory population, which start apart."""
    populations = {name: population(n) for name, n in (("E", N), ("I", N // 4))}
    link = lambda pre, post, port, weight, delay: snn.Connection(
        pre, f"{post}.{port}", snn.FixedProb(0.3), weight=weight, delay=delay
    )
    return snn.network(
        dt=0.1,
        key=jax.random.key(1),
        populations=populations,
        projections={
            "EE": link("E", "E", "ge", 2.5, 0.0),
            "EI": link("E", "I", "ge", 2.5, snn.Uniform(0.0, 2.0)),
            "IE": link("I", "E", "gi", -3.0, 0.0),
        },
        order=snn.BrianOrder(),
    )


def raster(net, key, **how):
    return snn.simulate(net, steps=1500, key=key, record={"s": snn.Raster("E")}, **how)["s"].dense()


def test_cuba_is_that_of_the_preset(x64):
    """Variables that synapses add to, delays, refractory jumps: every spike of a recurrent network."""
    Cell, start = neuron(CUBA, **EFFECTS, **NUMBERS), {"v": snn.Uniform(-60.0, -50.0)}
    mine = network(lambda n: snn.Population(Cell(), n, ports=Cell.into("ge", "gi"), init=start))
    own = lambda n: brian2.CUBA(n)
    theirs = network(lambda n: snn.Population(own(n).neuron, n, ports=own(n).ports, init=start))
    a, b = (raster(net, jax.random.key(2)) for net in (mine, theirs))
    np.testing.assert_array_equal(a, b)
    assert a.sum() > N
    other = raster(snn.set(mine, "E.neuron.taue", 5.01), jax.random.key(2))  # negative control, and a parameter by path
    assert np.any(other != a)


@pytest.fixture(scope="module")
def leaky():
    """The same membrane twice, each beside a port that decays, and a current."""
    Cell = neuron(
        "dv/dt = (v_rest - v + i)/tau : volt (unless refractory)",
        threshold="v >= v_th", reset="v = v_rest", refractory="2.5*ms", tau="10*ms", v_rest="0*mV", v_th="15*mV",
    )  # fmt: skip
    own = snn.LIF(tau=10.0, v_rest=0.0, v_th=15.0, v_reset=0.0, t_ref=2.0)
    ports = {"in": snn.Exponential(3.0)}
    populations = {name: snn.Population(cell, 4, ports=ports) for name, cell in (("mine", Cell()), ("own", own))}
    net = snn.network(dt=0.5, key=0, populations=populations)
    spikes = snn.SpikeGenerator([0, 1, 2, 1], [3.0, 5.0, 5.0, 40.0], weight=30.0, into="mine")
    spikes += snn.SpikeGenerator([0, 1, 2, 1], [3.0, 5.0, 5.0, 40.0], weight=30.0, into="own")
    return net, spikes + snn.StepCurrent(14.9, into=("mine", "own"))


def test_a_port_beside_it_is_integrated_exactly(leaky):
    """The port knows the membrane's time constant, as beside `LIF`: in steps of 0.5 ms it shows. Swept by its path."""
    net, drive = leaky
    record = {k: snn.Trace(f"{k}.v") for k in ("mine", "own")}

    def traces(point, key):
        changed = snn.set(snn.set(net, "mine.neuron.tau", point["tau"]), "own.neuron.tau", point["tau"])
        run = snn.simulate(changed, drive, t=60.0, key=key, record=record)
        return {"mine": run["mine"], "own": run["own"]}

    space = snn.product({"tau": snn.Axis(10.0, unit="ms").over([8.0, 10.0])})
    swept = snn.sweep(traces, space, key=jax.random.key(0), progress=snn.progress.Quiet())
    np.testing.assert_allclose(swept.mine.values, swept.own.values, rtol=0, atol=3e-5)
    assert (np.diff(swept.own.values, axis=1).min((1, 2)) < -5.0).all()
    assert np.abs(swept.own.values[0] - swept.own.values[1]).max() > 0.5
    assert float(net["mine"].neuron.membrane_tau) == pytest.approx(10.0)


def test_a_chip_refuses_it_by_name(leaky):
    with pytest.raises(ValueError, match="EquationNeuron"):
        snn.lower(leaky[0], snn.chips.loihi.Loihi2())


def test_a_file_keeps_it_and_a_sweep_knows_its_text(leaky, tmp_path):
    """A file names the class, which the reader gives; another text is another experiment, the same one is the same."""
    kind = type(leaky[0]["mine"].neuron)
    snn.save(leaky[0], tmp_path / "net")
    back = snn.load(tmp_path / "net", kinds=[kind])
    assert type(back["mine"].neuron) is kind and float(back["mine"].neuron.tau) == 10.0
    with pytest.raises(snn.files.FileError, match="EquationNeuron"):
        snn.load(tmp_path / "net")

    def said(text, **values):
        Cell = neuron(text, name="Cell", **values)
        return code_of(lambda: Cell)

    text = "dv/dt = -v/tau : volt"
    assert said(text, tau="5*ms") == said(text, tau="5*ms")
    assert len({said(text, tau="5*ms"), said(text, tau="6*ms"), said("dv/dt = -2*v/tau : volt", tau="5*ms")}) == 3


def test_a_port_into_what_is_not_there_is_refused(leaky):
    with pytest.raises(ValueError, match="adds to 'ge', which LIF does not have; expected"):
        snn.Population(snn.LIF(), 3, ports={"in": snn.synapses.Into("ge")})
    with pytest.raises(ValueError, match=r"Got 'x', expected variables of these equations: v\."):
        type(leaky[0]["mine"].neuron).into("x")


# --- exact steps ------------------------------------------------------------------------------------------------------

MATRICES = {  # those of a case in one call: by chains of up to three, in a circle that oscillates, and by one of four
    "chains": [
        [[-0.1, 1.0, 0.2], [0.0, -0.1, 1.0], [0.0, 0.0, -0.1]],  # equal rates
        [[-0.1, 1.0, 0.3], [0.0, -0.1 - 1e-9, 1.0], [0.0, 0.0, -0.1 + 1e-7]],  # and nearly equal ones
        [[-500.0, 1.0, 1.0], [0.0, -0.01, 1.0], [0.0, 0.0, -1e-4]],
        [[0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]],  # nothing decays
    ],
    "circle": [
        [[-0.05, -0.8, 0.0], [0.8, -0.05, 0.2], [0.0, 0.0, -1e-6]],
        [[-90.0, 2.0, 0.0], [1.0, -50.0, 0.2], [0.0, 0.0, -0.5]],
    ],
    "four": [np.diag([-0.1, -0.2, -0.3, -0.4]) + np.diag([1.0, 2.0, 3.0], 1)],
}


@pytest.mark.parametrize("name", MATRICES)
def test_the_increment_is_that_of_the_matrix_exponential(name, x64):
    each = np.asarray(MATRICES[name])
    names = "vwxy"[: each.shape[1]]
    places = [(r, c) for r, c in np.ndindex(each.shape[1:]) if np.any(each[:, r, c])]
    coefficients = {(names[r], names[c]): jnp.asarray(each[:, r, c]) for r, c in places}
    found = jax.jit(lambda given: propagator(given, names, 0.5))(coefficients)
    for k, a in enumerate(each):
        got = np.array([[float(found[r, c][k]) if (r, c) in found else 0.0 for c in names] for r in names])
        np.testing.assert_allclose(got, scipy.linalg.expm(0.5 * a) - np.eye(len(a)), rtol=1e-11, atol=1e-13)


# --- time and chance --------------------------------------------------------------------------------------------------


def test_time_and_random_numbers_of_a_step():
    """A rate that follows the time, held over each step: as many spikes as it says; and what a probe sees of it."""
    Cell = neuron(
        """dv/dt = (level - v)/(5*ms) : 1
        level = 1 + sin(2*pi*10*Hz*t) : 1 (constant over dt)
        luck = rand() : 1 (constant over dt)""",
        threshold="rand() < 0.1*int(level > 1)", method="exact",
    )  # fmt: skip
    net = snn.network(dt=0.5, key=0, populations={"E": snn.Population(Cell(), 200)})
    record = {"s": snn.Raster("E"), "level": snn.Trace("E.level"), "luck": snn.Trace("E.luck"), "v": snn.Trace("E.v")}
    run = snn.simulate(net, t=200.0, key=3, record=record)
    level = 1 + np.sin(2 * np.pi * 0.01 * 0.5 * np.arange(400))
    np.testing.assert_allclose(run["level"][:, 0], level, atol=1e-4)
    v = np.zeros(401)
    for k in range(400):
        v[k + 1] = level[k] + (v[k] - level[k]) * np.exp(-0.1)
    np.testing.assert_allclose(run["v"][:, 0], v[1:], atol=1e-4)
    spikes, up = np.asarray(run["s"].dense()), np.asarray(run["level"])[:, 0] > 1
    expected, draws = 0.1, up.sum() * 200
    assert not spikes[~up].any() and abs(spikes[up].mean() - expected) < 4 * np.sqrt(0.09 / draws)
    luck = np.asarray(run["luck"]).ravel()
    assert abs(luck.mean() - 0.5) < 4 / np.sqrt(12 * luck.size) and len(np.unique(luck)) > 0.98 * luck.size
    chosen = np.asarray(run["luck"])[spikes > 0]  # the two random numbers of a step are independent
    assert abs(chosen.mean() - 0.5) < 4 / np.sqrt(12 * chosen.size)


def test_a_group_without_a_membrane():
    """Brian2's PoissonGroup as equations: nothing but a rate and chance."""
    Source = neuron("rate : Hz", threshold="rand() < rate*dt", rate="100*Hz")
    s = Source().init((4,), jnp.float32)
    s = Source().advance(s, snn.synapses.Current(jnp.zeros(4)), 0.5, noise=jnp.asarray([0.0, 0.0499, 0.0501, 0.99]))
    np.testing.assert_array_equal(Source().spike(s), [1.0, 1.0, 0.0, 0.0])
    assert not np.any(s.v)


def test_shared_parameters_are_one_number():
    Cell = neuron("dv/dt = -v/tau : volt\ntau : second (shared)")
    assert float(Cell(tau=2.0).tau) == 2.0
    with pytest.raises(ValueError, match=r"tau has shape \(3,\); expected one number"):
        Cell(tau=np.ones(3))


def test_an_integrator_that_does_not_suit_is_refused():
    plain, noisy = neuron("dv/dt = -v**2/(5*ms) : 1"), neuron("dv/dt = xi/sqrt(5*ms) : 1")
    for kind, wrong in ((plain, snn.equations.Exact()), (plain, snn.equations.Heun()), (noisy, snn.integrators.RK4())):
        with pytest.raises(ValueError, match="integrator is"):
            kind(integrator=wrong)
    assert plain(integrator=snn.integrators.RK4()) and noisy(integrator=snn.equations.Heun())
