"""Reports of programs: what a program by hand takes of a chip, and the same of a lowered one as `lower` said."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import loihi
from jaxsnn.lowering import InputCells, report
from tests.refused import refused

pytestmark = pytest.mark.unoptimised

KEY = jax.random.key(0)
LOIHI1, LOIHI2 = loihi.Loihi1(), loihi.Loihi2()
RASTER = (np.random.default_rng(0).random((60, 8)) < 0.25).astype(np.float32)
DRIVE = snn.Replay(RASTER, into="in")


# --- a lowered program has the report that `lower` gave ---------------------------------------------------------------

CHIPS = {
    "loihi1": (LOIHI1, lambda: snn.LIF(tau=8.0, v_th=1.0)),
    "loihi2": (LOIHI2, lambda: snn.neurons.ResonateAndFire(period=9.0, tau=9.0, v_th=0.5)),
    "spinnaker": (snn.chips.spinnaker.SpiNNaker1(), lambda: snn.LIF(tau=8.0, v_th=1.0)),
    "xylo": (
        snn.chips.xylo.XyloAudio2(),
        lambda: snn.CubaLIF(tau=16.0, tau_syn=4.0, reset_mechanism=snn.resets.Subtract()),
    ),
    "truenorth": (snn.chips.truenorth.TrueNorth(), lambda: snn.chips.truenorth.LinearLeakIF(v_th=2.0)),
    "brainscales": (snn.chips.brainscales.BrainScaleS2(), lambda: snn.CubaLIF(tau=16.0, tau_syn=4.0)),
}


def network(cell):
    """A list of synapses and a matrix; no weight is rounded to 0."""
    links = {
        "a": snn.Connection("in", "E", snn.FixedProb(0.5), weight=snn.Uniform(0.2, 0.5), delay=1.0),
        "b": snn.Connection("E", "O", snn.AllToAll(), via=snn.Dense(), weight=snn.Uniform(0.1, 0.4), delay=1.0),
    }
    populations = {"in": snn.SpikeSource(8), "E": snn.Population(cell, 12), "O": snn.Population(cell, 3)}
    return snn.network(dt=1.0, key=KEY, populations=populations, projections=links)


@pytest.mark.parametrize("chip", CHIPS)
def test_the_program_of_a_lowering_is_told_as_it_was(chip):
    """Cores, memory, bounds and proofs, synapses, rates, energy, of one code."""
    target, cell = CHIPS[chip]
    made = snn.lower(network(cell()), target, calibrate=DRIVE)
    asked, again = made.report.data, report(made.program, target, calibrate=DRIVE).data
    for part in ("target", "dt ms", "late", "proofs assume", "chip", "energy"):
        assert again.get(part) == asked.get(part), part
    assert again["cells"].keys() == asked["cells"].keys()
    for name, cell in again["cells"].items():
        proofs = [key for key in cell if key.endswith((" from", " to", " is proved"))]
        assert all(cell[key] == asked["cells"][name][key] for key in ("n", "registers", *proofs)), name
        assert cell["scale"] == pytest.approx(asked["cells"][name]["scale"], rel=1e-6)
        assert proofs or chip in ("brainscales", "xylo")
    assert again["run"]["rate Hz"].keys() == made.program.cells.keys()
    for name, one in asked["agreement"].items():
        assert again["run"]["rate Hz"][name] == pytest.approx(one["rate Hz"], rel=1e-6)
    if chip == "truenorth":  # whose edges become bits of a crossbar behind routes with other names
        return
    links = lambda data: sorted(
        [link["from"], link["to"], link["synapses"], link["longest delay"]] for link in data["links"].values()
    )
    assert links(again) == links(asked)


def test_loihis_formats_are_told_too():
    """Control: of a program whose synapses have another exponent, bounds and formats are others."""
    made = snn.lower(network(CHIPS["loihi1"][1]()), LOIHI1)
    asked, again = made.report.data, report(made.program, LOIHI1).data
    for name, link in asked["links"].items():
        same = ("sign", "bits", "exponent", "synapses", "longest delay")
        assert all(again["links"][name][key] == link[key] for key in same)
    other = snn.set(made.program, "b.exponent", made.program.synapses["b"].exponent - 1)
    louder = report(other, LOIHI1).data
    assert louder["links"]["b"]["exponent"] == asked["links"]["b"]["exponent"] - 1
    assert louder["cells"]["O"]["input to"] < asked["cells"]["O"]["input to"]
    assert louder["cells"]["E"]["input to"] == asked["cells"]["E"]["input to"]


def test_a_core_by_hand():
    """TrueNorth: two senders share an axon, one axon has none; bits are those of the crossbar, edges those of ways."""
    tn = snn.chips.truenorth
    crossbar = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 0]])
    cells = {"in": InputCells(3), "E": tn.CoreCells.of(crossbar, [0, 1, 0], np.ones((4, 3)), 5)}
    program = snn.lowering.Program(cells, {"R": tn.Routes("in", "E", [0, 0, 1], [1, 4, 2], axons=3)})
    data = report(program, tn.TrueNorth(), calibrate=snn.Replay(np.eye(3, dtype=np.float32), into="in")).data
    chip = data["chip"]
    assert (chip["cores"], chip["neurons"], chip["crossbar bits"], chip["memory bits"]) == (1, 3, 5, 256 * 256)
    assert chip["placement"] == [dict(group="E", first=0, chip=0, core=0, cells=3, axons=3)]
    assert data["links"]["R"]["synapses"] == 2 + 2 + 2
    assert data["energy"]["synaptic events a step"] == pytest.approx(6 / 3)


# --- by hand ----------------------------------------------------------------------------------------------------------


def by_hand(n=20, weight=40, senders=8, decay=400, **more):
    cells = {"in": InputCells(senders), "E": loihi.CubaCells(n, decay_u=4096, decay_v=decay, threshold=300, **more)}
    return loihi.program(
        cells, {"S": loihi.Synapses("in", "E", np.full((senders, n), weight), sign=loihi.Excitatory())}
    )


def test_numbers_that_can_be_counted():
    """A spike of an input reaches 20 synapses; a row of 20 weights of 8 bits and a header of 10 are 3 words of 64."""
    data = report(by_hand(), LOIHI1, calibrate=DRIVE).data
    assert data["passes"] == ["a program as it is", "PlaceOnCores", "RouteAxons", "VerifyLimits"]
    chip = data["chip"]
    assert (chip["cores"], chip["chips"], chip["axons in"], chip["axons out"]) == (1, 1, 8, 0)
    assert chip["memory bits"] == 8 * 3 * 64
    assert chip["binding limit"]["limit"] == "cells" and chip["binding limit"]["used"] == 20
    assert data["links"]["S"] | {"described": 0} == {
        "from": "in", "to": "E", "sign": "Excitatory", "exponent": 0, "bits": 8, "longest delay": 0, "described": 0,
        "synapses": 160, "weights that are 0": 0,
    }  # fmt: skip
    cell = data["cells"]["E"]
    assert cell["input from"] == 0 and 64 * 40 * 8 <= cell["input to"] <= 64 * 40 * 8 + 1 and cell["input is proved"]
    spikes = RASTER.sum() / len(RASTER)
    assert data["run"]["rate Hz"]["in"] == pytest.approx(1e3 * spikes / 8, rel=1e-6)
    assert data["energy"]["synaptic events a step"] == pytest.approx(20 * spikes, rel=1e-6)
    assert data["energy"]["nJ a step by event"]["synapses"] == pytest.approx(23.6e-3 * 20 * spikes, rel=1e-6)
    assert "energy" not in report(by_hand(), LOIHI1).data  # control: without a run there is none


def test_it_is_divided_among_cores_or_refused():
    assert report(by_hand(n=2500), LOIHI1).data["chip"]["cores"] == 3
    assert report(by_hand(n=2500), LOIHI2).data["chip"]["cores"] == 1
    with refused("'E' does not fit Loihi1", "needs 4097 axons in of the 4096"):
        report(by_hand(n=1, senders=4097), LOIHI1)
    profiles = by_hand(n=40, decay=np.arange(40))
    with refused("'E' has 40 different decays", "32 profiles a core"):
        report(profiles, LOIHI1)
    assert report(profiles, LOIHI2).data["chip"]["cores"] == 1


def test_what_can_overflow_is_told_and_what_did():
    """254 x 2^7 a spike: eight at once do not fit the accumulator. A run in which all fire says so."""
    loud = loihi.program(
        {"in": InputCells(8), "E": loihi.CubaCells(4, decay_u=4096, decay_v=400, threshold=300)},
        {"S": loihi.Synapses("in", "E", np.full((8, 4), 254), exponent=7, sign=loihi.Excitatory())},
    )
    told = report(loud, LOIHI1)
    assert not told.data["cells"]["E"]["input is proved"]
    assert "E: input" in str(told) and any("can overflow" in line for line in told.data["advice"])
    all_at_once = report(loud, LOIHI1, calibrate=snn.Replay(np.ones((5, 8), np.float32), into="in"))
    assert any("INPUT_OVERFLOW" in line or "input" in line for line in all_at_once.data["run"]["problems"])
    assert any("can overflow" in line for line in all_at_once.data["advice"])
    silent = report(loud, LOIHI1, calibrate=snn.Replay(np.zeros((5, 8), np.float32), into="in")).data
    assert silent["run"]["problems"] == [] and not any("can overflow" in line for line in silent["advice"])
    quiet = report(by_hand(), LOIHI1).data
    assert quiet["advice"] == [] and all(x for key, x in quiet["cells"]["E"].items() if key.endswith("is proved"))


def test_what_has_no_bound():
    """A sum of products of 32 bits may not fit its register: no end, not proved, and JSON that anybody can read."""
    cells = {"in": InputCells(2), "P": loihi.ProductCells(2), "R": loihi.ResonatorCells(3, sin=100, cos=2000)}
    links = {
        "a": loihi.Synapses("in", "P", np.full((2, 4), 2)),
        "b": loihi.Synapses("P", "R", np.full((2, 6), 254), exponent=7),
    }
    told = report(loihi.program(cells, links, loihi.LavaCore()), LOIHI2)
    assert told.data["cells"]["R"]["real to"] is None and not told.data["cells"]["R"]["real is proved"]
    assert "real: ? .. ?, NOT PROVED" in str(told) and told.html.count("<svg") == 1
    json.loads(told.json, parse_constant=pytest.fail)


def every_kind():
    """A program with all cells and synapses of Loihi 2."""
    turn = loihi.resonator_coefficients(10.0, 0.1)
    made = {
        kind.__name__: kind(4, **(dict(sin=turn["sin"], cos=turn["cos"]) if "sin" in kind.__dataclass_fields__ else {}))
        for kind in LOIHI2.kinds
    }
    made["InputCells"] = InputCells(16)
    links = {
        f"to {name}": loihi.Synapses("InputCells", name, np.full((16, cells.receivers), 2))
        for name, cells in made.items()
        if name != "InputCells"
    }
    image = loihi.ConvSynapses("InputCells", "CubaCells", np.full((1, 1, 3, 3), 3), image=(1, 4, 4))
    rule = loihi.LoihiRule("x0*y1", y1=loihi.LoihiTrace(2.0, 3.0))
    some = np.arange(64).reshape(16, 4) % 3 == 0
    links["conv"] = image
    links["few"] = loihi.SparseSynapses.of(loihi.Synapses("InputCells", "CubaCells", np.full((16, 4), 6)), some)
    links["learns"] = loihi.LearningSynapses("InputCells", "CubaCells", np.where(some, 4, 0), rule=rule, exists=some)
    return loihi.program(made, links, loihi.LavaCore()), some


def test_every_kind_of_cells_and_synapses(tmp_path):
    program, some = every_kind()
    told = report(program, LOIHI2)
    data = told.data
    assert data["cells"].keys() | {"InputCells"} == program.cells.keys()
    assert data["links"].keys() == program.synapses.keys()
    synapses = {name: link["synapses"] for name, link in data["links"].items()}
    assert synapses["few"] == synapses["learns"] == some.sum()
    assert synapses["conv"] == 4 * 9 and synapses["to ResonatorCells"] == 16 * 8 and synapses["to CubaCells"] == 64
    assert any("dw = x0*y1" in line for line in data["links"]["learns"]["described"])
    assert data["chip"]["cores"] == len(program.cells) - 1
    for name in program.named:
        assert name in str(told), name
    snn.lowering.save_program(program, tmp_path / "p.npz")
    assert report(snn.lowering.load_program(tmp_path / "p.npz"), LOIHI2).data == data


def test_a_convolution_as_lists_is_the_convolution():
    """Strides, padding, dilation and groups: the matrix of its lists gives what it gives; a shifted one does not."""
    rng = np.random.default_rng(1)
    for more in (dict(stride=2, padding=1), dict(dilation=2, groups=2), dict(stride=(1, 2), padding=(0, 2), groups=2)):
        weight = rng.integers(-20, 21, (4, 4 // more.get("groups", 1), 3, 2))
        group = loihi.ConvSynapses("a", "b", weight, image=(4, 6, 7), **more)
        sender, receiver, values = group.listed()
        matrix = np.zeros(group.shape)
        np.add.at(matrix, (sender, receiver), values)
        spikes = jnp.asarray(rng.random(group.shape[0]) < 0.5, jnp.float32)
        exact = np.asarray(group.convolve(spikes, group.weight.astype(jnp.float32)))
        np.testing.assert_array_equal(np.asarray(spikes) @ matrix, exact)
        assert np.any(np.roll(np.asarray(spikes), 1) @ matrix != exact)


def test_forms(tmp_path):
    """As of a lowered program: text, JSON, and one page with pictures that needs nothing else."""
    told = report(by_hand(), LOIHI1, calibrate=DRIVE)
    for name in ("r.txt", "r.json", "r.html"):
        told.save(tmp_path / name)
    page = (tmp_path / "r.html").read_text()
    assert page.count("<svg") == 1 and "What was written" in page and "CubaCells, decay_u 4096" in page
    assert "messages of a cell, Hz" in page and "src=" not in page and "href=http" not in page
    assert json.loads((tmp_path / "r.json").read_text()) == told.data
    assert "E: 20 cells\n" in (tmp_path / "r.txt").read_text()
    assert report(every_kind()[0], LOIHI2).html.count("<svg") == 1


def test_what_is_no_program_for_a_chip():
    with refused("Got int and", "expected a Program"):
        report(3, LOIHI1)  # pyright: ignore[reportArgumentType]
    with refused("'AdaptiveCells' is AdaptiveCells, which Loihi1 does not have"):
        report(every_kind()[0], LOIHI1)
    with refused("expected Calibration"):
        report(by_hand(), LOIHI1, calibrate=3)
    with refused("traced numbers", "outside jit"):
        jax.jit(lambda decay: report(by_hand(decay=decay), LOIHI1) and decay)(jnp.int32(3))
    with refused("Silent does not tell what programs take of it", "lower a network"):
        report(by_hand(), Silent())


class Silent(loihi.Loihi1):
    """A chip whose maker wrote no `graph_of`."""

    graph_of = snn.lowering.AbstractTarget.graph_of
