"""Every page, pasted block by block as a reader would, runs; and a network that a page shows does what it says."""

import functools
import json
import re

import jax
import matplotlib
import numpy as np
import pytest

import jaxsnn as snn
from docs.notebook import NOTEBOOK, PAGE, notebook
from docs.pictures import ROOT, blocks, pasted

PAGES = [page for page in [ROOT / "README.md", *sorted((ROOT / "docs" / "pages").glob("*.md"))] if blocks(page)]


USUAL = {"jax_numpy_rank_promotion": "allow", "jax_numpy_dtype_promotion": "standard", "jax_debug_key_reuse": False}


@pytest.fixture(autouse=True)
def as_a_reader(strict, tmp_path, monkeypatch):
    """With JAX as it comes; what a page writes is written beside, and pictures need no screen."""
    for name, value in USUAL.items():
        jax.config.update(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    matplotlib.use("Agg")


@functools.cache
def names_of(page):
    return pasted(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_runs_from_top_to_bottom(page):
    names = names_of(page)
    if page.stem == "README":
        says = re.search(r"fire at ([\d.]+) Hz.*?CV of their intervals is ([\d.]+)", page.read_text(), re.DOTALL)
        assert says, "the README says how its network fires"
        rate, cv, _ = activity(names["run"])
        assert (f"{rate:.0f}", f"{cv:.2f}") == says.groups()
        assert is_asynchronous_irregular(names["run"])
    if page.stem == "first-hour":
        assert f"```\n{names['net']}\n```\n" in page.read_text(), "the page shows what print(net) says"


def activity(run):
    """Rate of a neuron in Hz, mean CV of its intervals, and the population rate's Fano factor in bins of 1 ms.

    The Fano factor is 1 for neurons that fire independently of each other, and their number if all fire together.
    """
    spikes = np.asarray(run["raster"].dense())[2000:]
    count = spikes.reshape(-1, 10, spikes.shape[1]).sum((1, 2))
    return spikes.mean() / 0.1e-3, np.nanmean(run["isi"].cv), count.var() / count.mean()


def is_asynchronous_irregular(run):
    rate, cv, fano = activity(run)
    return 5 < rate < 50 and cv > 0.7 and fano < 3


def test_the_notebook_is_that_of_the_page():
    """So that its cells run, too."""
    assert NOTEBOOK.read_text() == notebook(), "write it again: python -m docs.notebook"
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code == [block.strip("\n") for block in blocks(PAGE)] and len(code) > 5
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_a_page_that_fails_says_where(tmp_path):
    """Negative control: the line of the error is that of the page."""
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```python\nx = 1\n```\n\nand then\n\n```python\ny = x\nz = y + w\n```\n")
    with pytest.raises(NameError) as error:
        pasted(page)
    assert error.traceback[-1].lineno + 1 == 11


def test_another_network_is_seen_not_to_be_in_that_state():
    """Negative control: with a tenth of its inhibition the README's network fires at its limit."""
    names = names_of(ROOT / "README.md")
    net = names["net"]
    for link in ("IE", "II"):
        net = snn.set(net, f"{link}.weight", 0.1 * net[link].weight)
    run = snn.simulate(net, names["drive"], t=400.0, key=1, record=names["record"])
    assert not is_asynchronous_irregular(run), activity(run)
