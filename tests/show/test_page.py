"""The page: everything is in it, nothing is loaded, nothing escapes, and it is small."""

import re

import numpy as np
import pytest
import xarray

from jaxsnn import Status
from jaxsnn.show import page
from jaxsnn.show.document import SCRIPTS
from tests.show.reading import content, grid, listed


def test_every_number_is_in_it(tmp_path):
    ds = grid(g=4, eta=3, seed=2)
    ds["cv"][1, 1, 1] = np.nan
    data = content(page(ds, tmp_path / "x.html"))
    assert data["dims"] == {"g": 4, "eta": 3, "seed": 2} and data["title"] == "x"
    assert [v["name"] for v in data["variables"]] == ["rate", "cv", "psth"]
    for variable in data["variables"][:2]:
        assert np.array_equal(variable["values"].reshape(4, 3, 2), ds[variable["name"]], equal_nan=True)
    for parameter in data["parameters"]:
        assert np.array_equal(parameter["values"], ds[parameter["name"]])
    assert data["command"] == ds.attrs["command"]


@pytest.mark.parametrize("ds", [grid(g=250, eta=400).drop_vars("psth"), listed(100_000)], ids=["grid", "listed"])
def test_a_hundred_thousand_points_take_three_megabytes(ds, tmp_path):
    """With eight results and two parameters, of random numbers, which compress worst."""
    rng, dims = np.random.default_rng(0), ds.status.dims
    for i in range(8 - len(ds.data_vars) + 1):
        ds[f"more{i}"] = (dims, rng.normal(size=ds.status.shape).astype(np.float32))
    path = page(ds, tmp_path / "x.html")
    assert path.stat().st_size < 3e6
    data = content(path)
    assert len(data["variables"]) == 8
    for variable in data["variables"]:
        error = np.abs(variable["values"].reshape(ds.status.shape) / ds[variable["name"]].values - 1)
        assert error.max() <= 10.0 ** -(data["digits"] - 0.5)


def test_room_is_kept(tmp_path):
    """With less of it, results have fewer digits and curves are left out, and the page says so."""
    ds = grid(g=100, eta=100)
    full, small = (page(ds, tmp_path / f"{mb}.html", megabytes=mb) for mb in (3, 0.2))
    assert full.stat().st_size > 4e5 and small.stat().st_size < 2e5
    assert len(content(full)["series"]) == 1 and content(small)["series"] == []
    assert "Of psth it carries the mean: the curves take" in small.read_text() and content(small)["digits"] < 6
    assert content(full)["digits"] == 7
    least = page(ds, tmp_path / "least.html", megabytes=0.1)
    assert "larger than the 0.1 MB that were asked for" in least.read_text() and content(least)["digits"] == 3


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    text = page(grid(g=4, eta=3), tmp_path / "x.html").read_text()
    assert not re.search(r"https?://|src=\"(?!data:)|@import|url\(", text)
    assert "default-src 'none'" in text and text.count("<script") == 2


EVIL = "</script><script>alert(1)</script><!--&\"'`%data%"


def test_nothing_escapes(tmp_path):
    """Names, units, text and messages cannot become markup or program, wherever they stand."""
    ds = grid(g=3).rename(rate=EVIL).assign_coords(g=[EVIL, "b", "c"])
    ds[EVIL].attrs["units"] = EVIL
    ds.attrs |= {EVIL: EVIL, "command": EVIL, "made": EVIL}
    ds["status"][:] = np.uint32(Status.NOT_RUN)
    ds["failure"] = ("g", np.array([EVIL, f"error: {EVIL}", ""]))
    path = page(ds, tmp_path / "x.html")
    text, data = path.read_text(), content(path)
    assert text.count("<script") == 2 and text.count("</script>") == 2 and "<!--" not in text
    assert "&lt;/script&gt;" in text and "%data%" in text  # what was filled in is not filled in again
    assert EVIL in [v["name"] for v in data["variables"]] and data["parameters"][0]["values"][0] == EVIL
    assert [t["message"] for t in data["troubles"]] == [EVIL, EVIL]


def test_infinite_and_missing_numbers(tmp_path):
    ds = grid(g=4)
    ds["rate"] = ("g", np.array([np.inf, -np.inf, np.nan, 1e300]))
    rate = content(page(ds, tmp_path / "x.html"))["variables"][0]["values"]
    assert np.array_equal(rate, ds.rate, equal_nan=True)


