"""The lower bounds of the dependencies are those that CI installs together."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def lowest(project):
    needed = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    found = dict(re.match(r"([\w-]+)>=([\d.]+)", requirement).groups() for requirement in needed)
    assert len(found) == len({re.match(r"[\w-]+", requirement)[0] for requirement in needed})  # each has a bound
    return {f"{name}=={version}" for name, version in found.items()}


def test_the_oldest_job_installs_every_lower_bound():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (pins,) = re.findall(r'name: oldest,.*pins: "(.*)"', (ROOT / ".github/workflows/tests.yml").read_text())
    assert set(pins.split()) == lowest(project)
    project["dependencies"].append("nothing>=1.0")
    assert set(pins.split()) != lowest(project)  # negative control
