"""What plots draw: the data of their artists, and small pictures against frozen ones that were looked at.

`python -m tests.analysis.test_drawn` freezes the pictures again, in `tests/golden/plots`.
"""

import inspect
from pathlib import Path

import jax
import matplotlib
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn import analysis as an
from jaxsnn.analysis import plots
from tests.docs.test_documented import unnamed
from tests.refused import refused

matplotlib.use("Agg")

GOLDEN = Path(__file__).parents[1] / "golden" / "plots"
RNG = np.random.default_rng(0)
FIRED = RNG.random((200, 12)) < 0.05
TRAINS = an.spike_trains(FIRED, dt=0.5)
MATRIX = np.where(RNG.random((9, 9)) < 0.3, RNG.normal(size=(9, 9)), 0.0)
PLACES = RNG.random((9, 2))
COURSE = np.cumsum(RNG.normal(size=(50, 40)), axis=0)


class Report:
    """The fields of a report that are drawn."""

    data = {  # noqa: RUF012
        "target": "Chip",
        "chip": {
            "room of a core": {"cells": 100, "synapse_bits": 1000},
            "placement": [
                {"group": "a", "chip": 0, "core": 0, "cells": 50, "synapse_bits": 100},
                {"group": "b", "chip": 0, "core": 0, "cells": 25, "synapse_bits": 0},
                {"group": "b", "chip": 0, "core": 1, "cells": 10, "synapse_bits": 990},
            ],
        },
    }


DRAWINGS = {
    "raster": lambda ax: plots.raster({"E": FIRED[:, :8], "I": FIRED[:, 8:]}, dt=0.5, ax=ax),
    "trace": lambda ax: plots.trace(COURSE[:, 0], every=2.0, spikes=[[20.0, 61.0]], ax=ax),
    "isi_histogram": lambda ax: plots.isi_histogram(TRAINS, bins=10, ax=ax),
    "psth": lambda ax: plots.psth({"E": TRAINS, "I": TRAINS}, bin_size=10.0, ax=ax),
    "correlogram": lambda ax: plots.correlogram(TRAINS, window=20.0, bin_size=2.0, ax=ax),
    "spectrum": lambda ax: plots.spectrum(COURSE[:, 0], 2.0, len_segment=25, ax=ax),
    "pair_matrix": lambda ax: plots.pair_matrix(MATRIX, centred=True, ax=ax),
    "weight_matrix": lambda ax: plots.weight_matrix(MATRIX, ax=ax),
    "weight_histogram": lambda ax: plots.weight_histogram({"a": MATRIX, "b": 2.0 * MATRIX}, bins=9, ax=ax),
    "weight_trajectories": lambda ax: plots.weight_trajectories(np.arange(50.0), COURSE, ax=ax),
    "losses": lambda ax: plots.losses({"train": np.exp(-0.1 * np.arange(60)), "test": [1.0, 0.1, 0.02]}, ax=ax),
    "connectivity": lambda ax: plots.connectivity(MATRIX, ax=ax),
    "connection_graph": lambda ax: plots.connection_graph(MATRIX, positions=PLACES, ax=ax),
    "connection_distances": lambda ax: plots.connection_distances(MATRIX, PLACES, bins=5, ax=ax),
    "core_occupancy": lambda ax: plots.core_occupancy(Report, ax=ax),
    "heatmap": lambda ax: plots.heatmap(np.outer([1.0, 2.0], [1.0, 2.0, 3.0]), [1, 2, 3], [1, 2], ax=ax),
}


