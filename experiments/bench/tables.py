"""`tables`: what is between the markers `bench` of pages, made from a kept file of results.

    python -m experiments.bench tables RESULTS

A block begins with `<!-- bench: NAME FILE -->` and ends with `<!-- /bench -->`; `FILE` is the one in `results` that it
was made from, and is written anew with the table. Ratios are medians over rounds of a subject's time over ours.
"""

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import records

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs" / "pages" / "performance.md", ROOT / "README.md")
BLOCK = re.compile(r"(<!-- bench: ([\w-]+)) (\S+) -->\n\n(.*?)\n\n<!-- /bench -->", re.DOTALL)
WORKLOADS = {
    "cuba": "`cuba`: 4 000 neurons, one network, one core",
    "sweep": "`sweep`: 64 points of it, a graph each, 2 cores, making graphs included",
    "cuba-sweep": "`cuba-sweep`: 16 points likewise",
    "brunel-sweep": "`brunel-sweep`: 16 points of 2 500 neurons with 3.1 M synapses likewise",
    "plasticity": "`plasticity`: 10^6 synapses with pair STDP at 5 Hz, one core",
    "song": "`song`: 1 000 plastic synapses of one neuron, one core",
    "train": "`train`: a gradient of 500 steps, 2 cores",
    "loihi-calm": "`loihi-calm`: 5 % of 1 024 cells fire in a step, one core",
    "loihi-busy": "`loihi-busy`: 17 %",
    "loihi-batch": "`loihi-batch`: 256 programs, 2 cores; a peer runs one",
    "loihi-learning": "`loihi-learning`: 2^20 synapses under pair STDP, one core",
}
OURS = {"sweep-one-core": "ours on one core", "sweep-points": "ours, point by point by threads"}
SUBJECTS = {
    "brian2": "Brian2",
    "nest": "NEST",
    "brainevent": "brainevent",
    "spikingjelly": "SpikingJelly",
    "spyx": "Spyx",
    "snntorch": "snnTorch",
    "norse": "Norse",
    "lava": "Lava",
    "nengo-loihi": "nengo-loihi",
    **OURS,
}
BARS = {  # set before measuring: the ratio to ours compiled by C, where there is such a line
    ("cuba", "brian2"): "2.2 (XLA: 1)",
    ("cuba", "nest"): "25",
    ("cuba", "brainevent"): "6",
    ("cuba-sweep", "brainevent"): "100",
    ("sweep", "brian2"): "2.2",
    ("plasticity", "brian2"): "2",
    ("train", "spikingjelly"): "2.5",
}
CORES_BAR = "1.6"
AXES = {
    "neurons": "neurons",
    "rate": "rate (Hz)",
    "fan_out": "synapses a neuron",
    "delays": "longest delay (steps)",
    "instances": "instances (us of one)",
}

Lines = list[dict[str, Any]]


def number(x: float, digits: int = 3) -> str:
    """So many digits, thousands apart."""
    rounded = float(f"{x:.{digits}g}")
    return f"{rounded:,.0f}".replace(",", " ") if abs(rounded) >= 10 ** (digits - 1) else f"{rounded:g}"


def ratio(of: dict[str, Any] | None, to: dict[str, Any] | None) -> str:
    """The median over rounds of one time over another."""
    if of is None or to is None:
        return ""
    pairs = zip(of["rounds"]["us_per_step"], to["rounds"]["us_per_step"], strict=True)
    return number(statistics.median(a / b for a, b in pairs), 2)


def row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def head(*cells: str) -> list[str]:
    return [row(*cells), "|" + "---|" * len(cells)]


def subjects(lines: Lines, workload: str) -> dict[str, dict[str, Any]]:
    return {line["subject"]: line for line in lines if line["workload"] == workload}


def us(line: dict[str, Any] | None) -> str:
    return "" if line is None else number(line["us_per_step"])


