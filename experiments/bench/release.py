"""A release tried as a user gets it: a wheel and a source distribution are built, and each is installed by itself.

    python -m experiments.bench release

In a virtual environment of its own each is installed with its dependencies by `pip`, outside the checkout; then
`jaxsnn info` runs, and `jaxsnn new`, `run` and `show`, which need the files that are no Python. Printed are the sizes
of the files and of what is installed, with and without what it depends on, and processor seconds of importing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

IMPORT = """
import json, time
began = time.process_time()
import jax
jax_s = time.process_time() - began
import jaxsnn as snn
nothing_s = time.process_time() - began - jax_s
for name in ("LIF", "Delta", "Poisson", "Raster", "network", "simulate"):
    getattr(snn, name)
print(json.dumps({"jax_s": jax_s, "import_s": nothing_s, "import_with_names_s": time.process_time() - began - jax_s}))
"""


def missing(found: set[str]) -> set[str]:
    """Files of the package in the checkout that a distribution does not have."""
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "jaxsnn").rglob("*") if path.is_file()}
    return {name for name in there if "__pycache__" not in name} - found


def contents(distribution: Path) -> set[str]:
    """The files of a distribution, by their paths in the checkout."""
    if distribution.suffix == ".whl":
        return {*zipfile.ZipFile(distribution).namelist()}
    with tarfile.open(distribution) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def measured(python: Path, repeat: int = 5) -> dict[str, float]:
    """Medians of the seconds that importing takes, after it was done once."""
    command = [str(python), "-c", IMPORT]
    lines = [json.loads(ran(command, python.parent)) for _ in range(repeat + 1)][1:]
    return {name: sorted(line[name] for line in lines)[repeat // 2] for name in lines[0]}


def ran(command: list[str], folder: Path) -> str:
    """What a command prints, run in a folder that is no checkout, without the paths of this process."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    fresh = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(command, cwd=folder, env=fresh, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def bytes_of(folder: Path) -> int:
    """The size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def tried(distribution: Path, folder: Path) -> dict[str, float | str]:
    """A distribution installed in an environment of its own, and used."""
    lost = missing(contents(distribution))
    if lost:
        raise SystemExit(f"{distribution.name} lacks {', '.join(sorted(lost))}.")
    venv.create(folder, with_pip=True)
    scripts = folder / "bin"
    before = bytes_of(folder)
    ran([str(scripts / "python"), "-m", "pip", "install", "--quiet", str(distribution)], folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    found: dict[str, float | str] = {
        "subject": distribution.name,
        "file_mb": distribution.stat().st_size / 1e6,
        "installed_mb": bytes_of(packages / "jaxsnn") / 1e6,
        "with_dependencies_mb": (bytes_of(folder) - before) / 1e6,
    }
    for arguments in (["info"], ["new", "first"], ["run", "first.py"], ["show", "results/first-run"]):
        ran([str(scripts / "jaxsnn"), *arguments], folder)
    return found | measured(scripts / "python")


def main() -> None:
    """Both distributions, built and tried: a JSON line each."""
    with tempfile.TemporaryDirectory() as place:
        tools, made = Path(place) / "tools", Path(place) / "dist"
        venv.create(tools, with_pip=True)
        python = str(tools / "bin" / "python")
        ran([python, "-m", "pip", "install", "--quiet", "build"], tools)
        ran([python, "-m", "build", "--outdir", str(made), str(ROOT)], tools)
        for distribution in sorted(made.iterdir()):
            print(f"trying {distribution.name}", file=sys.stderr, flush=True)
            found = tried(distribution, Path(place) / f"of-{distribution.suffix[1:]}")
            print(json.dumps({k: round(x, 2) if isinstance(x, float) else x for k, x in found.items()}), flush=True)