def test_every_part_of_the_program_is_in_the_page(tmp_path):
    from importlib import resources

    text, folder = page(grid(g=2), tmp_path / "x.html").read_text(), resources.files("jaxsnn.show") / "web"
    assert {f"{name}.js" for name in SCRIPTS} == {x.name for x in folder.iterdir() if x.name.endswith(".js")}
    assert all((folder / f"{name}.js").read_text() in text for name in SCRIPTS)
    assert all(len(line) <= 120 for x in folder.iterdir() for line in x.read_text().splitlines())


def test_pictures(tmp_path):
    """Of some points, by the experiment's `plot`: it gets what `jaxsnn run` would give it. One that fails is a note.

    Figures that it leaves open are closed, and no others.
    """
    import matplotlib.pyplot as plt

    seen, own = [], plt.figure()
    before = plt.get_fignums()

    def plot(ds, path):
        plt.figure()
        seen.append((dict(ds.sizes), ds.attrs["g"], ds.attrs["eta"]))
        path.write_bytes(b"\x89PNG a picture")

    ds = grid(g=7, eta=5, seed=2)
    data = content(page(ds, tmp_path / "x.html", plot=plot, most_pictures=9))
    assert len(data["pictures"]) == 9 == len({p["point"] for p in data["pictures"]})
    assert {sizes["seed"] for sizes, _, _ in seen} == {2} and all("g" not in sizes for sizes, _, _ in seen)
    assert {g for _, g, _ in seen} == {ds.g.values[i] for i in (0, 3, 6)}
    assert plt.get_fignums() == before
    plt.close(own)
    for picture, (_, g, eta) in zip(data["pictures"], seen):
        i, j, seed = np.unravel_index(picture["point"], (7, 5, 2))
        assert (ds.g[i], ds.eta[j], seed) == (g, eta, 0) and picture["data"].startswith("data:image/png;base64,")

    def broken(ds, path):
        raise KeyError("no such thing")

    text = page(ds, tmp_path / "y.html", plot=broken, most_pictures=9).read_text()
    assert "Pictures of points could not be drawn: KeyError" in text


def test_a_sweep_in_a_folder(tmp_path):
    """The page lies beside the result; what made it is on it, and a picture that is there is in it."""
    ds = grid(g=3).assign_attrs(experiment="rhythm.py", revision="abc123+", warm_up=200.0, units='{"warm_up": "ms"}')
    ds.to_zarr(tmp_path / "result.zarr", zarr_format=2, consolidated=True)
    (tmp_path / "rhythm.png").write_bytes(b"\x89PNG")
    path = page(tmp_path)
    text = path.read_text()
    assert path == tmp_path / "rhythm.html" and page(tmp_path / "result.zarr") == path
    assert "abc123, with changes that were not committed" in text and "warm_up (ms)<td>200" in text
    assert [p["point"] for p in content(path)["pictures"]] == [None]
    assert [x.name for x in tmp_path.iterdir() if "writing" in x.name] == []


def test_refusals(tmp_path):
    with pytest.raises(ValueError, match="which is not there; expected the folder of a sweep, such as results/brunel"):
        page(tmp_path / "brunell")
    with pytest.raises(ValueError, match="which has no sweep in it"):
        page(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="which is a file; expected the folder of a sweep"):
        page(tmp_path / "file")
    with pytest.raises(ValueError, match=r"Got a DataTree, expected .*xarray.Dataset; of a tree, show a node"):
        page(xarray.DataTree(grid(g=2)), tmp_path / "x.html")
    with pytest.raises(ValueError, match=r"Got a DataArray, expected the folder of a sweep or its xarray.Dataset\."):
        page(grid(g=2).rate, tmp_path / "x.html")
    with pytest.raises(ValueError, match="Got a dataset and no path, expected where to write the page"):
        page(grid(g=2))


def test_any_dataset_can_be_shown(tmp_path):
    """Without a status: one that another tool made."""
    ds = xarray.Dataset({"loss": (("lr", "depth"), np.ones((3, 2)))}, {"lr": [1e-3, 1e-2, 1e-1], "depth": [1, 2]})
    data = content(page(ds, tmp_path / "x.html"))
    assert [(p["name"], p["log"]) for p in data["parameters"]] == [("lr", True), ("depth", False)]
