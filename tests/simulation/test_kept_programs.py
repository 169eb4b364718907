"""What is compiled: a network and a first run little, and what has their structure nothing, or what makes records.

Counted by JAX's own events, in a process with a cache of its own, so that no other test has compiled anything before.
"""

import json
import os
import subprocess
import sys

import jax
import pytest

SCRIPT = """
import json, jax
events = []
jax.monitoring.register_event_duration_secs_listener(
    lambda name, *_, **__: events.append(name) if name == "/jax/core/compile/backend_compile_duration" else None
)
import jax.numpy as jnp, jax.random as jr, jaxsnn as snn


def model(seed, topology, n=60, dense=False, delay=1.5, **more):
    link = lambda pre, post, w: snn.Connection(
        pre, post, topology, weight=w, delay=delay, via=snn.Dense() if dense else snn.Sparse(), **more
    )
    cell = lambda n: snn.Population(snn.LIF(bias=25.0), n, init={"v": snn.Uniform(0.0, 15.0)})
    links = {"EE": link("E", "E", snn.Uniform(0.0, 0.2)), "EI": link("E", "I", 0.1)}
    return snn.network(dt=0.1, key=jr.key(seed), populations={"E": cell(n), "I": cell(20)}, projections=links)


def run(net, steps=200, seed=1, drive=20000.0, record=None, state=None):
    record = {"s": snn.Raster("E"), "n": snn.Count("I")} if record is None else record
    drive = snn.Poisson(rate=drive, weight=0.1, into="E")
    return snn.simulate(net, drive, steps=steps, key=jr.key(seed), record=record, state=state,
    progress=snn.progress.Quiet())


found, last = {}, 0


def count(name, f):
    global last
    last = len(events)
    out = f()
    jax.block_until_ready(jax.tree.leaves(out))
    found[name] = len(events) - last
    return out


for kind, topology in (("in-degree", snn.FixedInDegree(9)), ("prob", snn.FixedProb(0.15))):
    net = count(f"{kind}: network", lambda: model(0, topology))
    first = count(f"{kind}: run", lambda: run(net))
    same = count(f"{kind}: another seed", lambda: run(model(7, topology), seed=3))
    count(f"{kind}: more seeds", lambda: [model(seed, topology) for seed in range(20, 24)])
count("another rate", lambda: run(net, drive=10000.0))
count("continued", lambda: run(net, state=first.state))
count("another t", lambda: run(net, steps=350))
count("a long t", lambda: run(net, steps=4000))
counts, seen = {"n": snn.Count("I")}, {"n": snn.Snapshots("E.v", every=1.0)}
run(net, record=counts), run(net, record=seen)
count("another t, nothing stacked", lambda: run(net, steps=360, record=counts))
count("another t, snapshots", lambda: run(net, steps=370, record=seen))
count("another probe", lambda: run(net, record={"s": snn.Raster("E"), "v": snn.Trace("I.v")}))
some = lambda a, b, c: {"s": snn.Raster(f"E[{a}:{a + 17}]"), "v": snn.Trace(f"I[{b}:{b + 6}:2].v"), "n": snn.Count(c)}
chosen = count("some neurons", lambda: run(net, record=some(3, 2, "E[4,1,9]")))
count("other neurons", lambda: run(net, record=some(20, 5, "E[0,1,30]")))
count("another size", lambda: run(model(0, snn.FixedProb(0.15), n=61)))
topology = snn.FixedProb(0.15)
normal = snn.Normal(1.5, 0.2, lo=0.1, hi=3.0)
options = {"dense": {"dense": True}, "plastic": {"rule": snn.PairSTDP(0.01, 0.01), "delay": normal}}
for name, more in options.items():
    structure = jax.tree.structure(model(0, topology, **more))
    shapes = lambda seed: [x.shape for x in jax.tree.leaves(model(seed, topology, **more))]
    for seed in range(1, 8):
        same = jax.tree.structure(model(seed, topology, **more)) == structure and shapes(seed) == shapes(0)
        assert same, (name, seed)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def compiled():
    # the cache on disk of this session makes it quick, and hides nothing: what is looked up there is counted, too
    cache = {"JAX_COMPILATION_CACHE_DIR": jax.config.jax_compilation_cache_dir or ""}
    cache |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=os.environ | cache)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_network_and_its_first_run(compiled):
    assert compiled["in-degree: network"] + compiled["in-degree: run"] <= 15


def test_the_same_structure_compiles_nothing(compiled):
    kept = ("another seed", "more seeds", "another rate")
    assert {name: n for name, n in compiled.items() if name.endswith(kept) and n} == {}
    assert compiled["continued"] <= 1  # what hands the state on


def test_another_length_compiles_what_makes_records(compiled):
    assert compiled["another t"] <= 1 and compiled["a long t"] <= 2
    assert compiled["another t, nothing stacked"] == 0 < compiled["another t, snapshots"]
    assert compiled["another probe"] <= 3
    assert compiled["other neurons"] <= 1 < compiled["some neurons"]


def test_the_count_sees_what_is_compiled(compiled):
    """Negative control: another number of neurons is another structure."""
    assert compiled["another size"] >= 2 and compiled["prob: run"] >= 2
