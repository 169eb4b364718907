"""Positions and distance, beside SciPy: who is near, who connects, how strongly and how late."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

import jaxsnn as snn
from jaxsnn.connectivity.kernels import distances
from tests.refused import refused

KEY = jax.random.key(0)
RNG = np.random.default_rng(3)
PRE, POST, BOX = RNG.uniform(0.0, 1.0, (60, 2)), RNG.uniform(0.0, 1.0, (50, 2)), np.array([1.0, 1.0])


def periodic(a, b, box):
    """The nearest of all images, one after the other."""
    shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * a.shape[1]), -1).reshape(-1, a.shape[1]) * box
    return np.min([cdist(a, b + shift) for shift in shifts], axis=0)


def build(
    p, *, key=KEY, extent=None, at=(PRE, POST), weight=1.0, delay=1.0, via=None, most=None, max_delay=None, **more
):
    pre, post = (None if x is None else jnp.asarray(x, jnp.float32) for x in at)
    ends = ("a", "a") if at[0] is at[1] else ("a", "b")
    populations = {
        "a": snn.Population(snn.LIF(), len(at[0]), positions=pre),
        "b": snn.Population(snn.LIF(), 50 if post is None else len(post), positions=post),
    }
    link = snn.Connection(
        *ends,
        snn.Spatial(p, extent=extent, most=most, **more),
        weight=weight,
        delay=delay,
        max_delay=max_delay,
        via=snn.Sparse() if via is None else via,
    )
    return snn.network(dt=0.1, key=key, populations=populations, projections={"p": link})["p"]


def pairs(projection):
    """Without the padding at the end."""
    pre, post = np.asarray(projection.graph.pre), np.asarray(projection.graph.post)
    return pre[pre < projection.graph.n_pre], post[pre < projection.graph.n_pre]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_distances(dimensions, x64):
    a, b = RNG.normal(size=(7, dimensions)), RNG.normal(size=(5, dimensions))
    np.testing.assert_allclose(distances(a[:, None], b[None], None), cdist(a, b), rtol=1e-12)
    a, b, box = a % 1.0, b % 1.0, np.array([1.0, 1.5, 2.0])[:dimensions]
    near = distances(a[:, None], b[None], jnp.asarray(box))
    np.testing.assert_allclose(near, periodic(a, b, box), rtol=1e-12)
    assert np.any(np.abs(near - cdist(a, b)) > 0.1)  # control: the box matters
    slope = jax.grad(lambda x: distances(x, jnp.zeros(dimensions), None))(jnp.zeros(dimensions))
    np.testing.assert_array_equal(slope, 0.0)


@pytest.mark.parametrize("extent", [None, BOX], ids=["open", "periodic"])
def test_within_a_radius(extent):
    """A box kernel of height 1 leaves nothing to chance: exactly the pairs that SciPy finds within the radius."""
    d = cdist(PRE, POST) if extent is None else periodic(PRE, POST, BOX)
    projection = build(snn.connectivity.BoxKernel(1.0, 0.25), extent=extent)
    np.testing.assert_array_equal(pairs(projection), np.nonzero(d <= 0.25))


def test_by_chance():
    """Over many pairs as likely as the kernel says, in every ring of distances; another key, other pairs."""
    places = RNG.uniform(0.0, 1.0, (400, 2))
    kernel, d = snn.connectivity.GaussianKernel(0.8, 0.2), periodic(places, places, BOX)
    found = np.zeros(d.shape, bool)
    found[pairs(build(kernel, at=(places, places), extent=BOX, autapses=False))] = True
    assert not found.diagonal().any()
    for low in np.arange(0.05, 0.5, 0.05):
        ring = (d >= low) & (d < low + 0.05)
        p = 0.8 * np.exp(-0.5 * (d[ring] / 0.2) ** 2)
        assert abs(found[ring].sum() - p.sum()) < 4.0 * np.sqrt((p * (1 - p)).sum())
    other = pairs(build(kernel, at=(places, places), extent=BOX, key=jax.random.key(1)))
    assert len(other[0]) != found.sum() or not found[other].all()


def test_weights_and_delays():
    """Functions of the distance of each edge; delays in whole steps, in a list and in a matrix."""
    d = periodic(PRE, POST, BOX)
    weight = snn.ByDistance(snn.connectivity.ExponentialKernel(2.0, 0.3), extent=BOX)
    delay = snn.ByDistance(lambda d: 0.5 + 4.0 * d, extent=BOX)
    sparse = build(snn.connectivity.BoxKernel(1.0, 0.3), extent=BOX, weight=weight, delay=delay)
    at = pairs(sparse)
    weights, delays = np.asarray(sparse.weight)[: len(at[0])], np.asarray(sparse.delay)[: len(at[0])]
    np.testing.assert_allclose(weights, 2.0 * np.exp(-d[at] / 0.3), rtol=1e-5)
    np.testing.assert_array_equal(delays, np.rint((0.5 + 4.0 * d[at]) / 0.1))
    dense = build(snn.connectivity.BoxKernel(1.0, 0.3), extent=BOX, weight=weight, delay=delay, via=snn.Dense())
    np.testing.assert_array_equal(np.asarray(dense.weight)[at], weights)


def test_traced_and_swept():
    """The edges of the same key and kernel, padded; one program for many kernels; too few places are a bit."""

    @jax.jit
    def edges(key, sigma):
        p = build(
            snn.connectivity.GaussianKernel(0.8, sigma),
            key=key,
            extent=BOX,
            most=1500,
            delay=snn.ByDistance(lambda d: 1 + d),
            max_delay=3.0,
        )
        return p.graph.pre, p.graph.post, p.overflow

    for sigma in (0.1, 0.2):
        pre, post = pairs(build(snn.connectivity.GaussianKernel(0.8, sigma), extent=BOX))
        found = edges(KEY, sigma)
        np.testing.assert_array_equal(found[0][: len(pre)], pre)
        np.testing.assert_array_equal(found[1][: len(pre)], post)
        assert np.all(found[0][len(pre) :] == 60) and not found[2]
    assert edges(KEY, 5.0)[2]  # 2 400 edges


REFUSED = {
    "no place": (
        lambda: build(snn.connectivity.BoxKernel(), at=(PRE, None)),
        ("the post population has none", "positions="),
    ),
    "dimensions": (
        lambda: build(snn.connectivity.BoxKernel(), at=(PRE, np.ones((50, 3)))),
        ("have 2 and 3 coordinates",),
    ),
    "probability": (lambda: build(snn.connectivity.GaussianKernel(1.5, 1.0)), ("outside 0 .. 1", "a probability")),
    "no function": (lambda: snn.Spatial(0.1), ("Spatial.p is 0.1", "a function of distance")),
    "shape": (lambda: snn.Population(snn.LIF(), 3, positions=np.ones((2, 3))), ("shape (2, 3)", "(3, 2) or (3, 3)")),
    "scale": (
        lambda: snn.connectivity.GaussianKernel(0.1, 0.0),
        ("GaussianKernel.sigma is 0.0 distance", "more than 0"),
    ),
    "traced": (
        lambda: jax.jit(lambda s: build(snn.connectivity.GaussianKernel(0.8, s)).weight)(0.1),
        ("the number of edges unknown", "Spatial(..., most=...)"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    make, message = REFUSED[case]
    with refused(*message):
        make()
