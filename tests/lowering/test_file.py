"""Program files: identical when read back; refused, with a reason, when they are not what was written."""

import dataclasses
import json
import zipfile

import jax
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn._objects import digest
from tests.chips.loihi.programs import program
from tests.oracles import loihi_cases
from tests.refused import refused
from tests.simulation.toys import assert_same


@pytest.fixture
def written(tmp_path):
    net = snn.network(
        dt=0.5,
        key=jax.random.key(0),
        populations={"in": snn.SpikeSource(3), "E": snn.Population(snn.LIF(tau=5.0, v_th=1.0), 4)},
        projections={"w": snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=snn.Normal(0.1, 0.1))},
    )
    made = snn.lower(net, snn.chips.loihi.Loihi1()).program
    snn.lowering.save_program(made, tmp_path / "a.npz")
    return made, tmp_path / "a.npz"


def rewritten(path, change):
    """The same file with its arrays changed."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    change(arrays)
    np.savez(path, **arrays)
    return path


def test_read_back_it_is_identical(written, tmp_path):
    made, path = written
    back = snn.lowering.load_program(path)
    assert jax.tree.structure(back) == jax.tree.structure(made)
    assert_same(back, made)
    assert back.lags == made.lags and back.dt == 0.5
    for core in ("lava", "brian2loihi"):  # every kind of part
        one = program(loihi_cases.case(core, 5), max_delay=3)
        snn.lowering.save_program(one, tmp_path / "b")
        assert jax.tree.structure(snn.lowering.load_program(tmp_path / "b")) == jax.tree.structure(one)
        assert_same(snn.lowering.load_program(tmp_path / "b"), one)


@pytest.fixture
def learning(tmp_path):
    """A program whose parts are all kinds that a file may name, and that are not in `written`."""
    traces = dict(
        x1=snn.chips.loihi.LoihiTrace(16.5, 10.0),
        y1=snn.chips.loihi.LoihiTrace(8.0, np.inf),
        y2=snn.chips.loihi.ReceivedTrace("reward"),
    )
    rule = snn.chips.loihi.LoihiRule(
        "2^-4*y0*x1 - 2^-5*u1*sgn(w - 3)", "u1*(t + 2)", **traces, epoch=2, rounding=snn.chips.loihi.LavaRounding(3, 9)
    )
    other = snn.chips.loihi.LoihiRule(
        "x0*y1", y1=snn.chips.loihi.LoihiTrace(2.0, 0.0), rounding=snn.chips.loihi.NearestRounding()
    )
    cells = {
        "in": snn.lowering.InputCells(16),
        "c": snn.chips.loihi.CubaCells(8),
        "o": snn.chips.loihi.CubaCells(3, noise=snn.chips.loihi.CellNoise(8)),
    }
    links = {
        "conv": snn.chips.loihi.ConvSynapses("in", "c", np.full((2, 1, 3, 3), 8), image=(1, 4, 4)),
        "S": snn.chips.loihi.LearningSynapses("c", "o", np.full((8, 3), 4), rule=rule, tag=np.arange(24).reshape(8, 3)),
        "T": snn.chips.loihi.LearningSynapses(
            "o", "o", np.zeros((3, 3)), rule=other, sign=snn.chips.loihi.Excitatory(), delay=2, max_delay=2
        ),
    }
    made = snn.chips.loihi.program(cells, links)
    snn.lowering.save_program(made, tmp_path / "learns.npz")
    return made, tmp_path / "learns.npz"


def test_a_program_that_learns_is_identical_when_read_back(learning):
    made, path = learning
    back = snn.lowering.load_program(path)
    assert jax.tree.structure(back) == jax.tree.structure(made)
    assert_same(back, made)
    assert str(back.synapses["S"].rule.dw) == str(made.synapses["S"].rule.dw)
    assert back.synapses["S"].rule.x1.tau == made.synapses["S"].rule.x1.tau


@pytest.mark.parametrize("change", ["tamper", "newer", "unknown"])
def test_a_learning_program_that_is_not_what_was_written_is_refused(learning, change):
    _, path = learning

    def tampered(arrays):
        arrays["synapses.S.rule.x1.impulse"] = arrays["synapses.S.rule.x1.impulse"] + 1

    def newer(arrays):
        arrays["program.json"] = np.array(str(arrays["program.json"]).replace('"version": 5', '"version": 6'))

    def unknown(arrays):
        text = str(arrays["program.json"]).replace('"LavaRounding"', '"Rounding"')
        arrays["program.json"] = np.array(text)
        rest = {k: v for k, v in arrays.items() if k not in ("program.json", "sha256")}
        arrays["sha256"] = np.array(digest(text, rest))

    said = {"tamper": (tampered, "was changed"), "newer": (newer, "version 6"), "unknown": (unknown, "'Rounding'")}
    with refused(said[change][1]):
        snn.lowering.load_program(rewritten(path, said[change][0]))


@pytest.mark.parametrize("size", [0, 10, 500, -1])
def test_a_truncated_file_is_refused(written, size):
    _, path = written
    path.write_bytes(path.read_bytes()[:size])
    with refused(str(path), "truncated", "write it again"):
        snn.lowering.load_program(path)


def test_a_file_that_was_changed_is_refused(written):
    _, path = written

    def change(arrays):
        name = next(name for name in arrays if name.endswith("weight"))
        arrays[name] = arrays[name] + 1

    with refused(str(path), "was changed", "checksum"):
        snn.lowering.load_program(rewritten(path, change))


def test_a_changed_byte_is_refused(written):
    _, path = written
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        info = max(file.infolist(), key=lambda info: info.compress_size)
    data[info.header_offset + 60 + info.compress_size // 2] ^= 0x10
    path.write_bytes(bytes(data))
    with refused(str(path)):
        snn.lowering.load_program(path)


def test_a_file_of_a_newer_version_is_refused(written):
    _, path = written

    def change(arrays):
        header = json.loads(str(arrays["program.json"]))
        arrays["program.json"] = np.array(json.dumps({**header, "version": 99}))

    with refused(str(path), "version 99", "install a newer"):
        snn.lowering.load_program(rewritten(path, change))


def test_a_file_of_an_older_version_is_refused(written):
    _, path = written

    def change(arrays):
        header = json.loads(str(arrays["program.json"]))
        arrays["program.json"] = np.array(json.dumps({**header, "version": 4}))

    with refused(str(path), "version 4", "lower the network again"):
        snn.lowering.load_program(rewritten(path, change))


def test_a_kind_that_is_not_stored_is_not_written(written, tmp_path):
    class Own(snn.chips.loihi.CubaCells):
        """Somebody's own."""

    made, _ = written
    cells = made.cells | {"E": Own(4)}
    with refused("Own cannot be written", "@snn.lowering.stored"):
        snn.lowering.save_program(dataclasses.replace(made, cells=cells), tmp_path / "own.npz")
    with refused("has the name of", "give it another"):

        @snn.lowering.stored
        class CubaCells(snn.chips.loihi.CubaCells):
            """Of the same name."""


