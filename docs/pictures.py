"""The pictures of the pages, from the code that the pages show: `python -m docs.pictures`."""

import re
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pages" / "pictures"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PART = re.compile(rf"{BLOCK.pattern}|^!\[[^\]]*\]\((pictures/plots/[^)]*\.png)\)$", BLOCK.flags)


def blocks(page: Path) -> list[str]:
    """The Python blocks of a page, from top to bottom."""
    return BLOCK.findall(page.read_text())


def pasted(page: Path) -> dict:
    """What a reader has who pastes all blocks of a page one after the other."""
    names = {"__name__": page.stem}
    for block in blocks(page):
        line = page.read_text()[: page.read_text().index(block)].count("\n")
        exec(compile("\n" * line + block, str(page), "exec"), names)  # an error names the line of the page
    return names


def saved(figure: Any, path: Path) -> None:
    """Half of the bytes in fewer colours."""
    from PIL import Image

    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=80)
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(200, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path)


def drawn(page: Path) -> None:
    """The pictures of a page, each what the block above it has drawn: its `figure`, or else the newest of pyplot."""
    import matplotlib.pyplot as plt

    names, last = {"__name__": page.stem}, None
    for part in PART.finditer(page.read_text()):
        block, path = part.groups()
        if block is not None:
            exec(compile(block, str(page), "exec"), names)
            continue
        figure = plt.gcf() if names.get("figure") is last else names["figure"]
        last = names.get("figure")
        saved(figure, page.parent / path)
        plt.close("all")


def balanced() -> None:
    """The first network of the README: the raster and the rate of some of its neurons."""
    from matplotlib.figure import Figure

    import jaxsnn as snn

    run = pasted(ROOT / "README.md")["run"]
    figure = Figure(figsize=(9.0, 4.5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    snn.plot.raster(run["raster"], ax=above)
    spikes = np.asarray(run["raster"].dense())
    rate = spikes.reshape(-1, 10, spikes.shape[1]).mean((1, 2)) / 0.1e-3
    below.step(np.arange(len(rate)), rate, where="post", linewidth=0.8)
    above.set(xlabel="")
    below.set(xlabel="time (ms)", ylabel="rate (Hz)", ylim=(0, None))
    figure.savefig(PICTURES / "balanced.png", dpi=110)


def graph() -> None:
    """The graph of that network and its drive."""
    names = pasted(ROOT / "README.md")
    names["net"].graph(names["drive"]).save(PICTURES / "graph.svg")


def cores() -> None:
    """How full four cores of Loihi are."""
    import jax

    import jaxsnn as snn

    dense = dict(topology=snn.AllToAll(), via=snn.Dense(), delay=1.0, weight=snn.Normal(0.0, 0.1))
    cell = snn.LIF(tau=5.0, v_th=1.0)
    net = snn.network(
        dt=1.0,
        key=jax.random.key(0),
        populations={"in": snn.SpikeSource(400), "hidden": snn.Population(cell, 700), "out": snn.Population(cell, 10)},
        projections={
            "in-hidden": snn.Connection("in", "hidden", **dense),
            "hidden-out": snn.Connection("hidden", "out", **dense),
        },
    )
    ax = snn.plot.core_occupancy(snn.lower(net, target=snn.chips.loihi.Loihi1()))
    saved(ax.figure, PICTURES / "cores.png")


if __name__ == "__main__":
    matplotlib.use("Agg")
    PICTURES.mkdir(exist_ok=True)
    balanced()
    graph()
    drawn(ROOT / "docs" / "pages" / "plots.md")
    cores()
