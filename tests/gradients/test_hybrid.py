"""Equinox modules between, before and behind spiking layers: what they compute, what is drawn, what is learnt."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn as snn
from tests.refused import refused

KEY = jax.random.key(0)
KEYS = [jax.random.fold_in(KEY, i) for i in range(12)]
CELL = snn.LIF(tau=5.0, v_th=1.0, reset_mechanism=snn.resets.Subtract(detach=True))
IMAGE, STEPS = (2, 5, 5), 12
CONV = eqx.nn.Conv2d(2, 3, 3, stride=2, padding=1, use_bias=False, key=KEYS[0])
CONV = eqx.tree_at(lambda c: c.weight, CONV, 3.0 * CONV.weight)
RECURRENT = eqx.nn.Linear(27, 27, use_bias=False, key=KEYS[1])
READ = eqx.nn.Linear(27, 3, use_bias=False, key=KEYS[4])
X = jax.random.bernoulli(KEYS[2], 0.3, (2, STEPS, 50)).astype(jnp.float32)
Y = jnp.asarray([1, 2], jnp.int32)


def matrix_of(conv):
    """(pre, post), from every unit image."""
    return jax.vmap(lambda x: conv(x.reshape(IMAGE)).reshape(-1))(jnp.eye(50))


def net(conv, again, read):
    populations = {
        "in": snn.SpikeSource(50),
        "hid": snn.Population(CELL, 27),
        "out": snn.Population(snn.LI(tau=10.0), 3),
    }
    projections = {"conv": conv, "again": again, "read": read}
    return snn.network(dt=1.0, key=KEYS[3], populations=populations, projections=projections)


def test_a_layer_is_its_matrix():
    """A convolution, a delayed recurrent one and a read-out, as modules and as dense links: same loss, same gradients.

    The matrix is what the module makes of unit vectors, so nothing here knows how a convolution is arranged; the
    gradient of the kernel is that of the matrix, drawn back through the same map.
    """
    dense = dict(topology=snn.AllToAll(), via=snn.Dense())
    plain = net(
        snn.Connection("in", "hid", **dense, weight=jax.jit(matrix_of)(CONV)),
        snn.Connection("hid", "hid", **dense, weight=RECURRENT.weight.T, delay=2.0),
        snn.Connection("hid", "out", **dense, weight=READ.weight.T),
    )
    layer = snn.Layer(CONV, IMAGE)
    assert layer.out == (3, 3, 3)
    modules = net(
        snn.Connection("in", "hid", via=layer),
        snn.Connection("hid", "hid", via=snn.Layer(RECURRENT), delay=2.0),
        snn.Connection("hid", "out", via=snn.Layer(READ)),
    )
    est, loss, drive = snn.BPTT(), snn.CrossEntropy(snn.Mean("out.v")), snn.Replay(X, into="in")
    (a, by_matrix), (b, by_module) = (est.value_and_grad(loss, n, drive, Y, key=KEYS[5]) for n in (plain, modules))
    np.testing.assert_allclose(a, b, rtol=1e-6)
    of_kernel = lambda kernel: matrix_of(eqx.tree_at(lambda c: c.weight, CONV, kernel))
    (drawn_back,) = jax.jit(jax.linear_transpose(of_kernel, CONV.weight))(by_matrix["conv"].weight)
    for mine, theirs in [
        (by_module["conv"].graph.module.weight, drawn_back),
        (by_module["again"].graph.module.weight, by_matrix["again"].weight.T),
        (by_module["read"].graph.module.weight, by_matrix["read"].weight.T),
    ]:
        assert np.abs(theirs).max() > 1e-4
        np.testing.assert_allclose(mine, theirs, atol=1e-5 * np.abs(theirs).max())


class Redrawn(eqx.Module):
    """The control: a mask that is drawn again in every step, which its first number counts."""

    dropout: eqx.nn.Dropout

    def __call__(self, x, *, key):
        return self.dropout(x, key=jax.random.fold_in(key, x[0].astype(jnp.uint32)))


ONES = jnp.ones((STEPS, 20)).at[:, 0].set(jnp.arange(STEPS, dtype=jnp.float32))


def passed(module):
    """What passes of ones, `(steps, n)`, for two keys; as it is stepped, and in stages, as for a derivative."""
    ends = {"in": snn.SpikeSource(20), "out": snn.SpikeSource(20)}
    between = {"o": snn.Connection("in", "out", via=snn.Layer(module))}
    net = snn.network(dt=1.0, key=KEY, populations=ends, projections=between)

    @jax.jit
    def run(key):
        def of(scale):
            drive = snn.Replay(scale * ONES, into="in")
            return snn.simulate(net, drive, steps=STEPS, key=key, record=snn.Trace("out.v")).record

        return jnp.stack([of(jnp.float32(1.0)), jax.jvp(of, (jnp.float32(1.0),), (jnp.float32(1.0),))[0]])

    return np.stack([run(jax.random.key(i)) for i in (6, 7)])[:, :, :, 1:]


def test_dropout_has_one_mask_a_trial():
    """Another for every trial, the same in both schedules; drawn in every step only if a module does it (control)."""
    kept = passed(eqx.nn.Dropout(0.5))
    assert {*np.unique(kept)} == {0.0, 2.0}
    assert np.all(kept == kept[:, :1, :1])
    assert np.any(kept[0, 0, 0] != kept[1, 0, 0])
    again = passed(Redrawn(eqx.nn.Dropout(0.5)))
    assert np.any(again != again[:, :, :1])
    np.testing.assert_array_equal(again[:, 0], again[:, 1])


def around(dropout=0.3):
    """Image -> convolution, norm -> currents -> hidden layer -> leaky integrators -> their means -> classes."""
    keys = jax.random.split(jax.random.key(8), 4)
    stem = [eqx.nn.Conv2d(1, 2, 3, key=keys[0]), eqx.nn.GroupNorm(1, 2), eqx.nn.Lambda(jnp.ravel)]
    hidden = [eqx.nn.Linear(8, 6, key=keys[1]), eqx.nn.Lambda(jnp.tanh), eqx.nn.Dropout(dropout)]
    fc = eqx.nn.Sequential([*hidden, eqx.nn.Linear(6, 5, key=keys[2])])
    integrators = snn.Population(snn.LI(tau=10.0), 5, ports={"in": snn.Exponential(5.0)})
    return snn.network(
        dt=1.0,
        key=KEY,
        populations={"in": snn.SpikeSource(8), "out": integrators},
        projections={"fc": snn.Connection("in", "out", via=snn.Layer(fc))},
        modules={"stem": eqx.nn.Sequential(stem), "head": eqx.nn.Linear(5, 3, key=keys[3])},
    )


LEARNT = ("*.weight", "*.bias", "out.neuron.tau")
HEAD = snn.simulation.Decoded(snn.Mean("out.v"), by="head")


def test_the_gradient_reaches_all_parts(x64):
    """Stem, layer, time constants and head, through norm and dropout: each along a random direction, by differences."""
    est, net = snn.BPTT(wrt=LEARNT), around()
    images, labels = jax.random.uniform(jax.random.key(1), (2, 1, 4, 4)), jnp.asarray([0, 2])
    drive = snn.simulation.Encoded(images, by="stem", into="in", steps=6)
    at = lambda net: est.value_and_grad(snn.CrossEntropy(HEAD), net, drive, labels, key=KEYS[9])
    _, gradient = at(net)
    leaves, shape = jax.tree.flatten(est.parameters(net))
    assert len(leaves) == 2 + 2 + 4 + 1 + 2
    rng, eps = np.random.default_rng(0), 1e-5
    for i, slope in enumerate(map(np.asarray, jax.tree.leaves(gradient))):
        way = rng.normal(size=slope.shape)
        moved = lambda s: [jnp.asarray(x + s * way if i == j else x) for j, x in enumerate(map(np.asarray, leaves))]  # noqa: B023
        up, down = (at(eqx.combine(jax.tree.unflatten(shape, moved(s)), net))[0] for s in (eps, -eps))
        np.testing.assert_allclose(np.vdot(slope, way), (up - down) / (2 * eps), rtol=1e-6, atol=1e-10)
        assert np.any(slope != 0)


def test_fit_scores_without_dropout():
    """Training drops, validation is as without `Dropout`. Nothing is learnt here, so both are of one network."""
    images, labels = jax.random.uniform(KEYS[10], (8, 1, 4, 4)), jnp.arange(8, dtype=jnp.int32) % 3
    drive, loss, est = (
        snn.simulation.Encoded(images, by="stem", into="in", steps=4),
        snn.CrossEntropy(HEAD),
        snn.BPTT(wrt=LEARNT),
    )
    task = dict(optimiser=optax.sgd(0.0), epochs=1, batch=8, validation=(drive, labels), key=KEYS[11])
    fit = snn.fit(around(dropout=0.5), est, loss, drive, labels, **task, progress=snn.progress.Quiet())
    plain = snn.evaluate({"loss": loss}, around(dropout=0.0), drive, labels, key=KEYS[8])["loss"]
    np.testing.assert_allclose(fit.history["validation_loss"], [plain], rtol=1e-6)
    assert abs(fit.history["loss"] - plain) > 1e-3


def linear(n_in, n_out):
    return eqx.nn.Linear(n_in, n_out, key=jax.random.key(1))


def hybrid(**changes):
    given = (
        dict(populations={"in": snn.SpikeSource(8), "out": snn.SpikeSource(6)}, projections={}, modules={}) | changes
    )
    return snn.network(dt=1.0, key=KEY, **given)


def through(module, shape=None, **changes):
    return hybrid(projections={"fc": snn.Connection("in", "out", via=snn.Layer(module, shape), **changes)})


def run(x=None, by="stem", into="in", net=None):
    x, net = jnp.zeros((1, 4, 4)) if x is None else x, around() if net is None else net
    return snn.simulate(net, snn.simulation.Encoded(x, by=by, into=into), steps=2, key=KEY)


def estimated(est):
    loss, drive = (
        snn.losses.StepCrossEntropy("out.v"),
        snn.simulation.Encoded(jnp.zeros((2, 1, 4, 4)), by="stem", into="in", steps=2),
    )
    return est.value_and_grad(loss, around(), drive, Y, key=KEY)


BATCHNORM = eqx.nn.BatchNorm(6, "batch", mode="batch")
ERRORS = {
    "statistics in a layer": (
        lambda: through(eqx.nn.Sequential([linear(8, 6), BATCHNORM])),
        ("Layer.module is Sequential, which keeps running statistics", "use GroupNorm"),
    ),
    "statistics in a module": (lambda: hybrid(modules={"f": BATCHNORM}), ("Module 'f' is BatchNorm", "use GroupNorm")),
    "no module": (lambda: through(3.0), ("Layer.module is float", "expected one that is called as")),
    "senders": (lambda: through(linear(8, 6), (3, 3)), ("'fc'", "Layer.shape is (3, 3), 9 numbers", "8 senders")),
    "receivers": (lambda: through(linear(8, 5)), ("makes (5,) of (8,)", "6 receivers", "give the population n = 5")),
    "input": (lambda: through(linear(7, 6)), ("Linear cannot be applied to shape (8,)",)),
    "topology": (lambda: snn.Connection("in", "out", snn.AllToAll(), via=snn.Layer(linear(8, 6))), ("leave topology",)),
    "weight": (lambda: through(linear(8, 6), weight=2.0), ("leave topology, weight and rule",)),
    "delays": (lambda: through(linear(8, 6), delay=snn.Uniform(1.0, 3.0)), ("one for all its", "give a number of ms")),
    "name": (lambda: hybrid(modules={"in": linear(8, 6)}), ("Got in for several parts",)),
    "unknown module": (lambda: run(by="trunk"), ("Got 'trunk'", "expected a module of this network: head, stem")),
    "size": (lambda: run(into="out"), ("Module 'stem' makes (8,) of (1, 4, 4)", "expected (5,) for 'out.in'")),
    "batch": (lambda: run(jnp.zeros((3, 1, 4, 4))), ("one example of shape (3, 1, 4, 4)", "cannot be applied to")),
    "drawing": (lambda: run(by="f", net=hybrid(modules={"f": eqx.nn.Dropout(0.1)})), ("draws (Dropout)", "a Layer")),
    "e-prop": (lambda: estimated(snn.EProp()), ("EProp: 'fc' goes through a Layer", "use Dense(), or BPTT")),
    "eventprop": (lambda: estimated(snn.EventProp()), ("EventProp: 'fc' goes through a Layer", "use Dense(), or BPTT")),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    given, parts = ERRORS[case]
    with refused(*parts):
        given()