def drawn(draw):
    """A picture of 160 x 120 points in greys: without text, whose shape differs between versions of fonts, and without
    legends, whose place follows from it; see `test_legends_name_what_is_drawn`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.0, 3.0), dpi=40)
    ax = figure.add_axes((0.1, 0.1, 0.7, 0.8))
    assert draw(ax) is ax  # axes in and axes out
    for part in (*figure.findobj(matplotlib.text.Text), *figure.findobj(matplotlib.legend.Legend)):
        part.set_visible(False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].mean(axis=2)


def blurred(picture):
    """Means of 4 x 4 points: a line one point aside is nearly the same."""
    return picture.reshape(30, 4, 40, 4).mean(axis=(1, 3))


@pytest.mark.parametrize("name", DRAWINGS)
def test_pictures_are_those_that_were_looked_at(name):
    """And every picture is nearer to its own than to any other (negative control)."""
    from matplotlib.image import imread

    found = blurred(drawn(DRAWINGS[name]))
    apart = {}
    for other in DRAWINGS:
        golden = 255.0 * imread(GOLDEN / f"{other}.png")
        golden = golden[..., :3].mean(axis=2) if golden.ndim == 3 else golden
        apart[other] = np.sqrt(np.mean((found - blurred(golden)) ** 2))
    assert apart.pop(name) < 3.0  # greys of 0 to 255
    assert min(apart.values()) > 6.0


LEGENDS = {"psth": ["E", "I"], "weight_histogram": ["a", "b"], "losses": ["train", "test"]}


@pytest.mark.parametrize("name", DRAWINGS)
def test_legends_name_what_is_drawn(name):
    import matplotlib.pyplot as plt

    legend = DRAWINGS[name](plt.figure().add_subplot()).get_legend()
    assert ([] if legend is None else [text.get_text() for text in legend.get_texts()]) == LEGENDS.get(name, [])


def data(ax, line=0):
    return tuple(np.asarray(x) for x in ax.lines[line].get_data())


def test_populations_are_stacked_in_colours():
    ax = plots.raster({"E": FIRED[:, :8], "I": TRAINS, "J": FIRED[:, 8:]}, dt=0.5)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["E", "I", "J"]
    assert ax.get_ylim() == (-0.5, 23.5) and len({line.get_color() for line in ax.lines}) == 3
    for line, begin, part in zip(range(3), (0, 8, 20), (FIRED[:, :8], FIRED, FIRED[:, 8:])):
        when, neuron = data(ax, line)
        expected = sorted(((k + 1) * 0.5, i + begin) for k, i in zip(*np.nonzero(part)))
        np.testing.assert_allclose(sorted(zip(when, neuron)), expected)


def test_rates_stand_below_their_raster():
    above, below = plots.raster_with_rate({"all": FIRED}, dt=0.5, bin_size=20.0)
    values, edges, _ = below.patches[0].get_data()
    np.testing.assert_allclose(values, FIRED.reshape(5, 40, 12).sum(axis=(1, 2)) / 12 / 0.02)
    assert edges.tolist() == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0] and above.get_xlim() == below.get_xlim()


def test_spikes_stand_on_their_membrane():
    ax = plots.trace(np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]]), every=1.0, spikes=[[2.0], [2.5, 3.0]], peak=9.0)
    lines = [part.get_segments() for part in ax.collections]
    np.testing.assert_allclose(lines[0], [[[2.0, 1.0], [2.0, 9.0]]])
    np.testing.assert_allclose(lines[1], [[[2.5, 6.0], [2.5, 9.0]], [[3.0, 6.0], [3.0, 9.0]]])


def test_numbers_behind_histograms_and_matrices():
    ax = plots.isi_histogram({"a": [[1.0, 2.0, 4.0]], "b": [[0.0, 3.0]]}, bins=3)
    assert [patch.get_data()[0].tolist() for patch in ax.patches] == [[0, 1, 1], [0, 0, 1]]
    ax = plots.weight_histogram({"a": [0.0, 1.0], "b": [1.0]}, bins=2)
    assert [patch.get_data()[0].tolist() for patch in ax.patches] == [[1, 1], [0, 1]]
    matrix = np.zeros((1000, 900))
    matrix[:500, :450] = 2.0
    shown = plots.weight_matrix(matrix).images[0].get_array()
    assert shown.shape == (400, 400) and (shown[:200, :200] == 2.0).all() and shown.mask[200:].all()
    shown = plots.connectivity(matrix != 0).images[0].get_array()
    assert shown.shape == (200, 200) and shown[:100, :100].min() == 1.0 and shown[100:].max() == 0.0
    probability, edges, _ = plots.connection_distances(MATRIX, PLACES, bins=4).patches[0].get_data()
    apart = np.linalg.norm(PLACES[:, None] - PLACES[None], axis=-1)
    inside = (apart >= edges[0]) & (apart < edges[1])
    assert probability[0] == pytest.approx((MATRIX[inside] != 0).mean())
    assert len(plots.connection_graph(MATRIX, most=5).texts) <= 5
    share = plots.core_occupancy(Report).images[0].get_array()
    np.testing.assert_allclose(share, [[75.0, 10.0], [10.0, 99.0]])
    values = plots.correlogram(TRAINS, window=4.0, bin_size=2.0).patches[0].get_data()[0]
    counts = an.binned(TRAINS, 2.0).sum(axis=1)
    centred = counts - counts.mean()
    expected = (counts[:-1] @ counts[1:] * 50 / 49 - counts.sum() ** 2 / 50) / (centred @ centred)
    assert np.isnan(values[2]) and values[3] == pytest.approx(expected)


def test_projections_are_drawn_as_their_matrices():
    cells = lambda n: snn.Population(snn.LIF(), n, ports={"in": snn.Delta()})
    net = snn.network(
        dt=0.1,
        key=jax.random.key(0),
        populations={"a": cells(9), "b": cells(9)},
        projections={
            "sparse": snn.Connection(
                "a", "b", snn.FromArrays(*np.nonzero(MATRIX)), weight=MATRIX[MATRIX != 0], delay=1.0
            ),
            "dense": snn.Connection("a", "a", snn.AllToAll(), weight=MATRIX, via=snn.Dense(), delay=1.0),
        },
    )
    for name in ("sparse", "dense"):
        shown = plots.weight_matrix(net[name]).images[0].get_array()
        np.testing.assert_allclose(np.where(shown.mask, 0.0, shown), MATRIX, rtol=1e-6)


def test_single_neurons():
    """LIF's closed rate, its field, and AdEx's nullclines; a trajectory begins where a run does."""
    lif = snn.LIF(tau=20.0, v_th=20.0, v_reset=10.0, t_ref=2.0)
    currents = np.array([15.0, 25.0, 40.0])
    when, rate = data(plots.fi_curve(lif, currents, t=1200.0, start=200.0))
    drive = np.maximum(currents, 20.0 + 1e-9)
    exact = np.where(currents > 20.0, 1000.0 / (2.0 + 20.0 * np.log((drive - 10.0) / (drive - 20.0))), 0.0)
    np.testing.assert_allclose(rate, exact, atol=1.01, rtol=0.02)  # a spike of the second, and 0.1 ms of an interval
    assert when.tolist() == currents.tolist()
    field = an.vector_field(lif, ("v", 0.0, 19.0), ("r", 0.0, 1.0), current=30.0, points=5)
    np.testing.assert_allclose(field.dx[0], (30.0 - field.x[0]) / 20.0, rtol=1e-2)

    cell = snn.AdEx()
    plane = an.vector_field(cell, ("v", -70.0, -50.0), ("w", 0.0, 100.0), current=300.0, points=9)
    p = {name: float(getattr(cell, name)) for name in ("c", "g_l", "e_l", "v_t", "delta_t", "a", "tau_w")}
    rise = p["g_l"] * p["delta_t"] * np.exp((plane.x - p["v_t"]) / p["delta_t"])
    np.testing.assert_allclose(
        plane.dx, (-p["g_l"] * (plane.x - p["e_l"]) + rise - plane.y + 300.0) / p["c"], rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(plane.dy, (p["a"] * (plane.x - p["e_l"]) - plane.y) / p["tau_w"], rtol=1e-4, atol=1e-5)
    ax = plots.phase_plane(cell, ("v", -80.0, -40.0), ("w", -50.0, 300.0), current=700.0, t=60.0)
    along = next(line for line in ax.lines if line.get_label() == "trajectory")
    x, y = along.get_data()
    assert (x[0], y[0]) == pytest.approx((p["e_l"], 0.0)) and np.isnan(x).sum() > 0
    figure = plots.firing_patterns({"a tonic one": cell, "silent": cell}, {"a tonic one": 700.0, "silent": 0.0}, t=60.0)
    assert [ax.get_title() for ax in figure.axes] == ["a tonic one", "silent"]
    assert [len(ax.collections[0].get_segments()) > 0 for ax in figure.axes] == [True, False]


def test_arguments_of_plots_are_named():
    assert {name: unnamed(name, draw) for name, draw in vars(plots).items() if inspect.isfunction(draw)} == {
        name: set() for name, draw in vars(plots).items() if inspect.isfunction(draw)
    }


WRONG = [
    ("raster: got no populations", plots.raster, [{}]),
    ("raster_with_rate: got 1 axes", lambda x: plots.raster_with_rate(FIRED, dt=0.5, axes=x), [[None]]),
    ("trace: spikes of 2 neurons", lambda x: plots.trace(np.ones(5), spikes=x), [[[1.0], [2.0]]]),
    ("isi_histogram: no train", plots.isi_histogram, [[[1.0], []]]),
    ("pair_matrix: values", plots.pair_matrix, [np.ones((2, 3)), np.ones(3)]),
    ("weight_matrix: got", plots.weight_matrix, [np.ones(3)]),
    ("weight_histogram: got no weights", plots.weight_histogram, [[]]),
    ("weight_trajectories: 4 samples", lambda x: plots.weight_trajectories(x, np.ones((4, 2))), [np.arange(3.0)]),
    ("losses: got a curve", plots.losses, [{"a": []}, {}]),
    ("connection_distances: positions", lambda x: plots.connection_distances(MATRIX, x), [np.ones((3, 2))]),
    ("connection_graph: positions", lambda x: plots.connection_graph(MATRIX, positions=x), [np.ones((3, 2))]),
    ("fi_curve: currents", lambda x: plots.fi_curve(snn.LIF(), x), [[], [np.nan], 3.0]),
    ("fi_curve: `start`", lambda x: an.fi_curve(snn.LIF(), [1.0], start=x), [2000.0, -1.0]),
    ("fi_curve: got", lambda x: an.fi_curve(x, [1.0]), ["LIF"]),
    ("fi_curve: a parameter", lambda x: an.fi_curve(x, [1.0]), [snn.LIF(tau=np.ones(3))]),
    ("vector_field: LIF has no", lambda x: an.vector_field(snn.LIF(), ("v", 0.0, 1.0), (x, 0.0, 1.0)), ["w"]),
    ("firing_patterns: `currents`", lambda x: plots.firing_patterns({"a": snn.LIF()}, x), [{"b": 1.0}]),
]  # fmt: skip
CASES = [(named, call, x) for named, call, values in WRONG for x in values]


@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{CASES[i][0].split(':')[0]}-{i}" for i in range(len(CASES))])
def test_nonsense_is_one_error(case):
    named, call, x = CASES[case]
    with refused(named, "expected"):
        call(x)


if __name__ == "__main__":
    from PIL import Image

    GOLDEN.mkdir(exist_ok=True)
    for name, draw in DRAWINGS.items():
        Image.fromarray(drawn(draw).astype(np.uint8)).quantize(16).save(GOLDEN / f"{name}.png")
