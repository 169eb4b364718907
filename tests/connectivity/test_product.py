"""`product` is `x @ matrix` under every vmap and derivative; on a CPU it follows spikes where they are few."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn.connectivity import product as module
from jaxsnn.connectivity.product import product

EXAMPLES, STEPS, PRE, POST = 3, 5, 4, 2


def given(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape, np.float32))


@pytest.mark.parametrize("x_axis", [None, 0, 1, 2])
@pytest.mark.parametrize("matrix_axis", [None, 0, 2])
def test_batched_in_any_axis_with_its_derivatives(x_axis, matrix_axis):
    if x_axis is None and matrix_axis is None:
        x, matrix, batched = given(0, STEPS, PRE), given(1, PRE, POST), lambda f: f
    else:
        x, matrix = given(0, EXAMPLES, STEPS, PRE), given(1, EXAMPLES, PRE, POST)
        x = x[0] if x_axis is None else jnp.moveaxis(x, 0, x_axis)
        matrix = matrix[0] if matrix_axis is None else jnp.moveaxis(matrix, 0, matrix_axis)
        batched = lambda f: jax.vmap(f, in_axes=(x_axis, matrix_axis))

    def both(f):
        loss = lambda x, matrix: jnp.sum(jnp.sin(batched(f)(x, matrix)))
        return batched(f)(x, matrix), *jax.jit(jax.grad(loss, (0, 1)))(x, matrix)

    for ours, plain in zip(both(product), both(lambda x, matrix: x @ matrix), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-6)


def test_forward_mode_and_derivatives_of_each_example():
    x, matrix = given(0, EXAMPLES, STEPS, PRE), given(1, PRE, POST)
    for f in (lambda f: jax.jvp(lambda m: f(x, m), (matrix,), (matrix,))[1], _of_each(x, matrix)):
        np.testing.assert_allclose(f(product), f(lambda x, matrix: x @ matrix), rtol=1e-5, atol=1e-6)


def _of_each(x, matrix):
    return lambda f: jax.vmap(jax.grad(lambda m, x: jnp.sum(jnp.sin(f(x, m)))), (None, 0))(matrix, x)


def test_the_derivative_by_the_matrix_contracts_one_axis():
    """The reason for which it is there; the plain product under `vmap`, which contracts two, is the control."""

    def contracted(f):
        loss = lambda matrix, x: jnp.sum(jnp.sin(jax.vmap(lambda x: f(x, matrix), 1, 1)(x)))
        jaxpr = jax.make_jaxpr(jax.grad(loss))(given(1, PRE, POST), given(0, STEPS, EXAMPLES, PRE))
        dots = [eqn for eqn in jaxpr.eqns if eqn.primitive.name == "dot_general"]
        return max((len(eqn.params["dimension_numbers"][0][0]) for eqn in dots), default=0)

    assert contracted(product) < 2
    assert contracted(lambda x, matrix: x @ matrix) == 2


def wide(density):
    """Amplitudes of either sign, few or many, across a matrix that is wide enough to follow them."""
    spikes = np.random.default_rng(3).random((40, 600)) < density
    return jnp.where(spikes, given(4, 40, 600), 0.0), given(5, 600, 513)


def test_by_spikes_and_densely(monkeypatch):
    """Values and both derivatives, second ones too: each is the other operation. One program for all densities."""
    monkeypatch.setattr(module, "cores", lambda: 2)

    def everything(f):
        loss = lambda x, matrix: jnp.sum(jnp.sin(0.1 * f(x, matrix)))
        first = jax.grad(loss, (0, 1))
        second = jax.grad(lambda x, matrix: sum(jnp.sum(jnp.square(g)) for g in first(x, matrix)), (0, 1))
        return jax.jit(lambda x, matrix: (f(x, matrix), *first(x, matrix), *second(x, matrix)))

    ours, plain = everything(product), everything(jnp.matmul)
    for density in (0.0, 0.03, 0.5):
        for found, expected in zip(ours(*wide(density)), plain(*wide(density)), strict=True):
            scale = float(jnp.max(jnp.abs(expected)))
            np.testing.assert_allclose(found, expected, atol=1e-5 * scale)


@pytest.mark.parametrize(("n", "cores", "both"), [(512, 2, True), (511, 2, False), (512, 8, False)])
def test_which_is_decided_when_it_runs(n, cores, both, monkeypatch):
    """One compiled program has both; where spikes could not be cheaper there is only the product."""
    monkeypatch.setattr(module, "cores", lambda: cores)
    fresh = jax.jit(lambda x, matrix: product(x, matrix))  # traced anew
    text = fresh.lower(given(0, 40, n), given(1, n, n)).as_text()
    assert ("stablehlo.case" in text or "stablehlo.if" in text) == both
