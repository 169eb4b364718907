"""A point is the same bit for bit whatever runs beside it: batch, order, seeds, design, devices."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.sweeps.split import POINT, SEED, split
from tests.compiles import counts
from tests.sweeps.test_sweep import KEY as NETWORK_KEY
from tests.sweeps.test_sweep import SPACE as NETWORKS
from tests.sweeps.test_sweep import experiment as network

KEY = jax.random.key(7)
SPACE = {"a": snn.Axis(1.0, lo=0.3, hi=5.0, n=64), "k": snn.Whole(2), "on": snn.Flag(True), "seed": snn.Seeds(1)}


def experiment(point, key):
    """Reductions, products and transforms of long arrays, which compilers like to arrange by the size of a batch."""
    t = jnp.sin(jnp.arange(1000.0) * point["a"])
    u = jax.random.normal(key, (17, 23)) * jnp.where(point["on"], point["a"], 1.0)
    return {
        "mean": jnp.mean(t),
        "std": jnp.std(t) + point["k"].astype(t.dtype),
        "dot": u @ jnp.exp(-jnp.arange(23.0) / point["a"]),
        "product": u @ u.T,
        "spectrum": jnp.abs(jnp.fft.rfft(t)),
        "sum": jax.nn.logsumexp(t),
        "variance": jnp.var(u, axis=0),
    }


def sweep(grid, **how):
    return snn.sweep(experiment, grid, key=KEY, progress=snn.progress.Quiet(), **how)


def same(one, other):
    return all(np.asarray(one[name]).tobytes() == np.asarray(other[name]).tobytes() for name in one.data_vars)


def test_a_point_does_not_depend_on_what_runs_beside_it():
    whole = sweep(snn.product(SPACE))
    before = counts["programs"]
    values = whole.a.values
    for i in (0, 31, 63):  # alone
        assert same(sweep(snn.product(SPACE | {"a": SPACE["a"].at(values[i])})), whole.isel(a=i))
    backwards = sweep(snn.product(SPACE | {"a": SPACE["a"].over(values[::-1])}), threads=1)
    assert same(backwards.isel(a=slice(None, None, -1)), whole)
    seeds = snn.Seeds(values=[5, 0, 3])
    mixed = sweep(snn.product({"seed": seeds, "a": SPACE["a"].over(values[:9]), "k": SPACE["k"], "on": SPACE["on"]}))
    assert same(mixed.sel(seed=0), whole.isel(a=slice(9))) and not same(mixed.sel(seed=5), whole.isel(a=slice(9)))
    table = snn.sweeps.from_table(SPACE, {"a": [values[7], values[3], values[7]], "seed": [0, 5, 0]})
    found = sweep(table)
    assert same(found.isel(point=0), whole.isel(a=7)) and same(found.isel(point=1), mixed.sel(seed=5).isel(a=3))
    assert same(found.isel(point=2), found.isel(point=0))  # listed twice, run once
    assert counts["programs"] == before  # one program for all of this


@pytest.mark.parametrize("batch", [1, 2, 5, 64])
def test_nor_on_how_large_a_program_is(batch):
    assert same(sweep(snn.product(SPACE), batch=batch), sweep(snn.product(SPACE)))


def test_what_depends_on_the_seed_alone_is_apart():
    """Also inside functions under `jit` that mix both; zeros to start from are made where they are needed."""
    mixed = jax.jit(lambda a, graph: (graph * 2.0, a + 1.0))

    def program(a, seed):
        graph = jnp.cumsum(jax.random.normal(jax.random.key(seed), (5,)))
        doubled, more = mixed(a, graph)
        return more * jnp.sort(doubled), jnp.zeros(3), seed

    closed = jax.make_jaxpr(program)(1.0, 0)
    seed, point = split(closed, [POINT, SEED])
    text = lambda jaxpr: str(jaxpr.jaxpr)
    assert "sort" in text(seed) and "cumsum" in text(seed) and len(seed.jaxpr.outvars) == 1
    assert "sort" not in text(point) and "cumsum" not in text(point) and "broadcast_in_dim" in text(point)
    shared = jax.extend.core.jaxpr_as_fun(seed)(3)
    found = jax.extend.core.jaxpr_as_fun(point)(*shared, 2.0, 3)
    for one, other in zip(found, program(2.0, 3), strict=True):
        assert np.allclose(one, other)


DEVICES = """
import hashlib, jax, jax.numpy as jnp, numpy as np, jaxsnn as snn
from tests.sweeps.test_same import experiment, SPACE, KEY
from tests.sweeps.test_sweep import experiment as network, SPACE as NETWORKS, KEY as NETWORK_KEY
assert len(jax.devices()) == 4
found = []
for devices in (1, 2, 4):
    ds = snn.sweep(network, snn.product(NETWORKS), key=NETWORK_KEY, devices=jax.devices()[:devices])
    found.append(hashlib.sha256(b"".join(np.asarray(x).tobytes() for x in ds.data_vars.values())).hexdigest())
assert len({*found}) == 1, found
print(hashlib.sha256(ds["count"].values.tobytes()).hexdigest())
from jaxsnn.sweeps.compiled import lower
from jaxsnn.sweeps.sweeping import prepare
plan = prepare(experiment, snn.product(SPACE), KEY)
assert len(plan.resources.devices) == 4
text = lower(plan.jobs[0].traced, plan.resources.layout(plan.jobs[0], None), plan.key).compile().as_text()
collectives = ("all-reduce(", "all-gather(", "collective-permute(", "all-to-all(")
print([name for name in collectives if name in text])
"""


def test_several_devices_give_the_same_numbers_and_exchange_nothing():
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    environment = os.environ | {"XLA_FLAGS": flags, "PYTHONPATH": str(Path(__file__).parents[2])}
    environment |= {"JAX_COMPILATION_CACHE_DIR": str(jax.config.jax_compilation_cache_dir)}
    environment |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    done = subprocess.run([sys.executable, "-c", DEVICES], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    here = snn.sweep(network, snn.product(NETWORKS), key=NETWORK_KEY, progress=snn.progress.Quiet())
    one, collectives = done.stdout.splitlines()
    assert one == hashlib.sha256(here["count"].values.tobytes()).hexdigest() and collectives == "[]"
