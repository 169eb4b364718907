"""A batch spread over two devices: each runs its own part, on CPUs to the bit; or one sentence says what to use."""

import os
import subprocess
import sys
from pathlib import Path

import jax

SCRIPT = """
import jax, jax.numpy as jnp, numpy as np
import jaxsnn as snn
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

cell = snn.Population(snn.LIF(v_th=10.0), 3)
drive = snn.Poisson(8000.0, 2.0, into="E", most=1.0)

def counts(v_th, key):
    net = snn.set(snn.network(dt=0.1, key=0, populations={"E": cell}), "E.neuron.v_th", v_th)
    return snn.simulate(net, drive, steps=100, key=key, record=snn.Count("E")).record

batch = jax.vmap(counts)
given = jnp.linspace(6.0, 12.0, 4), jax.random.split(jax.random.key(1), 4)
expected = np.asarray(jax.jit(batch)(*given))
assert expected.sum() > 20 and len(np.unique(expected)) > 2
auto, explicit = (jax.make_mesh((2,), ("i",), axis_types=(kind,)) for kind in (AxisType.Auto, AxisType.Explicit))
spread = lambda mesh: tuple(jax.device_put(x, NamedSharding(mesh, P("i"))) for x in given)

program = jax.jit(batch).lower(*spread(auto)).compile()
out = program(*spread(auto))
assert np.array_equal(out, expected) and out.sharding.spec == P("i"), out.sharding
assert not any(x in program.as_text() for x in ("all-gather", "all-reduce", "collective-permute"))
text = lambda given, on: jax.jit(batch).trace(*given).lower(lowering_platforms=(on,)).as_text()
for on in ("cuda", "tpu"):  # so are accelerators, whose batches are one program each
    assert "manual_computation" in text(spread(auto), on) and "manual_computation" not in text(given, on)
odd = jax.jit(batch)(*(x[:3] for x in spread(auto)))  # two devices do not divide three
assert np.array_equal(odd, expected[:3])

mapped = lambda check: jax.shard_map(batch, mesh=auto, in_specs=P("i"), out_specs=P("i"), check_vma=check)
assert np.array_equal(jax.jit(mapped(False))(*spread(auto)), expected)
for refused in (lambda: jax.jit(mapped(True))(*spread(auto)), lambda: jax.jit(batch)(*spread(explicit))):
    try:
        refused()
    except ValueError as error:
        assert "jax.shard_map(..., check_vma=False)" in str(error) and "\\n" not in str(error), error
    else:
        raise AssertionError("works by now: say so in the documentation")
"""


def test_a_batch_over_two_devices():
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[2])}
    if kept := jax.config.jax_compilation_cache_dir:
        environment |= {"JAX_COMPILATION_CACHE_DIR": kept, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
