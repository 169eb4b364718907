"""PyNN's own scenarios and examples here, one by one: `python -m tests.pynn_gate PYNN OUT [NEST] [NAME ...]`.

`PYNN`: a checkout of PyNN's repository, for its `test/system/scenarios` and `examples`. `OUT`: a folder for what is
recorded. `NEST`: the Python of an environment with pynn and nest-simulator, in which the examples run, too. `NAME`:
only examples whose name has it, and no scenarios. Prints a line each, and a Markdown table, which `docs/pages/pynn.md`
quotes.
"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import numpy as np

FIXTURES = """import jaxsnn.interop.pynn as backend
import pytest

def run_with_simulators(*names):
    return pytest.mark.parametrize("sim", [pytest.param(backend, id="jaxsnn")])
"""
ARGUMENTS = {"VAbenchmarks.py": [["CUBA"], ["COBA"]], "brunel.py": [["--plot-figure=x"]]}
REASON = re.compile(r"(?:NotImplementedError|ValueError|ModuleNotFoundError)\S*: (.*)")
OURS = re.compile(r"jaxsnn.interop.pynn has no|are on the grid|expected")
LIMIT = 900  # s, of one example


def scenarios(source, out):
    """Outcome and words of each of PyNN's scenarios for backends."""
    folder = out / "scenarios"
    subprocess.run(["cp", "-r", str(source / "test" / "system" / "scenarios"), str(folder)], check=True)
    (folder / "fixtures.py").write_text(FIXTURES)
    (folder / "conftest.py").write_text("")
    report = out / "scenarios.xml"
    with open(out / "scenarios.log", "w") as log:
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", "scenarios"],
            cwd=out, stdout=log, stderr=log, env={**os.environ, "JAX_ENABLE_X64": "1"}, check=False,
        )  # fmt: skip
    for case in ET.parse(report).getroot().iter("testcase"):
        failure, skipped = case.find("failure"), case.find("skipped")
        name = f"{case.get('classname').rpartition('.')[2]}.{case.get('name').partition('[')[0]}"
        if failure is not None:
            said = failure.get("message")
            yield name, "refused" if OURS.search(said) else "FAILED", said.splitlines()[0]
        elif skipped is not None:
            yield name, "not run", skipped.get("message")
        else:
            yield name, "passed", ""


def ran(python, backend, script, arguments, out):
    """What an example recorded with a backend, or why it did not run."""
    where = out / f"{script.stem}-{'-'.join(arguments)}-{backend}.npz"
    oracle = Path(__file__).parent / "oracles" / "pynn_examples.py"
    call = [python, str(oracle), backend, str(where), str(script), backend, *arguments]
    try:
        done = subprocess.run(call, cwd=out, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return None, f"more than {LIMIT} s"
    where.with_suffix(".log").write_text(done.stdout + done.stderr)
    if done.returncode:
        return None, done.stderr.strip().splitlines()[-1]
    with np.load(where) as file:
        return dict(file), ""


def compared(ours, theirs):
    """Whether two recordings are the same, in words."""
    spikes = [key for key in ours if key.startswith("spikes")]
    if sorted(ours) != sorted(theirs):
        return "DIFFERS", "other things are recorded"
    own, other = ({(key, *pair) for key in spikes for pair in x[key].tolist()} for x in (ours, theirs))
    off = max((float(np.max(np.abs(ours[k] - theirs[k]))) for k in ours if k.startswith("v")), default=0.0)
    if own == other and off < 1e-6:
        return "spike for spike" if own else "membranes", f"{len(own)} spikes, v to {off:.0e} mV"
    return "OTHER", f"{len(own)} and {len(other)} spikes, {len(own & other)} in common, v to {off:.0e} mV"


def examples(source, out, nest, names):
    """Outcome and words of each of PyNN's examples."""
    for script in sorted((source / "examples").glob("*.py")):
        if names and not any(name in script.name for name in names):
            continue
        for arguments in ARGUMENTS.get(script.name, [[]]):
            ours, why = ran(sys.executable, "jaxsnn", script, arguments, out)
            label = " ".join([script.stem, *arguments])
            if ours is None:
                found = REASON.search(why)
                yield label, "refused" if found and OURS.search(why) else "not run", why
                continue
            theirs, why = ran(nest, "nest", script, arguments, out) if nest else (None, "no NEST was given")
            yield (label, *(compared(ours, theirs) if theirs is not None else ("runs", f"not in NEST: {why}")))


def main():
    source, out, nest, *names = [*sys.argv[1:], *[""] * (4 - len(sys.argv))]
    source, out = Path(source).resolve(), Path(out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for each in () if names else scenarios(source, out):
        rows.append(("scenario", *each))
    for each in examples(source, out, nest, names):
        rows.append(("example", *each))
        print(*rows[-1], sep=" | ", flush=True)
    print("\n| | | outcome | |\n|---|---|---|---|")
    for kind, name, outcome, words in rows:
        print(f"| {kind} | `{name}` | {outcome} | {words} |")
    for kind in ("scenario", "example"):
        print(kind, dict(Counter(row[2] for row in rows if row[0] == kind)))


if __name__ == "__main__":
    main()
