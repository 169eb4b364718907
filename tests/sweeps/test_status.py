"""The status of every run inside an experiment comes out of its program, whatever is around the run."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn as snn
from jaxsnn._reports import reported
from jaxsnn.sweeps.collect import with_status
from tests.refused import refused

KEY = jax.random.key(3)


def run(x):
    """A run in small: its status is 1 where `x` is above 1.5."""
    return reported(jnp.where(x > 1.5, jnp.uint32(1), jnp.uint32(0)), 2 * x)


def looped(x):
    return jax.lax.map(run, jnp.stack([x, 0 * x])).sum()


def own_gradient(x):
    f = jax.custom_vjp(run)
    f.defvjp(lambda x: (run(x), None), lambda _, t: (t,))
    return f(x)


AROUND = [
    run,
    jax.jit(run),
    jax.checkpoint(run),
    looped,
    own_gradient,
    lambda x: jax.vmap(jax.jit(run))(jnp.stack([0 * x, x])).sum(),
    lambda x: jax.jit(jax.vmap(lambda x: jax.lax.cond(x > 0, run, lambda x: x, x)))(jnp.stack([x, 0 * x])).sum(),
    lambda x: jax.lax.cond(x > 0, run, lambda x: x, x),
    lambda x: jax.lax.fori_loop(0, 1, lambda _, x: run(x), x),
    lambda x: jax.lax.while_loop(lambda c: c < 1.5 * x, run, x),
    lambda x: jax.lax.scan(lambda c, y: (run(c) - c, y * c), x, jnp.ones(3), reverse=True)[1].sum(),
    jax.grad(looped),
    jax.grad(jax.checkpoint(run)),
    lambda x: jax.value_and_grad(own_gradient)(x)[0],
    jax.hessian(jax.jit(lambda x: run(x) ** 2)),
    jax.jacfwd(jax.jit(run)),
]


@functools.cache
def found_around():
    """Of all, in one program: the result, the result with the status, the status; for a clean run and another."""

    def everything(x):
        return [(around(x), *with_status(jax.make_jaxpr(around)(x))(x)) for around in AROUND]

    return [jax.jit(everything)(jnp.float32(x)) for x in (1.0, 2.0)]


@pytest.mark.parametrize("i", range(len(AROUND)))
def test_a_run_is_found_inside(i):
    """The result is the same, and the bits are those of the run: none for a clean one."""
    for found, expected in zip(found_around(), (0, 1), strict=True):
        plain, (out,), status = found[i]
        assert out == plain and status == expected


def test_nothing_of_a_report_is_left_in_a_program():
    text = lambda f: jax.jit(f, keep_unused=True).lower(1.0, jnp.uint32(0)).as_text()
    assert text(lambda x, status: reported(status, 2 * x)) == text(lambda x, status: 2 * x)


def test_an_operation_out_of_which_nothing_comes_is_refused():
    hidden = jax.custom_batching.custom_vmap(run)
    hidden.def_vmap(lambda n, batched, x: (jax.vmap(run)(x), True))
    with refused("simulates inside 'custom_vmap_call'", "throw=False"):
        jax.make_jaxpr(with_status(jax.make_jaxpr(hidden)(1.0)))(1.0)


def counts(tau, key, **how):
    net = snn.network(dt=0.1, key=0, populations={"E": snn.Population(snn.LIF(tau=tau), 2)})
    return snn.simulate(
        net, snn.Poisson(1000.0, 100.0, into="E", most=1.0), steps=20, key=key, record=snn.Count("E"), **how
    )


def test_a_bad_parameter_is_found_without_a_status():
    """A negative time constant gives a rate of 0, and used to look clean; `throw=False` leaves it to the experiment."""

    def experiment(point, key):
        batch = jax.vmap(jax.jit(lambda key: counts(point["tau"], key).record))(jax.random.split(key, 2))
        told = counts(point["tau"], key, throw=False)
        return {"n": batch, "told": told.status, "status": jnp.where(point["tau"] > 20.0, jnp.uint32(1), jnp.uint32(0))}

    grid = snn.product({"tau": snn.Axis(10.0, values=[-3.0, 10.0, 30.0])})
    with pytest.raises(
        snn.SimulationError, match=r"at 2 of 3 points .*\(tau=-3.0\): PARAMETER_RANGE; \(tau=30.0\): NOT_FIN"
    ) as e:
        snn.sweep(experiment, grid, key=KEY, progress=snn.progress.Quiet())
    ds = e.value.dataset
    assert ds.status.values.tolist() == [64, 0, 1] and ds.told.values.tolist() == [64, 0, 0]
    untold = lambda point, key: {"n": counts(point["tau"], key, throw=False).record}
    assert not snn.sweep(untold, grid, key=KEY, progress=snn.progress.Quiet()).status.values.any()  # negative control


def test_a_gradient_and_a_training_report():
    loss, est = snn.CrossEntropy(snn.Count("E")), snn.BPTT(wrt="E.neuron.v_th")
    inputs, labels = snn.Replay(jnp.ones((2, 10, 2)), into="E"), jnp.array([0, 1])

    def experiment(point, key):
        net = snn.network(dt=1.0, key=0, populations={"E": snn.Population(snn.LIF(tau=point["tau"], v_th=5.0), 2)})
        if point["kind"] == "fit":
            how = {"optimiser": optax.sgd(0.1), "epochs": 1, "batch": 2}
            return {"x": snn.fit(net, est, loss, inputs, labels, key=key, **how).history["loss"][0]}
        return {"x": est.value_and_grad(loss, net, inputs, labels, key=key)[0]}

    grid = snn.product({"tau": snn.Axis(10.0, values=[-3.0, 10.0]), "kind": snn.Static("fit", values=["fit", "grad"])})
    ds = snn.sweep(experiment, grid, key=KEY, progress=snn.progress.Quiet(), throw=False)
    assert np.all(ds.status.sel(tau=-3.0) & 64) and not ds.status.sel(tau=10.0).any()