def compiling(line: dict[str, Any] | None) -> str:
    seconds = (line or {}).get("compile_s") or (line or {}).get("first_s")
    return number(seconds, 2) if seconds else "-"


def rounds(lines: Lines) -> str:
    """Of how many rounds the medians are."""
    found = sorted({line["runs"] for line in lines if "runs" in line})
    if found == [1]:
        return "**A rehearsal of one round: it shows that all runs, and measures nothing.**"
    once = sorted({line["workload"] for line in lines if line.get("runs") == 1})
    one = f" **One round of {', '.join(f'`{name}`' for name in once)}.**" if once else ""
    return f"Medians of {' or '.join(str(n) for n in found if n > 1)} rounds.{one}"


def others(lines: Lines) -> list[str]:
    """Ours beside every peer."""
    columns = ("workload", "by C", "by XLA", "peer", "its time", "over C", "over XLA", "bar", "compiling (s)")
    out = head(*columns)
    for workload, words in WORKLOADS.items():
        found = subjects(lines, workload)
        if not found:
            continue
        by_c, by_xla = found.pop("by-c", None), found.pop("jaxsnn")
        ours = (words, us(by_c), us(by_xla))
        for name, line in found.items():
            version = "" if name in OURS else f" {line['version']}"
            times = (ratio(line, by_c), ratio(line, by_xla), BARS.get((workload, name), ""))
            took = ", ".join(compiling(x) for x in (by_c, by_xla, line))
            out.append(row(*ours, SUBJECTS.get(name, name) + version, us(line), *times, took))
            ours = ("", "", "")
        if ours[0]:
            out.append(row(*ours, "", "", "", "", "", ", ".join(compiling(x) for x in (by_c, by_xla))))
    return out


def summary(lines: Lines) -> list[str]:
    """Times alone, for the README."""
    names = ("jaxsnn", "by-c", "brian2", "nest")
    versions = {name: subjects(lines, "cuba")[name]["version"] for name in ("brian2", "nest")}
    peers = (f"{SUBJECTS[name]} {text}" for name, text in versions.items())
    out = head("us a step (of a point)", "jaxsnn", "compiled by C", *peers)
    for workload in ("cuba", "sweep", "cuba-sweep", "brunel-sweep", "plasticity", "song"):
        found = subjects(lines, workload)
        out.append(row(WORKLOADS[workload], *(us(found.get(name)) for name in names)))
    return [*out, "", rounds(lines)]


def cores(lines: Lines) -> list[str]:
    """One network on two devices of the host."""
    columns = ("compiled by", "one core (us a step)", "two", "speed-up", "bar", "same spikes")
    out = head("neurons", "synapses", *columns)
    for workload in ("cores-100k", "cores-400k", "cores-1m"):
        if found := subjects(lines, workload):
            for kind, one, two in (("XLA", "jaxsnn", "on-two"), ("C", "by-c", "on-two-by-c")):
                one, two = found[one], found[f"{workload}-{two}"]
                sizes = (f"{one['neurons']:,}".replace(",", " "), f"{one['synapses']:,}".replace(",", " "))
                same = "yes" if one["agrees"] and two["agrees"] else "no"
                out.append(row(*sizes, kind, us(one), us(two), ratio(one, two), CORES_BAR, same))
    return out


def growth(lines: Lines) -> list[str]:
    """Processor time a step against each axis, and what is kept."""
    columns = ("", "", "by XLA (us)", "exponent", "by C (us)", "exponent", "bytes of state a neuron", "bytes a synapse")
    out = head(*columns)
    for axis, words in AXES.items():
        about = [line for line in lines if line["workload"] == "growth" and line["axis"] == axis]
        points = {way: [x for x in about if x["compiler"] == way and "exponent" not in x] for way in ("XLA", "C")}
        fitted = {x["compiler"]: number(x["exponent"], 2) for x in about if "exponent" in x}
        listed = lambda way, field, points=points: "; ".join(number(x[field]) for x in points[way])
        times = [cell for way in ("XLA", "C") for cell in (listed(way, "cpu_us_per_step"), fitted.get(way, ""))]
        memory = [listed("XLA", field) for field in ("state_bytes_per_neuron", "bytes_per_synapse")]
        out.append(row(words, listed("XLA", axis), *times, *memory))
    return out


