"""Synapses by equations: refused by name what they cannot be; swept, differentiated, drawn and kept like other parts.

That they do what Brian2's do is `tests/interop/test_brian2.py`, whose networks are made of them.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import loihi
from jaxsnn.equations import EquationError, synapse
from jaxsnn.sweeps.code import code_of

TEXT = """
w : 1
ds/dt = -s/tau_d + a*x*(1 - s) : 1 (clock-driven)
dx/dt = -x/tau_r : 1 (clock-driven)
total_post = w*s*(1 + 0.01*v_post/mV) : 1 (summed)
"""
GIVEN = {"tau_d": "20*ms", "tau_r": "2*ms", "a": "0.5/ms"}
NMDA = synapse(TEXT, on_pre="x += 1", on_post="x *= 0.9", method="rk2", **GIVEN)
Cell = snn.equations.neuron(
    """
    dv/dt = (v_rest - v + gain*total + g)/(10*ms) : volt
    dg/dt = -g/(3*ms) : volt
    total : 1 (summed)
    """,
    threshold="v > -50*mV",
    reset="v = v_rest",
    method="euler",
    v_rest="-65*mV",
    gain="2*mV",
)
WHO, WHEN = [0, 1, 2, 0, 3, 1], [0.5, 1.0, 1.5, 3.0, 3.5, 4.0]


def built(connection, order=None, cell=Cell, key=0):
    narrow = snn.surrogates.Boxcar(1e3)  # 0 for what does not come near its threshold
    populations = {"in": snn.SpikeSource(4)}
    populations |= {"E": snn.Population(cell(v=-65.0, surrogate=narrow), 3, ports=cell.into("g"))}
    order = snn.BrianOrder() if order is None else order
    return snn.network(dt=0.1, key=key, order=order, populations=populations, projections={"S": connection})


def to_e(kind=NMDA, **given):
    return snn.Connection("in", "E", snn.AllToAll(), synapse=kind(**given))


@pytest.fixture(scope="module")
def net():
    with jax.enable_x64(True):
        yield built(to_e(w=np.linspace(0.5, 1.6, 12)))


def after(net, steps=80, record="E.v"):
    spikes = snn.SpikeGenerator(WHO, WHEN, into="in")
    run = snn.simulate(net, spikes, steps=steps, key=0, record=snn.Last(record), throw=False)
    return run.record


def plain(w, tau_d, delay=5, steps=80):
    """The same, written as loops over synapses, with midpoints as rk2 takes them."""
    v, s, x = np.full(3, -65.0), np.zeros((4, 3)), np.zeros((4, 3))
    fired = {(round(t / 0.1) + 1, i) for i, t in zip(WHO, WHEN)}
    rate = lambda s, x: (-s / tau_d + 0.5 * x * (1 - s), -x / 2.0)
    for k in range(steps):
        total = (w * s * (1 + 0.01 * v)).sum(0)
        v = v + 0.1 * (-65.0 - v + 2.0 * total) / 10.0
        ds, dx = rate(s, x)
        ds, dx = rate(s + 0.05 * ds, x + 0.05 * dx)
        s, x = s + 0.1 * ds, x + 0.1 * dx
        for i in range(4):
            if (k - delay, i) in fired:
                x[i] += 1.0
    return v, s


def test_a_network_of_them_is_what_loops_give(x64):
    """With a sweep of a parameter in one program, which `vmap` is."""
    net = built(snn.Connection("in", "E", snn.AllToAll(), synapse=NMDA(w=np.linspace(0.5, 1.6, 12)), delay=0.5))
    taus = jnp.array([5.0, 20.0, 60.0])
    many = jax.jit(jax.vmap(lambda tau: after(snn.set(net, "S.synapse.tau_d", tau), record="S.s")))(taus)
    for tau, s in zip(taus, many, strict=True):
        np.testing.assert_allclose(
            s.reshape(4, 3), plain(np.linspace(0.5, 1.6, 12).reshape(4, 3), float(tau))[1], rtol=1e-12
        )
    np.testing.assert_allclose(after(net), plain(np.linspace(0.5, 1.6, 12).reshape(4, 3), 20.0)[0], rtol=1e-12)
    later = plain(np.linspace(0.5, 1.6, 12).reshape(4, 3), 20.0, delay=6)[0]  # negative control
    assert np.abs(after(net) - later).max() > 1e-4


def test_gradients_are_those_of_finite_differences(net, x64):
    """With respect to a number of each synapse, one of all, and one of the neurons."""

    def loss(w, tau, gain):
        other = snn.set(snn.set(net, "S.synapse.w", w), "S.synapse.tau_d", tau)
        return after(snn.set(other, "E.neuron.gain", gain)).sum()

    at = (net["S"].synapse.w, jnp.asarray(20.0), jnp.asarray(2.0))
    slopes = jax.jit(jax.grad(loss, (0, 1, 2)))(*at)
    run = jax.jit(loss)
    for place, slope in enumerate(slopes):
        flat = np.atleast_1d(slope)
        for i in {0, flat.size - 1}:
            step = np.zeros(np.shape(at[place]))
            step.reshape(-1)[i] = 1e-5
            moved = lambda sign, place=place, step=step: run(
                *(x + sign * step if k == place else x for k, x in enumerate(at))
            )
            near = (moved(1) - moved(-1)) / 2e-5
            assert abs(near) > 1e-3
            np.testing.assert_allclose(flat[i], near, rtol=1e-5)


def test_estimators_and_chips_refuse_them_by_name():
    net = gap_network()
    said = snn.EventProp().unsupported(snn.losses.TraceError("E.v"), net)
    assert said == "'gap' has synapses with a state of their own, EquationSynapse; use BPTT"
    with pytest.raises(ValueError, match="'gap' has synapses with a state of their own"):
        snn.lower(net, loihi.Loihi2())


def test_what_they_are_is_said(net):
    assert "EquationSynapse" in str(net) and "pre: 0 ms" in str(net)
    assert "in its equations" in str(net.summary())


def test_numbers_are_drawn_for_each_synapse():
    drawn = built(to_e(w=snn.Uniform(0.5, 1.5), s=0.25))["S"].synapse
    assert drawn.w.shape == (12,) and drawn.s.shape == () and len({*np.asarray(drawn.w).tolist()}) == 12
    with pytest.raises(ValueError, match="expected"):
        built(to_e(w=np.zeros(5)))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: built(to_e(w=1.0), order=snn.NestOrder()),
            "NestOrder has no place; build the network with order=Brian",
        ),
        (lambda: snn.Connection("in", "E", snn.AllToAll(), synapse=NMDA(w=1.0), weight=2.0), "leave weight"),
        (lambda: built(snn.Connection("in", "E.g", snn.AllToAll(), synapse=NMDA(w=1.0))), "no population 'E.g'"),
        (lambda: built(snn.Connection("in", "E", snn.AllToAll(), synapse=NMDA(w=1.0), delay={"fast": 1.0})), "'fast'"),
        (lambda: snn.Connection("in", "E", snn.AllToAll(), synapse=3), "expected None or a synapse"),
        (lambda: built(to_e(synapse("y_post = 2*q_post : 1 (summed)"))), "reads q_post, and 'E'"),
        (lambda: built(to_e(synapse("y_post = 2*v_post : volt (summed)"))), "sums y_post, which 'E' has not as one"),
        (lambda: built(to_e(synapse("total_post = 2*nS : siemens (summed)"))), "total_post is in nS .* and in 1"),
        (lambda: built(to_e(synapse("w : 1", on_pre="h_post += w"), w=1.0)), "adds to h_post, and 'E' has no port"),
        (lambda: built(to_e(synapse("w : 1", on_pre="v = 0"), w=1.0)), "sets 'v' of 'E' by a spike"),
        (lambda: NMDA(w=1.0, after=("both",)), "expected some of 'pre' and 'post'"),
        (lambda: NMDA(w=1.0, after=("post",), behind=True), "give one of the two"),
        (lambda: Cell.into("total"), "expected variables of these equations: v, g"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(make, says):
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize(
    ("given", "says", "at"),
    [
        ({"equations": "ds/dt = -s/tau : 1"}, "'tau' is not defined", "tau :"),
        ({"equations": "ds/dt = -s/ms : 1\ny = 2*s : 1 (summed)"}, "'y' is a sum of nobody", "y ="),
        ({"equations": "ds/dt = -s/ms : 1\ny_post = s*mV : 1 (summed)"}, "y_post is in 1", "s*mV"),
        ({"equations": "w : 1", "on_pre": "g_post *= w"}, "'g_post' of neurons is set by a spike", "g_post"),
        ({"equations": "w : 1\nu = 2*w : 1", "on_pre": "u += w"}, "'u' is computed from others", "u +="),
        ({"equations": "ds/dt = -s/ms : 1", "on_pre": "s += 1*mV"}, "s is in 1", "1*mV"),
        ({"equations": "ds/dt = -s/ms : 1 (unless refractory)"}, "has no flag (unless refractory)", "unless"),
        ({"equations": "advanced : 1"}, "'advanced' is a name that every class of equations has", "advanced"),
        ({"equations": "ds/dt = -s/ms : 1 (event-driven)", "method": "euler"}, "whose step is exact", ""),
        ({"equations": "ds/dt = -s**2/ms : 1", "method": "exact"}, "not linear in 's'", "/ms"),
        ({"equations": "w : 1", "on_pre": {"post": "w = 2"}}, "Got a pathway 'post'", ""),
        ({"equations": "w : 1", "on_pre": "w += x; x = 2"}, "'x' is not defined here", "x; x"),
        ({"equations": "w : 1", "on_pre": "x += w; x = 2"}, "'x' is not defined here", "x += w"),
        ({"equations": "w : 1", "on_pre": "x = 2; w = x", "on_post": "w += x"}, "'x' is not defined here", "x"),
        ({"equations": "ds/dt = -s*x/ms : 1", "on_pre": "x = 2; s += x"}, "'x' is not defined here, but", "x/ms"),
    ],
)
def test_an_error_points_at_its_place(given, says, at):
    with pytest.raises(EquationError) as caught:
        synapse(**given)
    message = str(caught.value)
    assert says in message
    if at:
        line, caret = message.split("\n")[-2:]
        assert line[caret.index("^") :].startswith(at)


GAP = synapse("i_post = k*(v_pre - v_post) : amp (summed)", k="2*nS")


def gap_network():
    """Two neurons of the library that start apart."""
    cells = snn.Population(
        snn.LIF(tau=10.0, v_th=1e3), 2, ports={"in": snn.Exponential(5.0)}, init={"v": np.array([1.0, -3.0])}
    )
    gap = snn.Connection("E", "E", snn.AllToAll(autapses=False), synapse=GAP())
    order = snn.BrianOrder()
    return snn.network(dt=0.1, key=0, order=order, populations={"E": cells}, projections={"gap": gap})


def test_a_neuron_s_current_is_a_sum_too(x64):
    """Gap junctions pull neurons together, and nothing is lost on the way."""
    net = gap_network()
    run, alone = (
        snn.simulate(each, steps=30, key=0, record=snn.Trace("E.v")).record
        for each in (net, snn.set(net, "gap.synapse.k", 0.0))
    )
    np.testing.assert_allclose(run.sum(1), alone.sum(1), rtol=1e-12)
    assert abs(run[-1, 0] - run[-1, 1]) < 0.9 * abs(alone[-1, 0] - alone[-1, 1])


def test_a_file_keeps_them_and_a_sweep_knows_their_text(tmp_path, net):
    snn.save(net, tmp_path / "net")
    back = snn.load(tmp_path / "net", kinds=[Cell, NMDA])
    assert type(back["S"].synapse) is NMDA
    np.testing.assert_array_equal(back["S"].synapse.w, net["S"].synapse.w)

    def said(on_pre, **values):
        Kind = synapse("w : 1\ndx/dt = -x/tau : 1", on_pre=on_pre, **values)
        return code_of(lambda: Kind)

    assert said("x += w", tau="5*ms") == said("x += w", tau="5*ms")
    assert len({said("x += w", tau="5*ms"), said("x += w", tau="6*ms"), said("x += 2*w", tau="5*ms")}) == 3
