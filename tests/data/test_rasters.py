"""Events as rasters and frames, and the filters before: equal to Tonic's transforms of the same file; and a recording
that is run from file to spikes, whole and piece by piece."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.data import CountBins, EventArray, TimeBins, stream_rasters, to_frames, to_raster
from jaxsnn.data.filters import filtered

FOLDER = Path(__file__).parents[1] / "golden" / "events"
TONIC = dict(np.load(FOLDER / "tonic.npz"))
SIZE = (34, 34, 2)


def theirs(name, size=SIZE):
    return EventArray.of({field: TONIC[f"{name}_{field}"] for field in "txyp"}, size)


def equal(a, b):
    return a.sensor_size == b.sensor_size and all(np.array_equal(getattr(a, f), getattr(b, f)) for f in "txyp")


LATE = theirs("late")
ORDERED = LATE.in_order()


@pytest.mark.parametrize(
    ("one", "want"),
    [
        (snn.data.Denoise(3.0), theirs("denoise")),
        (snn.data.Denoise(20.0), theirs("denoise_long")),
        (snn.data.Downsample(2), theirs("down", (17, 17, 2))),
        (snn.data.MergePolarities(), theirs("merged", (34, 34, 1))),
    ],
    ids=["denoise", "denoise_long", "downsample", "merged"],
)
def test_filters_are_tonics(one, want):
    assert equal(one(LATE), want)
    for cut in (1, 50, 599):
        parts = [*filtered([LATE[:cut], LATE[cut:]], [one])]
        assert equal(snn.data.arrays.joined(parts, want.sensor_size), want)
    assert not equal(snn.data.Denoise(4.0)(LATE), theirs("denoise"))  # negative control


def test_a_part_of_the_sensor_and_of_the_time():
    found = snn.data.Crop(x=(4, 20), y=(10, 34), t=(60.0, 90.0))(LATE)
    keep = (LATE.x >= 4) & (LATE.x < 20) & (LATE.y >= 10) & (LATE.t >= 60_000) & (LATE.t < 90_000)
    assert found.sensor_size == (16, 24, 2) and 0 < len(found) == keep.sum()
    assert np.array_equal(found.x, LATE.x[keep] - 4) and np.array_equal(found.t, LATE.t[keep])
    on, off = (snn.data.OnlyPolarity(p)(LATE) for p in (1, 0))
    assert len(on) == LATE.p.sum() and len(on) + len(off) == len(LATE) and on.n == 34 * 34
    with pytest.raises(ValueError, match="reaches beyond the sensor of 34 x 34"):
        snn.data.Crop(x=(0, 35))(LATE)


def test_frames_are_tonics():
    assert np.array_equal(to_frames(ORDERED, 5.0), TONIC["time"])
    assert np.array_equal(to_frames(ORDERED, CountBins(100)), TONIC["number"])
    assert not np.array_equal(to_frames(ORDERED, TimeBins(5.0, start=49.0)), TONIC["time"])  # negative control


@pytest.mark.parametrize("bins", [5.0, TimeBins(0.5, start=0.0), CountBins(7)], ids=str)
def test_a_raster_says_where_frames_are_not_zero(bins):
    frames = to_frames(ORDERED, bins)
    raster = to_raster(ORDERED, bins)
    assert np.array_equal(np.asarray(raster), frames.reshape(len(frames), -1) != 0) and raster.n == 2312
    parts = [ORDERED[:100], ORDERED[100:101], ORDERED[101:]]
    assert np.array_equal(to_raster(parts, bins).words, raster.words)
    assert np.array_equal(to_frames(parts, bins), frames)
    blocks = [*stream_rasters(parts, bins, block=4)]
    assert [x.first for x in blocks] == [*range(0, len(frames), 4)]
    joined = np.concatenate([np.asarray(x) for x in blocks])
    assert np.array_equal(joined[: len(frames)], np.asarray(raster)) and not joined[len(frames) :].any()
    for steps in (3, len(frames) + 5):
        some = to_raster(parts, bins, steps=steps)
        assert some.shape == (steps, 2312) and np.array_equal(some.words[:3], raster.words[:3])


def test_refused():
    with pytest.raises(ValueError, match=r"bin 0 after bin 15 was closed: times go back"):
        [*stream_rasters([ORDERED, ORDERED[:5]], 5.0, block=4)]
    with pytest.raises(ValueError, match=r"TimeBins.width is 0.0005 ms, expected a whole number of microseconds"):
        to_raster(ORDERED, 0.0005)
    with pytest.raises(ValueError, match=r"Got an event with x = 33, expected 0 .. 9 on a sensor"):
        EventArray(LATE.t, LATE.x, LATE.y, LATE.p, (10, 34, 2))
    with pytest.raises(ValueError, match="Got t of type float64, expected whole numbers"):
        EventArray([0.5], [0], [0], [0], SIZE)


# --- from a file to spikes --------------------------------------------------------------------------------------------


def retina(n, out=3):
    """A layer behind the sensor."""
    return snn.network(
        dt=1.0,
        key=jax.random.key(1),
        populations={"in": snn.SpikeSource(n), "out": snn.Population(snn.LIF(tau=20.0, v_th=1.0), out)},
        projections={
            "in-out": snn.Connection(
                "in", "out", topology=snn.AllToAll(), via=snn.Dense(), weight=snn.Normal(0.1, 0.1), delay=None
            )
        },
    )


def test_a_file_drives_a_network_whole_and_in_pieces():
    """Bits and numbers give the same run, and so do a file in blocks and the file as a whole."""
    path, small = FOLDER / "nmnist.bin", [snn.data.Downsample(4)]
    raster = to_raster(snn.data.read_events(path, filters=small), TimeBins(1.0, start=0.0))
    net, quiet = retina(raster.n), {"progress": snn.progress.Quiet(), "key": 0}
    record = {"out": snn.Raster("out"), "in": snn.Raster("in")}
    run = snn.simulate(net, snn.Replay(raster, into="in"), steps=100, record=record, **quiet)
    dense = snn.simulate(
        net, snn.Replay(np.asarray(raster).astype(np.float32), into="in"), steps=100, record=record, **quiet
    )
    for name in record:
        assert np.array_equal(run[name].words, dense[name].words)
    assert np.array_equal(np.asarray(run["in"])[: raster.shape[0]], np.asarray(raster)) and len(run["out"].times()) > 20
    events = snn.data.stream_events(path, chunk=500, filters=small)
    parts, part = [], None
    for block in stream_rasters(events, TimeBins(1.0, start=0.0), block=20):
        part = snn.simulate(net, snn.Replay(block, into="in"), steps=20, state=part, record=record, **quiet)
        parts.append(np.asarray(part["out"]))
    assert len(parts) == 5 and np.array_equal(np.concatenate(parts), np.asarray(run["out"]))
    again = snn.simulate(net, snn.Replay(run["in"], into="in"), steps=100, record=record, **quiet)  # a run's own record
    assert np.array_equal(again["out"].words, run["out"].words)
    c = snn.simulate(net, snn.Replay(raster, into="in"), steps=100, record=record, compiler=snn.compilers.C(), **quiet)
    assert np.array_equal(c["out"].words, run["out"].words)


def test_a_batch_of_bits_trains_as_one_of_numbers():
    small = snn.data.Downsample(12)(ORDERED)
    batch = snn.data.stack_rasters([to_raster(small[i * 70 : (i + 1) * 70], CountBins(10), steps=7) for i in range(6)])
    assert batch.shape == (6, 7, 18)
    net, loss, labels = retina(18), snn.CrossEntropy(snn.Mean("out.v")), jnp.arange(6) % 3
    est = snn.BPTT(wrt="*.weight")
    (value, of_bits), (other, of_numbers) = (
        est.value_and_grad(loss, net, snn.Replay(x, into="in"), labels, key=jax.random.key(2))
        for x in (batch, np.asarray(batch).astype(np.float32))
    )
    assert value == other and eqx.tree_equal(of_bits, of_numbers) and np.any(of_bits["in-out"].weight != 0)
