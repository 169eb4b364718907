"""Law (e): gradients are those of finite differences where there are no spikes, and of the surrogate elsewhere."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.connectivity.ring import Ring
from tests.laws.registry import DT

pytestmark = pytest.mark.usefixtures("x64")
KEY = jax.random.key(0)


def close(a, b, rtol):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=rtol, atol=rtol * 1e-3), a, b)


# --- the smooth path --------------------------------------------------------------------------------------------------

RASTER = np.random.default_rng(0).random((30, 3)) < 0.2
SPREAD = np.random.default_rng(1).random((3, 2)) + 0.5
SMOOTH = {  # every number of a network that only integrates
    "tau": 8.0,
    "v_rest": 0.3,
    "r": 1.2,
    "bias": 0.4,
    "tau_exp": 3.0,
    "tau_alpha": 8.0,  # at tau, where phi is a series
    "tau_g": 2.5,
    "e_rev": 4.0,
    "sparse": 0.9,
    "dense": 0.7,
    "g": 0.2,
    "jump": 0.1,
    "fed": 0.6,
    "v0": -0.5,
}


def smooth(p):
    """A number that depends on all of `SMOOTH`: silent neurons (LIF), read out by LI without and with a conductance."""
    current = snn.Exponential(p["tau_exp"])
    numbers = dict(tau=p["tau"], v_rest=p["v_rest"], bias=p["bias"], gain=snn.gains.Resistance(p["r"]))
    cell = snn.LIF(v_th=1e6, surrogate=snn.surrogates.Boxcar(), **numbers)  # without a slope far from threshold
    reader = snn.LI(tau=p["tau"], v_rest=p["v_rest"], gain=snn.gains.Capacitance(6.0))
    graph, delays = snn.FromArrays([0, 0, 1, 2], [0, 1, 1, 0]), DT * np.array([1, 2, 3, 5])
    links = {
        "exp P": snn.Connection("S", "P.exp", graph, weight=p["sparse"], delay=delays),
        "exp Q": snn.Connection("S", "Q.exp", graph, weight=p["sparse"], delay=delays),
        "alpha": snn.Connection("S", "P.alpha", snn.AllToAll(), via=snn.Dense(), weight=p["dense"] * SPREAD),
        "jump": snn.Connection("S", "P.jump", graph, weight=p["jump"], delay=0.2),
        "g": snn.Connection("S", "Q.g", snn.AllToAll(), via=snn.Dense(), weight=p["g"] * SPREAD, delay=DT),
    }
    at_p = {"exp": current, "alpha": snn.Alpha(p["tau_alpha"]), "jump": snn.Delta()}
    at_q = {"exp": current, "g": snn.Conductance(p["tau_g"], p["e_rev"])}
    net = snn.network(
        dt=DT,
        key=KEY,
        populations={
            "S": snn.SpikeSource(3),
            "P": snn.Population(cell, 2, ports=at_p, init={"v": p["v0"]}),
            "Q": snn.Population(reader, 2, ports=at_q),
        },
        projections=links,
    )
    drive = snn.Replay(jnp.asarray(RASTER), into="S", weight=p["fed"]) + snn.StepCurrent(0.2 * p["bias"], into="Q")
    out = snn.simulate(net, drive, steps=30, key=KEY, record=(snn.Trace("P.v"), snn.Last("Q.v"))).record
    return jnp.mean(jnp.square(out[0])) + jnp.sum(jnp.sin(out[1]))


def test_smooth_path():
    """All fourteen first derivatives, and a second one along a direction, against differences of sixth order."""
    point = jax.tree.map(jnp.float64, SMOOTH)  # strongly typed, so that all calls are one trace
    direction = {name: jnp.float64(x) for name, x in zip(SMOOTH, np.random.default_rng(2).normal(size=len(SMOOTH)))}

    @jax.jit
    def everything(p):
        slope = jax.value_and_grad(smooth)
        (value, gradient), (rate, curvature) = jax.jvp(slope, (p,), (direction,))
        return value, gradient, rate, curvature

    def difference(f, along, h=2e-3):
        """The derivative of `f` along a direction."""
        at = {k: f(jax.tree.map(lambda x, d, k=k: x + k * h * d, point, along)) for k in (-3, -2, -1, 1, 2, 3)}
        coefficients = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
        return jax.tree.map(
            lambda *x: sum(np.sign(k) * coefficients[abs(k)] * v for k, v in zip(at, x)) / h, *at.values()
        )

    _, gradient, rate, curvature = everything(point)
    for name in SMOOTH:
        along = {other: jnp.float64(other == name) for other in SMOOTH}
        np.testing.assert_allclose(gradient[name], difference(lambda p: everything(p)[0], along), rtol=1e-7)
        assert abs(gradient[name]) > 1e-4
    np.testing.assert_allclose(rate, sum(gradient[name] * direction[name] for name in SMOOTH), rtol=1e-9)
    close(curvature, difference(lambda p: everything(p)[1], direction), 1e-6)


# --- surrogates -------------------------------------------------------------------------------------------------------


def gaussian(u, mean, sd):
    return np.exp(-((u - mean) ** 2) / (2 * sd**2)) / np.sqrt(2 * np.pi * sd**2)


def bump(u, mean, sd):
    return -(u - mean) / sd**2 * gaussian(u, mean, sd)


def logistic(x):
    return 1 / (1 + np.exp(-x))


SURROGATES = {  # slope and its derivative, as their papers have them
    "FastSigmoid": (
        lambda: snn.surrogates.FastSigmoid(2.5),
        lambda u: (1 + 2.5 * abs(u)) ** -2,
        lambda u: -5.0 * np.sign(u) * (1 + 2.5 * abs(u)) ** -3,
    ),
    "ATan": (
        lambda: snn.surrogates.ATan(3.0),
        lambda u: 1.5 / (1 + (1.5 * np.pi * u) ** 2),
        lambda u: -3.0 * (1.5 * np.pi) ** 2 * u / (1 + (1.5 * np.pi * u) ** 2) ** 2,
    ),
    "Sigmoid": (
        lambda: snn.surrogates.Sigmoid(3.0),
        lambda u: 3.0 * logistic(3 * u) * (1 - logistic(3 * u)),
        lambda u: 9.0 * logistic(3 * u) * (1 - logistic(3 * u)) * (1 - 2 * logistic(3 * u)),
    ),
    "Triangle": (
        lambda: snn.surrogates.Triangle(0.3, 1.5),
        lambda u: 0.2 * np.maximum(0, 1 - abs(u) / 1.5),
        lambda u: np.where(abs(u) < 1.5, -0.2 / 1.5 * np.sign(u), 0),
    ),
    "PiecewiseQuadratic": (
        lambda: snn.surrogates.PiecewiseQuadratic(0.8),
        lambda u: np.maximum(0, 0.8 - 0.64 * abs(u)),
        lambda u: np.where(abs(u) < 1.25, -0.64 * np.sign(u), 0),
    ),
    "Boxcar": (lambda: snn.surrogates.Boxcar(0.8), lambda u: np.where(abs(u) < 0.625, 0.8, 0), lambda u: 0 * u),
    "Slayer": (
        lambda: snn.surrogates.Slayer(2.0),
        lambda u: np.exp(-2 * abs(u)),
        lambda u: -2 * np.sign(u) * np.exp(-2 * abs(u)),
    ),
    "Erf": (
        lambda: snn.surrogates.Erf(1.5),
        lambda u: 1.5 / np.sqrt(np.pi) * np.exp(-((1.5 * u) ** 2)),
        lambda u: -4.5 * u * 1.5 / np.sqrt(np.pi) * np.exp(-((1.5 * u) ** 2)),
    ),
    "Tanh": (
        lambda: snn.surrogates.Tanh(1.5),
        lambda u: 4 / (np.exp(1.5 * u) + np.exp(-1.5 * u)) ** 2,
        lambda u: -3 * np.tanh(1.5 * u) / np.cosh(1.5 * u) ** 2,
    ),
    "MultiGaussian": (
        lambda: snn.surrogates.MultiGaussian(0.5, 0.15, 6.0, 0.5),
        lambda u: 0.5 * (1.15 * gaussian(u, 0, 0.5) - 0.15 * (gaussian(u, 0.5, 3.0) + gaussian(u, -0.5, 3.0))),
        lambda u: 0.5 * (1.15 * bump(u, 0, 0.5) - 0.15 * (bump(u, 0.5, 3.0) + bump(u, -0.5, 3.0))),
    ),
    "StraightThrough": (snn.surrogates.StraightThrough, np.ones_like, np.zeros_like),
    "Scaled": (
        lambda: snn.surrogates.Scaled(snn.surrogates.Slayer(2.0), 0.3),
        lambda u: 0.3 * np.exp(-2 * abs(u)),
        lambda u: -0.6 * np.sign(u) * np.exp(-2 * abs(u)),
    ),
}


@pytest.mark.parametrize("name", SURROGATES)
def test_surrogate_is_its_formula(name):
    """The spike is exact, its derivative the formula, and that one's derivative the derivative of the formula.

    By the distance in units of `v_th - v_reset`, whatever that unit is.
    """
    make, slope, curvature = SURROGATES[name]
    cell, at_rest = snn.LIF(v_th=20.0, v_reset=16.0, surrogate=make()), snn.LIF().init((), float)

    def spike(x):
        return cell.spike(at_rest._replace(v=20.0 + 4.0 * x))

    def in_a_loop(u):  # where JAX drops the rules of calls within rules
        return jax.lax.scan(lambda total, _: (total + spike(u), None), 0.0 * u, None, length=2)[0] / 2

    @jax.jit
    def derivatives(u):
        out = []
        for f in (spike, in_a_loop):
            first = jax.grad(f)
            out.append(
                [jax.vmap(d)(u) for d in (f, first, jax.grad(first), jax.jacfwd(first), jax.jacfwd(jax.jacfwd(f)))]
            )
        return out

    u = np.array([-3.0, -0.7, -0.01, 0.02, 0.5, 2.0])
    for fired, first, *second in derivatives(u):
        np.testing.assert_array_equal(fired, u >= 0)
        np.testing.assert_allclose(first, slope(u), rtol=1e-10)
        for found in second:
            np.testing.assert_allclose(found, curvature(u), rtol=1e-9, atol=1e-15)


def test_a_height_does_not_depend_on_the_unit_of_the_threshold():
    """The same cell in mV and in V: a spike's derivative per unit of `v_th - v_reset` is the same. For every model.

    Control: per mV it is a thousand times smaller than per V. A reset to the threshold leaves it finite.
    """
    kinds = {
        "LIF": lambda u: snn.LIF(v_rest=-65.0 * u, v_th=-50.0 * u, v_reset=-60.0 * u),
        "ALIF": lambda u: snn.ALIF(v_rest=-65.0 * u, v_th=-50.0 * u, v_reset=-60.0 * u, beta=u),
        "CubaLIF": lambda u: snn.CubaLIF(v_rest=-65.0 * u, v_th=-50.0 * u, v_reset=-60.0 * u),
        "Lapicque": lambda u: snn.Lapicque(v_th=-50.0 * u, v_reset=-60.0 * u),
        "ResonateAndFire": lambda u: snn.neurons.ResonateAndFire(v_th=50.0 * u),
        "CobaLIF": lambda u: snn.CobaLIF(e_l=-70.0 * u, v_th=-50.0 * u, v_reset=-60.0 * u),
        "QIF": lambda u: snn.QIF(v_peak=10.0 * u, v_reset=-10.0 * u),
        "AdEx": lambda u: snn.AdEx(e_l=-70.0 * u, v_t=-50.0 * u, delta_t=2.0 * u, v_peak=0.0, v_reset=-60.0 * u),
        "HodgkinHuxley": lambda u: snn.HodgkinHuxley(e_na=50.0 * u, e_k=-77.0 * u, e_l=-54.4 * u, v_th=0.0),
    }
    for name, make in kinds.items():
        found = {}
        for unit in (1.0, 1e-3):
            cell = make(unit)
            at = cell.v_peak if hasattr(cell, "v_peak") else cell.v_th
            rest = cell.init((), at.dtype)
            spike = lambda v, cell=cell, rest=rest: cell.spike(rest._replace(v=v))
            found[unit] = float(jax.grad(spike)(at - 2.0 * unit))
        assert found[1.0] > 0 and np.isclose(1e-3 * found[1e-3], found[1.0], rtol=1e-9), (name, found)
    same = snn.LIF(v_th=10.0, v_reset=10.0)
    assert jnp.isfinite(jax.grad(lambda v: same.spike(same.init((), v.dtype)._replace(v=v)))(jnp.asarray(9.0)))


def test_every_surrogate_is_tested():
    kinds = [
        kind
        for kind in vars(snn.surrogates).values()
        if isinstance(kind, type) and issubclass(kind, snn.surrogates.AbstractSurrogate)
    ]
    assert {kind.__name__ for kind in kinds} - {"AbstractSurrogate"} == {*SURROGATES}


def test_a_slope_is_learnt_through_second_derivatives():
    """A spike does not depend on its surrogate, the derivative of a loss does."""

    def of_voltage(beta, v):
        cell = snn.LIF(v_th=1.0, surrogate=snn.surrogates.FastSigmoid(beta))
        return cell.spike(cell.init((), float)._replace(v=v))

    beta, v = jnp.asarray(2.0), jnp.asarray(0.0)
    assert jax.grad(of_voltage)(beta, v) == 0.0
    np.testing.assert_allclose(jax.grad(jax.grad(of_voltage, argnums=1))(beta, v), -2.0 * (1 + 2.0) ** -3)


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("kind", [snn.resets.ToValue, snn.resets.Subtract])
def test_a_spiking_neuron_in_time(kind, detach):
    """Through 60 steps with spikes and resets: the recursion of `dv/dw` and `ds/dw`, written out in NumPy."""
    decay, v_th, v_reset, x = np.exp(-DT / 2.0), 1.0, -0.2, np.random.default_rng(3).random(60)
    cell = snn.LIF(tau=2.0, v_th=v_th, v_reset=v_reset, gain=snn.gains.PerStep(), reset_mechanism=kind(detach=detach))

    def spikes(w):
        net = snn.network(dt=DT, key=KEY, populations={"P": snn.Population(cell, 1)})
        drive = snn.Replay(jnp.asarray(x[:, None]), into="P", weight=w)
        return snn.simulate(net, drive, steps=60, key=KEY, record=snn.Count("P")).record[0]

    count, gradient = jax.jit(jax.value_and_grad(spikes))(0.35)
    v, dv, fired, dfired = 0.0, 0.0, 0, 0.0
    for k in range(60):
        v, dv = decay * v + 0.35 * x[k], decay * dv + x[k]
        s, ds = float(v >= v_th), dv / 1.2 / (1 + abs(v - v_th) / 1.2) ** 2
        fired, dfired = fired + s, dfired + ds
        through = 0.0 if detach else ds
        if kind is snn.resets.ToValue:
            v, dv = (v_reset if s else v), (1 - s) * dv + through * (v_reset - v)
        else:
            v, dv = v - s * (v_th - v_reset), dv - through * (v_th - v_reset)
    assert count == fired > 5
    np.testing.assert_allclose(gradient, dfired, rtol=1e-11)


# --- spiking networks, and neurons that stay silent -------------------------------------------------------------------


def layers(weights, raster, via):
    """Three inputs, four neurons (two of them too far from threshold to fire, ever), one read-out in the same step."""
    first, second = weights
    links = {
        "in": snn.Connection("S", "H", snn.AllToAll(), via=via, weight=first, delay=0.1),
        "back": snn.Connection("H", "H", snn.AllToAll(), via=via, weight=0.1 * first[0, 0], delay=0.2),
        "out": snn.Connection("H", "O", snn.AllToAll(), via=via, weight=second),
    }
    populations = {
        "S": snn.SpikeSource(3),
        "H": snn.Population(snn.LIF(tau=2.0, v_th=np.array([1.0, 1.5, 9.0, 30.0])), 4),
        "O": snn.Population(snn.LI(tau=5.0), 1),
    }
    net = snn.network(dt=DT, key=KEY, populations=populations, projections=links)
    record = (snn.Trace("O.v"), snn.Count("H"))
    drive = snn.Replay(jnp.asarray(raster), into="S")
    v, count = snn.simulate(net, drive, steps=len(raster), key=KEY, record=record).record
    return jnp.mean(jnp.square(v - 0.3)), count


INPUT = np.random.default_rng(4).random((20, 3)) < 0.3
WEIGHTS = tuple(np.random.default_rng(5).random(shape) for shape in ((3, 4), (4, 1)))  # float64: made arrays in a test


def loss(weights, raster=INPUT):
    return layers(weights, raster, snn.Sparse())[0]


def test_list_and_matrix_forward_and_reverse():
    """Sparse and Dense, reverse and forward mode: one gradient, that does not vanish where a neuron stays silent."""

    @jax.jit
    def modes(w):
        reverse, matrix = (jax.grad(layers, has_aux=True)(w, INPUT, via) for via in (snn.Sparse(), snn.Dense()))
        return reverse, matrix, jax.jacfwd(layers, has_aux=True)(w, INPUT, snn.Sparse())

    (reverse, count), (matrix, _), (forward, _) = modes(jax.tree.map(jnp.asarray, WEIGHTS))
    assert jnp.all(count[:2] > 2) and jnp.all(count[2:] == 0)
    assert jnp.all(reverse[0] != 0) and jnp.all((reverse[1][:, 0] != 0) == (count > 0))
    close(matrix, reverse, 1e-10)
    close(forward, reverse, 1e-10)


def test_transforms_of_a_simulation():
    """`checkpoint`, `vmap` of `grad`, `grad` of `vmap`, `jvp` and `hessian` of a spiking run: all one derivative."""
    batch = np.stack([INPUT, np.roll(INPUT, 1, axis=0), INPUT[::-1]])
    tangent = jax.tree.map(lambda w: np.cos(np.arange(w.size)).reshape(w.shape), WEIGHTS)

    @jax.jit
    def everything(weights):
        each = jax.vmap(jax.grad(loss), in_axes=(None, 0))(weights, batch)
        of_sum = jax.grad(lambda w: jnp.sum(jax.vmap(loss, in_axes=(None, 0))(w, batch)))(weights)
        again = jax.grad(jax.checkpoint(loss))(weights)
        along = jax.jvp(loss, (weights,), (tangent,))[1]
        return each, of_sum, again, along

    each, of_sum, again, along = everything(WEIGHTS)
    alone = jax.tree.map(lambda g: g[0], each)
    assert jnp.all(alone[0] != 0)
    close(jax.tree.map(lambda g: jnp.sum(g, axis=0), each), of_sum, 1e-10)
    close(again, alone, 1e-12)
    np.testing.assert_allclose(along, sum(jnp.vdot(g, t) for g, t in zip(alone, tangent)), rtol=1e-10)


def test_hessian():
    """Second derivatives of a spiking run are symmetric, and the same forward over reverse as forward over forward."""

    def f(w):
        return loss((jnp.asarray(WEIGHTS[0]).at[0].set(w), WEIGHTS[1]))

    second, forward = jax.jit(lambda w: (jax.hessian(f)(w), jax.jacfwd(jax.jacfwd(f))(w)))(jnp.asarray(WEIGHTS[0][0]))
    assert jnp.all(forward != 0)
    np.testing.assert_allclose(second, forward, rtol=1e-9)
    np.testing.assert_allclose(second, second.T, rtol=1e-9)


def test_a_refractory_neuron_has_no_pseudo_derivative():
    """The spike is `(1 - held) H(v - v_th)`: its derivative is gated as it is (Bellec et al. 2020). Control: free."""
    cell = snn.LIF(v_th=20.0, t_ref=2.0)
    v = jnp.asarray(19.0)

    def slope(r):
        state = cell.init((), v.dtype)._replace(r=jnp.int32(r))
        return jax.grad(lambda v: cell.spike(state._replace(v=v)))(v)

    assert slope(3) == 0.0
    np.testing.assert_allclose(slope(0), cell.surrogate.slope((v - cell.v_th) / 20.0) / 20.0, rtol=1e-12)
    assert slope(0) > 0.04


def test_what_has_arrived_leaves_no_derivative_behind():
    """A spike that did not happen has a pseudo-derivative, and its arrival is 0: taken from the ring, both are gone."""
    ring = Ring(slots=3, width=2)
    buffer, tangent = jnp.zeros(ring.size), jnp.ones(ring.size)
    (taken, left), (d_taken, d_left) = jax.jvp(lambda b: ring.take(b, jnp.int32(1)), (buffer,), (tangent,))
    np.testing.assert_array_equal(taken, 0.0)
    np.testing.assert_array_equal(left, 0.0)
    np.testing.assert_array_equal(d_taken, 1.0)
    np.testing.assert_array_equal(d_left, [1, 1, 0, 0, 1, 1])
