"""Networks of Brian2 are the same networks here: spikes and variables of a run, in float64.

The golden data and what each case is are in `tests/oracles/brian2_networks.py`.
"""

import copy
import pathlib
import re

import equinox as eqx
import jax
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.interop import from_brian2
from jaxsnn.interop.brian2.numbers import Number
from jaxsnn.interop.brian2.stored import opened, store_brian2

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "brian2"
EXACT = (
    "lif",
    "cuba",
    "coba",
    "hh",
    "tables",
    "stdp",
    "inhibition",
    "short_term",
    "split",
    "gap",
    "clocked",
    "clocked_stdp",
    "reading",
    "calcium",
)
STEPS = 1000


def description(name):
    return opened(GOLDEN / f"{name}.npz")


def outcome(name):
    """What Brian2 made of it."""
    with np.load(GOLDEN / f"{name}.out.npz") as file:
        return dict(file)


def run(found, record, steps=STEPS, key=0):
    return snn.simulate(found.net, found.drive, steps=steps, key=key, record=record, progress=snn.progress.Quiet())


def differences(name, given):
    """The spikes that differ from Brian2's, how many there are, and the largest difference of a variable, relative."""
    found, want = from_brian2(given), outcome(name)
    groups = [key[:-5] for key in want if key.endswith(".step")]
    got = run(found, {**{group: snn.Raster(group) for group in groups}, **found.record})
    wrong, count, worst = 0, 0, 0.0
    for group in groups:
        own = {*zip(*map(np.ndarray.tolist, np.nonzero(np.asarray(got[group]))))}
        theirs = {*zip(want[f"{group}.step"].tolist(), want[f"{group}.neuron"].tolist())}
        wrong, count = wrong + len(own ^ theirs), count + len(theirs)
    for key in want:
        monitor, _, variable = key.partition(".")
        if variable not in ("step", "neuron"):
            expected = Number.of({"si": want[key], "dim": dimension(given, monitor, variable)}).value
            own = np.asarray(got[key])[4::5]  # every fifth sample is kept, from time 0 on
            worst = max(worst, np.abs(own[: len(expected) - 1] - expected[1:]).max() / np.abs(expected).max())
    return wrong, count, worst


def dimension(given, monitor, variable):
    source = given["monitors"][monitor]
    owner = given["synapses"][source["synapses"]] if "synapses" in source else given["groups"][source["group"]]
    return next(line["dim"] for line in owner["equations"] if line["name"] == variable)


@pytest.mark.parametrize("name", EXACT)
def test_every_spike_is_that_of_brian2(name, x64):
    wrong, count, worst = differences(name, description(name))
    assert wrong == 0 and count > 10
    assert worst < 1e-12


def later(given):
    for each in given["synapses"].values():
        for path in each["pathways"]:
            path["delay"] = np.asarray(path["delay"]) + 1e-4


def longer(given):
    for group in given["groups"].values():
        if isinstance(group.get("refractory"), dict):
            group["refractory"]["si"] += 1e-4


def other_sign(given):
    for each in given["synapses"].values():
        for path in each["pathways"]:
            path["code"] = path["code"].replace("w + apost", "w - apost")


def other_method(given):
    for group in given["groups"].values():
        group["method"] = group.get("method") and "euler"


def earlier(given):
    for group in given["groups"].values():
        if group["kind"] == "generator":
            group["times"] = group["times"] - 1e-4 * (group["times"] > 1e-4)


def one_row_off(given):
    for group in given["groups"].values():
        for entry in group.get("names", {}).values():
            if "table" in entry:
                entry["si"] = np.roll(entry["si"], 1, axis=0)


def weaker(given):
    given["synapses"]["S"]["summed"][0]["expr"] = "0.99*w*(v_pre - v_post)"


def slower(given):
    given["synapses"]["S"]["names"]["rec"]["si"] *= 0.99


def other_names(given):
    """The step of the synapses comes before that of their senders, as in Brian2 if it were called so."""
    for entry in (*given["monitors"].values(), given):
        if entry.get("synapses") == "mid_t":
            entry["synapses"] = "a_t"
    given["synapses"]["a_t"] = given["synapses"].pop("mid_t")


def sums_at_the_start(given):
    given["synapses"]["mid_u"]["summed"][0]["order"] = -1


def not_back(given):
    """Variables that move from event to event as if they had moved before the first."""
    for each in given["synapses"].values():
        for line in each["equations"]:
            line["flags"] = ["clock-driven" if flag == "event-driven" else flag for flag in line["flags"]]
        each["method"] = each["method"] or "exact"


def reset_first(given):
    for each in given["synapses"].values():
        for path in each["pathways"]:
            path["code"] = path["code"].replace("u_post + 69*mV", "v_post + 69*mV")


def less_forgotten(given):
    for each in given["synapses"].values():
        for path in each["pathways"]:
            path["code"] = path["code"].replace("q *= 0.5", "q *= 0.51")


