"""Brian2's own examples here, one by one: `python -m tests.brian2_gate OUT [NAME ...]`, in double precision.

`OUT` is what `tests/oracles/brian2_examples.py` wrote. Prints a line an example, and a Markdown table at the end, which
`docs/pages/brian2.md` quotes: an example without chance has every spike of Brian2, or variables to 1e-6 where nothing
fires; one with chance has as many spikes in the mean of its runs, within four standard errors of the difference.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

import jax
import numpy as np

import jaxsnn as snn
from jaxsnn.interop import from_brian2
from jaxsnn.interop.brian2.numbers import Number
from jaxsnn.interop.brian2.stored import opened
from jaxsnn.interop.brian2.texts import free_names

CLOSE = 1e-6


def run(found, steps, groups, key, probe=snn.Raster):
    record = {group: probe(group) for group in groups}
    return snn.simulate(found.net, found.drive, steps=steps, key=key, record=record, throw=False,
                        progress=snn.progress.Quiet())  # fmt: skip


def has_chance(found, given):
    noisy = any(getattr(each.neuron, "noisy", False) for each in found.net.populations.values())
    return noisy or bool(given["inputs"])


def exact(found, given, out):
    """Spikes, those that differ, and the largest difference of a variable at the end, relative."""
    groups = [key[:-5] for key in out if key.endswith(".step")]
    ran, wrong, count, worst = run(found, int(out["steps"]), groups, 0), 0, 0, 0.0
    for group in groups:
        own = {*zip(*map(np.ndarray.tolist, np.nonzero(np.asarray(ran[group]))))}
        theirs = {*zip(out[f"{group}.step"].tolist(), out[f"{group}.neuron"].tolist())}
        wrong, count = wrong + len(own ^ theirs), count + len(theirs)
    for key, end in out.items():
        if ".end." not in key:
            continue
        group, variable = key.split(".end.")
        lines = given["groups"][group]["equations"]
        want = Number.of({"si": end, "dim": next(x["dim"] for x in lines if x["name"] == variable)}).value
        name = free_names(lines, given["groups"][group]["names"]).get(variable, variable)
        got = np.asarray(getattr(ran.state.model.populations[group].neuron, name))
        worst = max(worst, float(np.abs(got - want).max() / max(np.abs(want).max(), 1e-9)))
    return count, wrong, worst


def statistics(found, out):
    """Spikes of all groups in Brian2 and here, mean of the runs, and the largest difference in standard errors."""
    groups = [key[:-7] for key in out if key.endswith(".counts")]
    seeds = len(out[f"{groups[0]}.counts"]) if groups else 0
    own = {group: [] for group in groups}
    for key in jax.random.split(jax.random.key(7), 2 * seeds):
        ran = run(found, int(out["steps"]), groups, key, snn.Count)
        for group in groups:
            own[group].append(int(np.asarray(ran[group]).sum()))
    worst, total = 0.0, [0.0, 0.0]
    for group in groups:
        theirs, ours = out[f"{group}.counts"].astype(float), np.array(own[group], float)
        error = np.sqrt((theirs.var() + 0.5) / (seeds - 1) + (ours.var() + 0.5) / (2 * seeds - 1))
        worst = max(worst, abs(theirs.mean() - ours.mean()) / error)
        total = [total[0] + theirs.mean(), total[1] + ours.mean()]
    return total[0], total[1], worst


def load(path):
    with np.load(path) as file:
        return dict(file)


def verdict(out, name):
    """The outcome of an example and what there is to say of it."""
    said = json.loads((out / f"{name}.json").read_text())
    if "norun" in said:
        return "no network is run", ""
    if "failed" in said:
        return "does not run in Brian2 here", said["failed"]
    if "refused" in said:
        return "refused", said["refused"]
    try:
        given = opened(out / f"{name}.npz")
        found = from_brian2(given)
    except ValueError as error:
        return "refused", str(error)
    if has_chance(found, given):
        if not (out / f"{name}.seeds.npz").exists():
            return "runs, not compared", "it has chance, and no runs of Brian2 are kept"
        if not any(key.endswith(".counts") for key in load(out / f"{name}.seeds.npz")):
            return "runs, not compared", "it has chance, and nothing fires"
        theirs, ours, worst = statistics(found, load(out / f"{name}.seeds.npz"))
        return (
            "statistics" if worst < 4 else "DIFFERS"
        ), f"{theirs:.1f} and {ours:.1f} spikes, {worst:.1f} errors apart"
    if not (out / f"{name}.out.npz").exists():
        return "no comparison", "Brian2's run did not end"
    count, wrong, worst = exact(found, given, load(out / f"{name}.out.npz"))
    if wrong == 0 and (count or worst < CLOSE):
        return "spike for spike" if count else "variables", f"{count} spikes, variables to {worst:.0e}"
    words = f"{wrong} of {count} spikes differ, variables {worst:.0e}"
    if said.get("dtype") == "float32":  # another trajectory
        return "statistics", f"Brian2 runs it in single precision: {words}"
    return "DIFFERS", words


def main():
    jax.config.update("jax_enable_x64", True)
    out = Path(sys.argv[1])
    names = [x.replace("/", "+") for x in sys.argv[2:]] or sorted(path.stem for path in out.glob("*.json"))
    rows, begin = [], time.time()
    for name in names:
        try:
            outcome, words = verdict(out, name)
        except Exception as error:  # one example does not end the others
            outcome, words = "CRASHED", f"{type(error).__name__}: {error}"
        rows.append((name.replace("+", "/"), outcome, " ".join(words.split())))
        print(f"{rows[-1][0]}: {outcome}. {rows[-1][2][:300]} ({time.time() - begin:.0f} s)", flush=True)
    print("\n| outcome | examples |\n|---|---|")
    for outcome, count in Counter(outcome for _, outcome, _ in rows).most_common():
        print(f"| {outcome} | {count} |")
    print("\n| example | outcome | |\n|---|---|---|")
    for name, outcome, words in rows:
        print(f"| `{name}` | {outcome} | {words[:160]} |")


if __name__ == "__main__":
    main()
