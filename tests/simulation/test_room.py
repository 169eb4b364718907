"""Room for records: known before a run, taken once, and refused where there is none."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.simulation import room
from tests.refused import refused

NET = snn.network(dt=0.1, key=0, populations={"E": snn.Population(snn.LIF(bias=30.0), 100_000)})
TOO_LONG = 2_000_000_000


@pytest.mark.parametrize(
    "probe",
    [snn.Raster("E"), snn.Trace("E.v", every=1.0), snn.Snapshots("E.v", every=10.0)],
    ids=lambda probe: type(probe).__name__,
)
def test_records_larger_than_the_memory_are_refused_before_anything_runs(probe):
    record = {"a": probe}
    with refused("The records of this run would take", "GB, more than the device has", "index=", "every="):
        snn.simulate(NET, steps=TOO_LONG, key=0, record=record)
    traced = lambda tau: snn.simulate(snn.set(NET, "E.neuron.tau", tau), steps=TOO_LONG, key=0, record=record)
    with refused("The records of this run would take"):
        jax.eval_shape(traced, jnp.float32(20.0))


def test_sizes_are_exact():
    rows = room.Room(chunk=10, all=TOO_LONG, row=(100_000,), dtype=np.dtype(np.float32))
    assert rows.bytes == 800_000_000_000_000  # no 32-bit product: 2e9 * 1e5 * 4


def test_pieces_are_put_into_one_room_in_its_own_memory():
    """In calls of several chunks and a remainder, as in one program; the room is handed on, not copied."""
    small = snn.network(dt=0.1, key=0, populations={"E": snn.Population(snn.LIF(bias=30.0), 40)})
    record = [snn.Raster("E"), snn.Raster("E"), snn.FirstSpike("E"), snn.Trace("E.v", every=0.3),
              snn.PopulationRate("E", 0.7), snn.Snapshots("E.v", every=0.5)]  # fmt: skip
    run = lambda steps, chunk: snn.simulate(
        small, steps=steps, key=0, record=record, chunk=chunk, progress=snn.progress.Quiet()
    )
    whole, pieces = run(1301, 1301), run(1301, 21)
    jax.tree.map(np.testing.assert_array_equal, pieces.record, whole.record)
    assert pieces[3].shape == (433, 40)
    text = room._put.lower([jnp.zeros((8, 2))], [jnp.ones((2, 2))], [np.int32(4)]).as_text()
    assert re.search(r"tf\.aliasing_output|jax\.buffer_donor", text)
    plain = jax.jit(room._put.__wrapped__).lower([jnp.zeros((8, 2))], [jnp.ones((2, 2))], [np.int32(4)]).as_text()
    assert not re.search(r"tf\.aliasing_output|jax\.buffer_donor", plain)  # negative control