@pytest.mark.parametrize(
    ("name", "change"),
    [("reading", other_names), ("reading", sums_at_the_start), ("calcium", not_back), ("calcium", reset_first),
     ("clocked", later), ("clocked", less_forgotten), ("cuba", later), ("cuba", longer), ("stdp", other_sign),
     ("stdp", earlier), ("coba", other_method), ("tables", one_row_off), ("gap", weaker), ("short_term", slower),
     ("split", other_method)],
)  # fmt: skip
def test_another_network_is_noticed(name, change, x64):
    """Negative controls."""
    given = copy.deepcopy(description(name))
    change(given)
    wrong, _, worst = differences(name, given)
    assert wrong > 0 or worst > 1e-6


def test_synapses_that_are_integrated_have_derivatives(x64):
    """Of a sum of membranes with respect to the weights of these synapses, before any of them fires: finite
    differences."""
    found = from_brian2(description("clocked"))
    narrow = snn.surrogates.Boxcar(1e3)  # 0 for what does not come near its threshold
    net = eqx.tree_at(lambda net: net.populations["cells"].neuron.surrogate, found.net, narrow)

    def total(w):
        own = snn.set(net, "S.synapse.w", snn.get(net, "S.synapse.w") * w)
        run = snn.simulate(own, found.drive, steps=90, key=0, record=snn.Last("cells.v"), throw=False)
        return run.record.sum()

    assert outcome("clocked")["cells.step"].min() > 90
    value, slope = jax.jit(jax.value_and_grad(total))(1.0)
    near = (total(1.0 + 1e-6) - total(1.0 - 1e-6)) / 2e-6
    assert np.isfinite(value) and abs(slope) > 0.1
    np.testing.assert_allclose(slope, near, rtol=1e-6)


def test_sources_that_draw_fire_as_often(x64):
    """Numbers of spikes of as many runs as Brian2 has made: within four standard errors of the difference."""
    want = outcome("poisson")
    found = from_brian2(description("poisson"))
    counts = {key[:-7]: want[key] for key in want}
    seeds = len(want["cells.counts"])
    record = {group: snn.Raster(group) for group in counts}
    runs = jax.jit(jax.vmap(lambda key: run(found, record, key=key).record))(jax.random.split(jax.random.key(3), seeds))
    for group, theirs in counts.items():
        own = np.asarray(runs[group].dense()).sum((1, 2))
        error = np.sqrt((own.var() + theirs.var()) / (seeds - 1))
        assert abs(own.mean() - theirs.mean()) < 4 * error, (group, own.mean(), theirs.mean(), error)
        assert error < 0.1 * theirs.mean()  # negative control: a tenth more would be seen at four of these at most


def test_a_spike_may_pass_on_a_trace_beside_the_weight():
    """Of 0 times the trace the network is Brian2's; of more of it another one."""

    def passing(text):
        given = description("stdp")
        (pre,) = (path for path in given["synapses"]["S"]["pathways"] if path["side"] == "pre")
        assert "ge += w\n" in pre["code"]
        pre["code"] = pre["code"].replace("ge += w\n", text + "\n")
        with jax.enable_x64(True):
            return differences("stdp", given)[0]

    assert passing("ge += w + 0*apre") == 0 and passing("ge += w*(1 - 9*apre/g_max)") > 10


def test_a_description_is_kept_by_its_file(tmp_path):
    given = description("tables")
    store_brian2(given, tmp_path / "again.npz")
    again = opened(tmp_path / "again.npz")
    assert jax.tree.structure(again) == jax.tree.structure(given)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(given), strict=True))


def test_what_no_probe_records_is_said():
    given = description("hh")
    given["monitors"]["trace"]["variables"] += ["I"]
    found = from_brian2(given)
    assert set(found.record) == {"spikes", "trace.v", "trace.sent", "trace.heard"} or len(found.record) == 4
    assert "I" in found.not_recorded["trace.I"]


def test_numbers_are_leaves_by_their_names():
    """A sweep over a name of the namespace, and over a weight, changes what it says."""
    net = from_brian2(description("cuba")).net
    assert float(net["cells"].neuron.taum) == 20.0 and float(net["exc"].weight) == np.float32(1.62)
    other = snn.set(net, "cells.neuron.taum", 10.0)
    assert float(other["cells"].neuron.taum) == 10.0


def test_the_page_s_sweep_runs():
    """The blocks of a sweep of `docs/pages/brian2.md`, with fewer points, of a network of these names."""
    page = (pathlib.Path(__file__).parents[2] / "docs" / "pages" / "brian2.md").read_text()
    blocks = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    blocks = [block for block in blocks if "snn." in block][:2]
    given = description("cuba")
    for table in ("groups", "synapses"):
        names = {"cells": "P", "exc": "Ce", "inh": "Ci"}
        given[table] = {names.get(name, name): entry for name, entry in given[table].items()}
    for entry in (*given["synapses"].values(), *given["monitors"].values()):
        for end in (entry.get("source"), entry.get("target"), entry):
            if end and end.get("group") == "cells":
                end["group"] = "P"
    text = "\n".join(blocks).replace("n=21", "n=3").replace("t=200.0", "t=20.0").replace("rates.rate.plot()", "")
    assert text.count("n=3") == 1 and text.count("t=20.0") == 1
    found = {"network": given}
    exec(text, found)
    assert found["rates"].rate.shape == (3,) and int(found["rates"].status.sum()) == 0
