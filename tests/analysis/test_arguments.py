"""What is no raster, no time, no number is one error that names the function and the argument."""

import matplotlib
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.analysis import (
    activation_sparsity,
    brunel_rate,
    fano,
    isi_cv,
    pairwise_correlation,
    plots,
    population_rate,
    siegert,
    spectrum_peak,
    synaptic_operations,
    unpack,
)
from tests.refused import refused

matplotlib.use("Agg")

FIRED = np.random.default_rng(0).random((100, 40)) < 0.1
RASTER = snn.probes.PackedRaster(
    np.packbits(np.pad(FIRED, ((0, 0), (0, 24))), axis=1, bitorder="little").view(np.uint32), 40, 0.5
)
NAN = np.where(np.eye(4) > 0, np.nan, 0.0)
VOLTS = np.random.default_rng(0).random((100, 40))  # what a Trace holds
NET = snn.network(
    dt=0.1,
    key=0,
    populations={"E": snn.Population(snn.LIF(), 2)},
    projections={"EE": snn.Connection("E", "E", snn.AllToAll(), delay=1.0)},
)
CELL = {"tau": 20.0, "t_ref": 2.0, "v_th": 20.0, "v_reset": 10.0}

WRONG = [
    ("population_rate: `bin`", lambda x: population_rate(FIRED, 0.5, x), [-1.0, 0.0, 0.7, np.nan, np.inf, True, "1"]),
    ("population_rate: `dt`", lambda x: population_rate(FIRED, x, 1.0), [-1.0, np.nan, True, "1"]),
    ("population_rate: dt is", lambda x: population_rate(RASTER, x, 1.0), [0.1]),
    ("population_rate: raster", lambda x: population_rate(x, 0.5, 1.0), [FIRED[0], "spikes", FIRED * 1j, FIRED[:0]]),
    ("population_rate: the raster", lambda x: population_rate(x, 0.5, 0.5), [NAN, -np.eye(4), FIRED - 0.5]),
    ("population_rate: the raster holds numbers that are not whole", lambda x: population_rate(x, 0.5, 0.5), [VOLTS]),
    ("raster: the raster holds numbers that are not whole", lambda x: plots.raster(x), [VOLTS]),
    ("population_rate: n is", lambda x: population_rate(FIRED, 0.5, 1.0, n=x), [41]),
    ("isi_cv: `min_intervals`", lambda x: isi_cv(FIRED, min_intervals=x), [0, -1, 1.5, True]),
    ("isi_cv: `n`", lambda x: isi_cv(RASTER.words, n=x), [0, True, 1.5]),
    ("fano: `window`", lambda x: fano(FIRED, x, dt=0.5), [0, -1, 0.7, np.nan, True]),
    ("fano: `window`", lambda x: fano(FIRED, x), [10]),
    ("pairwise_correlation: `window`", lambda x: pairwise_correlation(FIRED, x), [10]),
    ("spectrum_peak: `bin_ms`", lambda x: spectrum_peak(np.ones(100), x), [0.0, -1.0, np.nan]),
    ("spectrum_peak: `above`", lambda x: spectrum_peak(np.ones(100), 1.0, x), [-1.0, np.nan, True]),
    ("spectrum_peak: rate", lambda x: spectrum_peak(x, 1.0), [np.full(100, np.nan), FIRED]),
    ("unpack: n is", lambda x: unpack(RASTER, x), [41]),
    ("unpack: n is", lambda x: unpack(x), [np.zeros((3, 1), np.uint32)]),
    ("siegert: `mu`", lambda x: siegert(x, 1.0, **CELL), [np.nan, np.inf, "5", True]),
    ("brunel_rate: `", lambda x: brunel_rate(5.0, 2.0, **{x: 0.0}), ["c_e", "weight", "tau", "v_th"]),
    ("brunel_rate: `", lambda x: brunel_rate(*x), [(-1.0, 2.0), (5.0, np.nan)]),
    ("synaptic_operations: active", lambda x: synaptic_operations(np.ones(3), x), [np.ones((4, 2)), np.ones(3)]),
    ("activation_sparsity: ", lambda x: activation_sparsity(np.full(3, 5.0), x), [0, True, 1.5, 4]),
    ("raster: ", lambda x: plots.raster(FIRED, **x), [{"dt": 0.0}, {"t0": np.nan}]),
    ("trace: ", lambda x: plots.trace(FIRED, every=x), [0.0, -1.0, np.nan]),
    ("trace: ", lambda x: plots.trace(FIRED, **x), [{"times": np.ones(3)}, {"neurons": [1]}]),
    ("connectivity: got a network", plots.connectivity, [NET]),
    ("weight_histogram: got a network", plots.weight_histogram, [NET]),
    ("heatmap: ", lambda x: plots.heatmap(np.ones((2, 2)), x, [1, 2]), [[2, 1], [1, np.nan], [[1, 2]]]),
]  # fmt: skip
CASES = [(named, call, x) for named, call, values in WRONG for x in values]


@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{CASES[i][0]}{i}" for i in range(len(CASES))])
def test_nonsense_is_one_error(case):
    named, call, x = CASES[case]
    with refused(named, *([] if named.endswith(("n is", "dt is")) else ["expected"])):
        call(x)


def test_several_spikes_of_a_step_are_spikes():
    np.testing.assert_allclose(population_rate(3.0 * FIRED, 0.5, 5.0), 3.0 * population_rate(FIRED, 0.5, 5.0), 1e-12)


def test_a_plot_of_a_network_names_its_projections():
    with refused("one of its projections: net['EE']"):
        plots.connectivity(NET)
    plots.connectivity(NET["EE"])


def test_a_recorded_raster_says_all_itself():
    """Its `n` and its `dt`: the same numbers as from the spikes with both given."""
    assert np.array_equal(unpack(RASTER), FIRED) and np.array_equal(unpack(RASTER, 40), FIRED)
    for recorded, given in (
        (population_rate(RASTER, bin=5.0), population_rate(FIRED, 0.5, 5.0)),
        (fano(RASTER, 5.0), fano(FIRED, 5.0, dt=0.5)),
        (pairwise_correlation(RASTER, 5.0), pairwise_correlation(FIRED, 5.0, dt=0.5)),
        (isi_cv(RASTER), isi_cv(FIRED)),
    ):
        np.testing.assert_allclose(recorded, given, rtol=1e-12)


def test_pictures_of_records_are_at_their_times():
    """Also of some neurons, in a continued run, and of a list of spikes."""
    late = snn.probes.PackedRaster(RASTER.words, 40, 0.5, 200, tuple(range(100, 140)))
    x, y = plots.raster(late).lines[0].get_data()
    step, column = np.nonzero(FIRED)
    np.testing.assert_allclose(x, (201 + step) * 0.5)
    assert np.array_equal(y, 100 + column)
    events = snn.probes.Events(np.append(step, -1), np.append(column, -1), np.int32(len(step)), 40, 0.5)
    x, _ = plots.raster(events).lines[0].get_data()
    np.testing.assert_allclose(x, (1 + step) * 0.5)
    few, many = (plots.raster(np.ones((5, n), bool)).lines[0].get_markersize() for n in (3, 3000))
    assert few > 10.0 > many >= 2.5  # a mark is seen, however many rows there are
    ax = plots.trace(FIRED[:, :3] * 1.0, times=np.arange(100.0), neurons=[7, 8, 9])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["7", "8", "9"] and ax.get_ylabel()
