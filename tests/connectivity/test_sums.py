"""`Deterministic()`: arrivals are summed in the order of senders, on every device; two runs are equal bit for bit."""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.connectivity import dense
from jaxsnn.connectivity.ring import Ring
from jaxsnn.connectivity.sums import add_in_order
from jaxsnn.plasticity import in_rounds
from tests.elsewhere import as_accelerators
from tests.refused import refused

ANY, IN_ORDER = snn.connectivity.AnyOrder(), snn.connectivity.Deterministic()
N, STEPS = 60, 60


def awkward(rng, shape):
    """Floats of very different sizes: every order of summation has another sum."""
    return (rng.normal(size=shape) * 10.0 ** rng.integers(-3, 4, shape)).astype(np.float32)


def test_one_after_the_other():
    """Bit for bit what a loop over values gives, of a batch, with many values to a place and some to none."""
    rng = np.random.default_rng(0)
    buffer, to, values = awkward(rng, (3, 20)), rng.integers(0, 23, (3, 300)).astype(np.int32), awkward(rng, (3, 300))
    found = np.asarray(jax.jit(add_in_order)(buffer, to, values))

    def loop(order):
        out = buffer.copy()
        for b in range(3):
            for k in order:
                if to[b, k] < 20:
                    out[b, to[b, k]] += values[b, k]
        return out

    np.testing.assert_array_equal(found, loop(range(300)))
    assert np.any(found != loop(range(299, -1, -1)))  # control: another order


def net(sums, *, rule=None, via=snn.Sparse(), delay=None, seed=0, flipped=False):
    """Regular cells, each at a rate of its own, whose arrivals are summed up where they do nothing; `flipped`: edges
    are given in another order."""
    rng = np.random.default_rng(seed)
    pre, post = np.nonzero(rng.random((N, N)) < 0.3)
    weight = np.abs(awkward(rng, len(pre)))
    order = np.random.default_rng(9).permutation(len(pre)) if flipped else np.arange(len(pre))
    delay = rng.integers(1, 4, len(pre)) * 1.0 if delay is None else np.full(len(pre), delay)
    link = snn.Connection(
        "A", "B.in", snn.FromArrays(pre[order], post[order]), weight=weight[order], rule=rule, via=via,
        delay=delay[order] if isinstance(via, snn.Sparse) else delay[0],
    )  # fmt: skip
    cell = snn.LIF(tau=10.0, v_th=1e30)
    populations = {"A": snn.SpikeSource(N), "B": snn.Population(cell, N, ports={"in": snn.Delta()})}
    return snn.network(
        dt=1.0, key=jax.random.key(0), order=snn.NestOrder(sums=sums), populations=populations, projections={"l": link}
    )


STDP = snn.chain(snn.PairSTDP(0.01, 0.012), snn.Bound(0.0, 1e6))
NETWORKS = {
    "a list": dict(),
    "synapses that learn": dict(rule=STDP, delay=2.0),
    "a matrix": dict(via=snn.Dense()),
}


def program(made):
    """A batch of runs, in one program."""
    drive = snn.Poisson(200.0, into="A")

    def run(key):
        return snn.simulate(made, drive, steps=STEPS, key=key, record=snn.Trace("B.v"), throw=False).record

    return jax.vmap(run)


KEYS = jax.random.split(jax.random.key(1), 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_accelerators_sum_as_a_cpu_does(name, monkeypatch):
    """Bit for bit, also with edges given in another order."""
    given = NETWORKS[name]
    on_cpu = np.asarray(jax.jit(program(net(ANY, **given)))(KEYS))
    np.testing.assert_array_equal(np.asarray(jax.jit(program(net(IN_ORDER, **given)))(KEYS)), on_cpu)
    if name == "a matrix":  # whose rows are added up by a kernel in the order of neurons, which is not here
        return
    as_accelerators(monkeypatch)
    for flipped in (False, True):
        found = np.asarray(jax.jit(program(net(IN_ORDER, **given, flipped=flipped)))(KEYS))
        np.testing.assert_array_equal(found, on_cpu)
    assert np.ptp(on_cpu) > 0


def disordered(made, platform):
    """What adds floats in an open order: kernels that add to a ring, and scatters to places that may be equal."""
    text = jax.jit(program(made)).trace(KEYS).lower(lowering_platforms=(platform,)).as_text()
    scatters = re.findall(
        r'"stablehlo\.scatter"\(.*?unique_indices = (true|false).*?: \(tensor<(?:\d+x)*(\w+)>', text, re.S
    )
    assert scatters and text.count('"stablehlo.scatter"') == len(scatters)
    atomic = sum("__gpu$xla.gpu.triton" in line and "atomic_rmw" in line for line in text.splitlines())
    return atomic + sum(unique == "false" and kind.startswith("f") for unique, kind in scatters)


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize("name", ["a list", "synapses that learn"])
def test_nothing_is_added_at_the_same_time(name, platform, monkeypatch):
    """In the programs for a GPU and a TPU; control: of their own choice they do."""
    monkeypatch.setattr(in_rounds, "_FEW", 0)
    assert disordered(net(IN_ORDER, **NETWORKS[name]), platform) == 0
    assert disordered(net(ANY, **NETWORKS[name]), platform) == 1


def test_matrices_that_meet():
    """Two matrices of a sender into one port, which the kernel of a GPU adds at the same time: then one by one."""
    rng = np.random.default_rng(2)
    to = dense.Slots(Ring(4, 70, ordered=True), (50, 50), (0, 20))
    assert not to.apart and dense.Slots(to.ring, (50, 20), (0, 50)).apart
    buffer, matrix = awkward(rng, (2, to.ring.size)), awkward(rng, (2, N, 100))
    spikes = (rng.random((2, N)) < 0.2).astype(np.float32)
    blocks = [jnp.asarray(x) for x in ([1], [1.0], [1], [0.5])]
    given = (*map(jnp.asarray, (buffer, spikes, matrix)), jnp.asarray([2]), *blocks)
    way = jax.jit(lambda *x: dense._into_slots_on_gpu(*x, size=2, to=to)[0])
    text = way.trace(*given).lower(lowering_platforms=("cuda",)).as_text()
    assert "sum_rows" in text and "atomic_rmw" not in text
    free = jax.jit(lambda *x: dense._into_slots_on_gpu(*x, size=2, to=to._replace(ring=Ring(4, 70)))[0])
    assert "atomic_rmw" in free.trace(*given).lower(lowering_platforms=("cuda",)).as_text()  # control


def test_what_has_no_order_is_refused():
    made = net(IN_ORDER)
    assert "NestOrder(sums=Deterministic())" in str(made) and "NestOrder()" in str(net(ANY))
    weighed = lambda w: eqx.tree_at(lambda net: net["l"].weight, made, made["l"].weight * w)
    with refused("sums=Deterministic()", "no derivative keeps"):
        jax.grad(lambda w: jnp.sum(program(weighed(w))(KEYS)))(1.0)
    with refused("Projection 'l' has Normalise", "leave out one"):
        net(IN_ORDER, rule=snn.chain(snn.PairSTDP(0.01, 0.012), snn.Normalise(2.0, 10.0)), delay=1.0)
    with refused("NestOrder.sums is 'any'", "expected AnyOrder"):
        snn.NestOrder(sums="any")
