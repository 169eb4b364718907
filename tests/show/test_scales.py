"""Scales and colours are chosen as a reader would, and the colours are viridis."""

import re
from importlib import resources

import matplotlib
import numpy as np
import pytest

from jaxsnn.show.columns import _DIGITS
from jaxsnn.show.scales import log_axis, log_colours

RNG = np.random.default_rng(0)
WEB = resources.files("jaxsnn.show") / "web"


@pytest.mark.parametrize(
    ("values", "log"),
    [
        (np.geomspace(0.01, 10, 7), True),
        (np.array([1.0, 2.0, 5.0, 10.0, 20.0, 50.0]), True),
        (np.exp(RNG.uniform(0, 6, 500)), True),
        (np.linspace(0.5, 4.0, 20), False),
        (np.array([0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0]), False),
        (RNG.uniform(0.001, 10, 500), False),
        (np.array([0.0, 1.0, 10.0, 100.0]), False),
        (np.array([1.0, 100.0]), False),
        (np.array([np.nan, np.nan]), False),
    ],
)
def test_axes(values, log):
    assert log_axis(RNG.permutation(values)) is log


@pytest.mark.parametrize(
    ("values", "log"),
    [
        (RNG.lognormal(0, 2, 1000), True),
        (np.append(RNG.lognormal(0, 2, 1000), np.zeros(100)), True),
        (np.append(RNG.lognormal(0, 2, 1000), np.nan), True),
        (RNG.uniform(0, 1, 1000), False),
        (RNG.lognormal(0, 2, 1000) - 1, False),
        (np.full(10, 3.0), False),
        (np.zeros(10), False),
        (np.full(10, np.nan), False),
        (np.array([np.inf, 1.0, 2.0]), False),
    ],
)
def test_colours(values, log):
    assert log_colours(values) is log


def test_the_colours_are_viridis():
    """Straight lines between the colours that the page has, against matplotlib's 256: two steps of 255 at most."""
    source = (WEB / "colours.js").read_text()
    text = "".join(re.findall(r'^  "([0-9a-f]+)"', source, re.MULTILINE))
    own = np.array([int(text[i : i + 2], 16) for i in range(0, len(text), 2)]).reshape(-1, 3)
    places = np.linspace(0, 1, len(own))
    drawn = np.stack([np.interp(np.linspace(0, 1, 256), places, own[:, c]) for c in range(3)], 1)
    difference = lambda name: np.abs(drawn - 255 * np.array(matplotlib.colormaps[name](range(256)))[:, :3]).max()
    assert difference("viridis") < 2.5
    assert difference("cividis") > 50  # negative control


def test_the_page_reads_the_digits_that_are_written():
    assert re.search(r'DIGITS = "(.*?)";', (WEB / "data.js").read_text())[1].encode() == _DIGITS.tobytes()
