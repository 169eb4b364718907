"""The gallery: every experiment with what it says of itself, its command, and the picture that its own code draws.

`python -m docs.gallery` writes the page; `python -m docs.gallery NAME ...` runs these experiments first and keeps their
pictures, each as small as a page needs it.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "pages" / "gallery.md"
PICTURES = ROOT / "docs" / "pages" / "pictures" / "gallery"
WIDTH = 720  # pixels

HEAD = """# Gallery

Every file in `experiments/` with what it says of itself, the command, and the picture that its own code draws by it.
Most are reproductions: what they are compared with is in the file and in
[Verification](verification.md). What `jaxsnn run` runs can be swept, too: `jaxsnn sweep experiments/NAME.py`.
(Written by `python -m docs.gallery`.)
"""

SECTIONS = {  # the order of the page
    "Networks of the literature": (
        "quickstart",
        "brunel",
        "microcircuit",
        "cuba",
        "coba",
        "cobahh",
        "izhikevich2003",
        "heterogeneity",
    ),
    "Neurons and synapses": ("adex_patterns", "twenty_patterns", "stp_demo", "fit_neuron"),
    "Plasticity": ("song2000", "vogels2011", "diehl_cook", "reward_stdp", "associative_memory", "metaplasticity"),
    "Training": (
        "digits",
        "sequential_digits",
        "hybrid_digits",
        "spike_pattern",
        "evidence_accumulation",
        "cartpole",
        "infer_balanced",
    ),
    "Chips": (
        "lower_digits",
        "lower_balanced",
        "precision_sweep",
        "onchip_stdp",
        "chips_digits",
        "mismatch",
        "spinnaker_balanced",
        "tea",
    ),
}
SHARED = ("posterior", "vogels_abbott")  # what experiments import
ON_OTHER_PAGES = {"infer_balanced": "inference.png", "mismatch": "mismatch.png"}  # whose pictures are there already
SWEPT = {"precision_sweep"}  # drawn of the whole sweep: at one point there is little to see


def names() -> list[str]:
    """All experiments, in the order of the page."""
    return [name for section in SECTIONS.values() for name in section]


def functions(name: str) -> set[str]:
    """The functions that the file of an experiment defines."""
    tree = ast.parse((ROOT / "experiments" / f"{name}.py").read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def command(name: str) -> str:
    """What draws its picture."""
    verb = "python" if "experiment" not in functions(name) else "jaxsnn sweep" if name in SWEPT else "jaxsnn run"
    return f"{verb} experiments/{name}.py"


def entry(name: str) -> str:
    """An experiment on the page: title, what its docstring says first, command, picture."""
    text = ast.get_docstring(ast.parse((ROOT / "experiments" / f"{name}.py").read_text())) or ""
    first, *rest = (" ".join(part.split()) for part in text.split("\n\n") if not part.startswith("    "))
    about = next((part for part in rest if not re.match(r"(jaxsnn|python|\$)", part)), "")
    about = re.sub(r":$", ".", about)  # the command stands below
    picture = ON_OTHER_PAGES.get(name, f"gallery/{name}.png")
    shown = f"![{first.rstrip('.')}](pictures/{picture})" if (PICTURES.parent / picture).exists() else ""
    parts = [f"### {name}", first, about, f"```\n{command(name)}\n```", shown]
    return "\n\n".join(part for part in parts if part)


def page() -> str:
    """The text of the page."""
    sections = [f"## {title}\n\n" + "\n\n".join(map(entry, each)) for title, each in SECTIONS.items()]
    return "\n\n".join([HEAD.rstrip(), *sections]) + "\n"


def keep(picture: Path, name: str) -> None:
    """A picture, no wider than a page, in few colours."""
    from PIL import Image

    image = Image.open(picture).convert("RGB")
    if image.width > WIDTH:
        image = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS)
    PICTURES.mkdir(exist_ok=True)
    image.quantize(64, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)


def run(name: str) -> None:
    """Run an experiment, and keep the picture that it draws."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / name
        if "experiment" not in functions(name):  # a script of its own, which is told where its picture goes
            picture = out.with_suffix(".png")
            subprocess.run([sys.executable, *command(name).split()[1:], "--plot", str(picture)], cwd=ROOT, check=True)
            return keep(picture, name)
        subprocess.run(
            [sys.executable, "-m", "jaxsnn.cli", *command(name).split()[1:], "--out", str(out)], cwd=ROOT, check=True
        )
        keep(out / f"{name}.png", name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m docs.gallery")
    parser.add_argument("names", nargs="*", help="experiments to run; --all for all (hours)")
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    for name in names() if given.all else given.names:
        run(name)
    PAGE.write_text(page())
