"""Columns of a page come back as they were, or rounded as much as they say."""

import json

import numpy as np
import pytest

from jaxsnn.show.columns import FORMS, FULL, digits, nbytes, packed, rounded
from tests.show.reading import unpacked

RNG = np.random.default_rng(0)
INF, NAN = np.inf, np.nan


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(size=1000).astype(np.float32),
        np.array([NAN, 1.5, -0.0, INF, -INF, 3e38, 1e-45], np.float32),
        RNG.integers(-3, 3, 5000),
        np.array([2**24 + 1, -(2**24) - 1, 5]),  # float32 does not hold these
        np.array([True, False, True]),
        np.where(RNG.random(3000) < 0.1, NAN, RNG.integers(0, 9, 3000)),  # few different ones, and NaN
        np.array([1e300, -1e-300, NAN]),  # float32 does not reach there
        np.array([], np.float32),
        np.arange(70_000, dtype=np.uint32),
        np.array([INF] * 100 + [1.0]),
    ],
)
def test_numbers_come_back(values):
    form = json.loads(json.dumps(packed(values), allow_nan=False))
    assert np.array_equal(unpacked(form), values.astype(float), equal_nan=True)
    assert "<" not in form["data"] and "\\" not in form["data"] and '"' not in form["data"]


def test_text_comes_back():
    values = np.array(["Sparse(<script>)", "ünïcode", "", "Sparse(<script>)"])
    assert unpacked(packed(values)).tolist() == values.tolist()


def test_few_different_numbers_take_little():
    few, many = RNG.choice(RNG.normal(size=20), 20_000), RNG.normal(size=20_000)
    assert "table" in packed(few) and nbytes(packed(few)) < nbytes(packed(many)) / 4


def test_axes_are_exact():
    """A command made of a rounded value would run another point."""
    axis = np.linspace(0.1, 0.7, 7)
    assert np.array_equal(unpacked(packed(axis, exact=True)), axis)
    assert not np.array_equal(unpacked(packed(axis)), axis)  # negative control


@pytest.mark.parametrize("bits", [bits for bits in FORMS if bits != FULL])
def test_rounding_keeps_its_promise(bits):
    values = np.append(RNG.normal(size=9999) * 10.0 ** RNG.integers(-30, 30, 9999), np.finfo(np.float32).max).astype(
        np.float32
    )
    error = np.abs(rounded(values, bits).astype(float) / values - 1).max()
    assert error <= 2.0 ** -(bits + 1) and error <= 10 ** -digits(bits)
    assert error > 2.0 ** -(bits + 2)  # and it does round
    assert nbytes(packed(values, bits)) < nbytes(packed(values))
    special = np.array([NAN, INF, -INF, 0.0, -0.0], np.float32)
    assert np.array_equal(rounded(special, bits), special, equal_nan=True)


def test_halves_go_to_the_even_neighbour():
    assert rounded(np.array([1 + 2.0**-9, 1 + 3 * 2.0**-9], np.float32), 8).tolist() == [1.0, 1 + 2.0**-7]