def test_what_is_no_program_is_refused(tmp_path):
    with refused("no file", "save_program"):
        snn.lowering.load_program(tmp_path / "missing.npz")
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    with refused("without program.json"):
        snn.lowering.load_program(tmp_path / "other.npz")


def test_a_summary_of_what_was_read(learning, written):
    """Of every kind of part, without a report."""
    said = snn.lowering.summary(learning[0])
    for part in (
        "conv: in -> c, a convolution of 1 x 4 x 4 to 2 x 2 x 2, 18 weights 8, exponent 0",
        "kernel 2 x 1 x 3 x 3, stride 1 x 1, padding 0 x 0",
        "S: c -> o, synapses that learn, 8 x 3, SignedWeights 4, exponent 0 at the start",
        "dw = 2^-4*y0*x1 - 2^-5*u1*sgn(w - 3), every 2 steps, LavaRounding",
        "dt = u1*(t + 2)",
        "x1: impulse 16.5, time constant 10 steps",
        "y2: what 'reward' says",
        "o: 3 CubaCells, decay_u 4096",
        "refractory 1, noise",
        "not proved: ",  # membranes that do not leak have no bound
    ):
        assert part in said, said
    assert "w: in -> E, a matrix of 3 x 4" in snn.lowering.summary(written[0])
    sparse = snn.chips.loihi.SparseSynapses.of(
        snn.chips.loihi.Synapses("in", "E", [[2, 0], [0, 4]]), np.eye(2, dtype=bool)
    )
    cells = {"in": snn.lowering.InputCells(2), "E": snn.chips.loihi.CubaCells(2, decay_v=4096)}
    said = snn.lowering.summary(snn.chips.loihi.program(cells, {"s": sparse}))
    assert "s: in -> E, a list of 2 synapses (50 % of 2 x 2), SignedWeights 2 .. 4, exponent 0, 8 bits, delay 0" in said
    assert "all proved" in said
