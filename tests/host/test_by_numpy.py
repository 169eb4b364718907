"""`by_numpy` is `filter_jit`, whoever computes: arguments, results, memory, and when it compiles."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn._host import by_numpy, call
from tests.compiles import counts


@pytest.fixture
def compiled():
    """How many programs have been compiled since the test began."""
    before = counts["programs"]
    return lambda: counts["programs"] - before


def test_nothing_is_compiled(compiled):
    doubled = by_numpy(lambda x, name: {name: x + x, "also": "text", "n": 3})
    found = doubled(jax.device_put(np.float32([1, 2])), "twice")
    assert found["also"] == "text" and found["n"] == 3 and np.array_equal(found["twice"], [2, 4])
    assert isinstance(found["twice"], jax.Array) and compiled() == 0


def test_what_xla_rounds_otherwise_is_compiled(compiled):
    assert by_numpy(lambda x: x * x + x)(jax.device_put(np.float32(3))) == 12 and compiled() > 0


def test_static_arguments_that_are_equal_but_differ():
    """1, 1.0 and True are equal and hash alike."""
    named = by_numpy(lambda x, of: (x, type(of).__name__))
    assert [named(np.float32(0), of)[1] for of in (1, 1.0, True)] == ["int", "float", "bool"]


def test_arguments_without_a_hash_and_numpy():
    assert by_numpy(lambda x, some: x + some)(np.int32([1, 2]), np.int32([3, 4])).tolist() == [4, 6]
    assert by_numpy(lambda x, some: x + some[0])(np.int32([1, 2]), [np.int32(5)]).tolist() == [6, 7]


def test_within_a_program():
    doubled = by_numpy(lambda x: x + x)
    assert jax.jit(doubled)(jnp.float32(2)) == 4 and jax.grad(lambda x: doubled(x) * 3.0)(2.0) == 6


def test_another_shape_or_type_is_another_program():
    first = by_numpy(lambda x: x[:1])
    assert first(np.float32([1, 2, 3])).dtype == np.float32 and first(np.int32([[4, 5]])).shape == (1, 2)


def test_results_are_memory_of_their_own():
    """A result may be donated: then it must not be an argument's memory, nor another result's."""
    x = jax.device_put(np.arange(4096, dtype=np.float32))
    same, again, part = by_numpy(lambda x: (x, x, x[:2048]))(x)
    places = {y.unsafe_buffer_pointer() for y in (x, same, again, part)}
    assert len(places) == 4
    jax.jit(lambda y: y.at[0].set(9.0), donate_argnums=0)(same)
    assert x[0] == 0 and again[0] == 0 and part[0] == 0


@pytest.mark.parametrize(("in_all", "of_each"), [(5, 0), (0, 2.5)])  # a long program takes longer to compile
def test_a_program_that_is_used_often_is_compiled(in_all, of_each, compiled, monkeypatch):
    monkeypatch.setattr(call, "_PATIENCE", in_all)
    monkeypatch.setattr(call, "_OF_EACH", of_each)
    total = by_numpy(lambda x: (x + x) | 1)  # two operations
    found = [total(np.int32([1, 2])).tolist() for _ in range(3)]
    assert compiled() == 0
    found.append(total(np.int32([1, 2])).tolist())
    assert compiled() == 1 and found == [[3, 5]] * 4


def test_arrays_that_are_bound_to_a_device_stay_there(compiled):
    x = jax.device_put(np.float32([1.0]), jax.devices()[0])
    assert by_numpy(lambda x: x + x)(x).committed and compiled() > 0
    assert not by_numpy(lambda x: x + x)(jax.device_put(np.float32([1.0]))).committed


@pytest.mark.parametrize("dtype", ["float32", "float64"], indirect=True)
def test_a_run_has_the_bits_of_a_compiled_one(dtype, monkeypatch):
    """All programs of a run beside its loop; and the control, that NumPy did run them."""

    def run(key):
        cell = snn.Population(
            snn.LIF(t_ref=2.0), 20, ports={"in": snn.Exponential()}, init={"v": snn.Uniform(-70.0, -50.0)}
        )
        links = snn.Connection("E", "E", snn.FixedInDegree(3), weight=0.5, delay=snn.Uniform(0.5, 3.0))
        net = snn.network(dt=0.1, key=key, populations={"E": cell}, projections={"EE": links})
        drive = snn.Poisson(rate=3_000.0, weight=0.5, into="E")
        record = {
            "raster": snn.Raster("E"),
            "isi": snn.ISI("E"),
            "v": snn.Trace("E[:2].v", every=1.0),
            "n": snn.Count("E"),
        }
        return snn.simulate(net, drive, t=20.0, key=key, record=record)

    here, seen = call._here, []
    monkeypatch.setattr(call, "_here", lambda arrays: seen.append(here(arrays)) or seen[-1])
    ours = run(jax.random.key(3))
    assert all(seen) and len(seen) >= 3
    monkeypatch.setattr(call, "_here", lambda arrays: False)
    compiled = run(jax.random.key(3))
    ours, compiled = (jax.tree.leaves(eqx.filter(x, eqx.is_array)) for x in (ours, compiled))
    for a, b in zip(ours, compiled, strict=True):
        assert a.dtype == b.dtype and np.asarray(a).tobytes() == np.asarray(b).tobytes()
