"""A run that ends when it has settled: the same numbers up to there, alone, batched and swept."""

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.simulation import simulate_until
from tests.refused import refused

KEY = jax.random.key(1)
RECORD = {"count": snn.Count("E"), "v": snn.Last("E.v")}
DRIVE = snn.Poisson(7000.0, 1.5, into="E", most=1.0)


def network(tau, key):
    cell = snn.Population(snn.LIF(tau=tau, v_th=10.0, t_ref=1.0, noise=1.0), 20)
    link = snn.Connection("E", "E", snn.FixedInDegree(5), weight=0.5, delay=0.5)
    return snn.network(dt=0.1, key=key, populations={"E": cell}, projections={"EE": link})


def fewer(now, before):
    return now["count"].sum() <= before["count"].sum()


def until(tau, key, settled=fewer):
    return simulate_until(settled, network(tau, key), DRIVE, t=60.0, every=10.0, key=key, record=RECORD)


def test_the_same_numbers_up_to_there():
    for tau, settled, parts in ((10.0, fewer, None), (10.0, lambda now, before: jnp.array(False), 6)):
        found = until(jnp.float32(tau), KEY, settled)
        n = int(found.parts)
        assert n == parts if parts else 1 < n < 6 and bool(found.settled)
        whole = snn.simulate(network(tau, KEY), DRIVE, t=10.0 * n, key=KEY, record=RECORD)
        assert np.array_equal(found["count"].sum(0), whole["count"]) and not found["count"][n:].any()
        assert np.array_equal(found.last["v"], whole["v"]) and int(found.state.t) == 100 * n


def test_in_a_sweep_and_in_a_batch():
    """Each point ends by itself; in a batch it stands still until all have settled, and keeps its numbers."""

    def experiment(point, key):
        found = until(point["tau"], key)
        return {"parts": found.parts, "settled": found.settled, "count": found["count"].sum(1)}

    space = {"tau": snn.Axis(10.0, lo=5.0, hi=15.0, n=4)}
    ds = snn.sweep(experiment, snn.product(space), key=KEY, progress=snn.progress.Quiet())
    assert ds.settled.all() and len({*ds.parts.values.tolist()}) > 1 and not ds.status.any()
    key = jax.random.fold_in(KEY, 0)
    batch = jax.jit(jax.vmap(lambda tau: experiment({"tau": tau}, key)))(jnp.asarray(ds.tau.values, jnp.float32))
    assert all(np.array_equal(batch[name], ds[name]) for name in ("parts", "settled", "count"))


def test_refusals():
    with refused("t=60.0 and every=25.0", "divide"):
        simulate_until(fewer, network(10.0, KEY), DRIVE, t=60.0, every=25.0, key=KEY, record=RECORD)
    with refused("settled = 3", "a function"):
        simulate_until(3, network(10.0, KEY), DRIVE, t=60.0, every=10.0, key=KEY, record=RECORD)
