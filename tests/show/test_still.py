"""The still picture: a file that is a picture, whatever varies."""

import numpy as np
import pytest

from jaxsnn.show import picture
from jaxsnn.show.still import _sliced
from jaxsnn.show.view import view
from tests.show.reading import grid, listed


@pytest.mark.parametrize(
    "ds",
    [
        grid(g=4, eta=3, seed=2),
        grid(g=4, seed=2),
        grid(g=4),
        grid(g=1).isel(g=0),
        grid(a=2, b=3, c=4).assign_coords(a=["x", "y"]),
        listed(50),
    ],
    ids=["grid", "seeds", "line", "point", "names", "listed"],
)
def test_drawn(ds, tmp_path):
    path = picture(ds, tmp_path / "x.png")
    assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000


def test_what_is_drawn():
    """Seeds are averaged, NaN left out; other axes stand at their middle; the axes may be drawn in any order."""
    ds = grid(g=4, eta=3, n=5, seed=2)
    ds["rate"][0, 0, 2, 0] = np.nan
    shown = view(ds)
    g, eta, n, _ = shown.parameters
    expected = ds.rate.isel(n=2).mean("seed")
    assert np.allclose(_sliced(shown, [g, eta], shown.variables[0]), expected)
    assert np.allclose(_sliced(shown, [eta, g], shown.variables[0]), expected.T)
    assert np.allclose(_sliced(shown, [n], shown.variables[0]), ds.rate.isel(g=1, eta=1).mean("seed"))


def test_refused(tmp_path):
    with pytest.raises(ValueError, match="Got a dataset and no path, expected where to draw the picture"):
        picture(grid(g=2))