def first_use(lines: Lines) -> list[str]:
    """Processor seconds from `import jaxsnn` to the README's result."""
    line = subjects(lines, "first-use")["jaxsnn"]
    stages = {
        "jax": "importing JAX",
        "import": "importing the library",
        "network": "the README's network",
        "first": "its run",
        "second": "another network of the same structure",
        "longer": "another length",
        "probe": "another probe",
        "continued": "continued",
    }
    out = head("", "processor time (s)", "programs compiled")
    for name, words in stages.items():
        compiled = line.get(f"{name}_compilations")
        out.append(row(words, number(line[f"{name}_s"], 2), "" if compiled is None else f"{compiled:g}"))
    return out


def run(lines: Lines) -> list[str]:
    """Where, when and by what the other blocks were measured."""
    lines = [line for line in lines if "command" in line]
    peers = [line for line in lines if line.get("subject") in {*SUBJECTS} - {*OURS}]
    versions = {SUBJECTS[line["subject"]]: line["version"] for line in peers}
    jax = {line["jax"] for line in lines if line.get("subject") == "jaxsnn" and "jax" in line}
    machine = {f"{line['cores']} cores of {line['processor']}" for line in lines}
    days = sorted(line["date"].replace("T", " ").removesuffix("+00:00") for line in lines)
    about = ", ".join(["JAX " + " and ".join(sorted(jax)), *(f"{name} {text}" for name, text in versions.items())])
    commands = list(dict.fromkeys(line["command"] for line in lines))
    where = f"{'; '.join(sorted(machine))}; {days[0]} to {days[-1]} UTC; {about}."
    return [where, rounds(lines), "", "```", *commands, "```"]


BLOCKS: dict[str, Callable[[Lines], list[str]]] = {
    "run": run,
    "others": others,
    "cores": cores,
    "growth": growth,
    "first-use": first_use,
    "summary": summary,
}


def counted(path: Path) -> Lines:
    """Of lines about the same the last one."""
    same = ("workload", "subject", "axis", "compiler", "neurons", "rate", "fan_out", "delays", "instances")
    return [*{tuple(line.get(name) for name in same): line for line in json.loads(path.read_text())}.values()]


def block(name: str, path: Path) -> str:
    """The text of a block."""
    return "\n".join(BLOCKS[name](counted(path)))


def written(page: str, path: Path) -> str:
    """A page with all its blocks made from a file."""
    return BLOCK.sub(lambda found: f"{found[1]} {path.name} -->\n\n{block(found[2], path)}\n\n<!-- /bench -->", page)


def stale(page: str, folder: Path = records.RESULTS) -> list[str]:
    """The blocks of a page that are not what their file makes."""
    return [found[2] for found in BLOCK.finditer(page) if found[4] != block(found[2], folder / found[3])]


def main(arguments: list[str]) -> None:
    """`python -m experiments.bench tables`"""
    parser = argparse.ArgumentParser(prog="python -m experiments.bench tables", description=__doc__)
    parser.add_argument("results", help="a kept file, or the commit of one")
    given = parser.parse_args(arguments)
    path = records.path_of(given.results)
    found = {line["workload"] for line in counted(path)}
    if missing := [name for name in (*WORKLOADS, "cores-100k", "growth", "first-use") if name not in found]:
        raise SystemExit(f"{path.name} has no line of {', '.join(missing)}: run `all --only` for these first.")
    for page in PAGES:
        page.write_text(written(page.read_text(), path))
        print(f"{page} has the tables of {path.name}", file=sys.stderr)
