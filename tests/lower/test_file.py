"""Program files: identical when read back; refused, with a reason, when they are not what was written."""

import json
import zipfile

import jax
import numpy as np
import pytest

import jaxsnn as snn
from tests.lower.programs import program
from tests.oracles import loihi_cases
from tests.refused import refused
from tests.simulate.toys import assert_same


@pytest.fixture
def written(tmp_path):
    net = snn.network(
        dt=0.5,
        key=jax.random.key(0),
        populations={"in": snn.Source(3), "E": snn.Population(snn.LIF(tau=5.0, v_th=1.0), 4)},
        projections={"w": snn.Link("in", "E", snn.AllToAll(), via=snn.Dense(), weight=snn.Normal(0.1, 0.1))},
    )
    made = snn.lower(net)
    made.save(tmp_path / "a.npz")
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
    back = snn.Program.load(path)
    assert jax.tree.structure(back) == jax.tree.structure(made)
    assert_same(back, made)
    assert back.report.data == made.report.data and back.late == made.late
    for core in ("lava", "brian2loihi"):  # every kind of part
        one = program(loihi_cases.case(core, 5), max_delay=3)
        one.save(tmp_path / "b")
        assert jax.tree.structure(snn.Program.load(tmp_path / "b")) == jax.tree.structure(one)
        assert_same(snn.Program.load(tmp_path / "b"), one)


@pytest.mark.parametrize("size", [0, 10, 500, -1])
def test_a_truncated_file_is_refused(written, size):
    _, path = written
    path.write_bytes(path.read_bytes()[:size])
    with refused(str(path), "truncated", "write it again"):
        snn.Program.load(path)


def test_a_file_that_was_changed_is_refused(written):
    _, path = written

    def change(arrays):
        name = next(name for name in arrays if name.endswith("weight"))
        arrays[name] = arrays[name] + 1

    with refused(str(path), "was changed", "checksum"):
        snn.Program.load(rewritten(path, change))


def test_a_changed_byte_is_refused(written):
    _, path = written
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        info = max(file.infolist(), key=lambda info: info.compress_size)
    data[info.header_offset + 60 + info.compress_size // 2] ^= 0x10
    path.write_bytes(bytes(data))
    with refused(str(path)):
        snn.Program.load(path)


def test_a_file_of_a_newer_version_is_refused(written):
    _, path = written

    def change(arrays):
        header = json.loads(str(arrays["program.json"]))
        arrays["program.json"] = np.array(json.dumps({**header, "version": 99}))

    with refused(str(path), "version 99", "install a newer"):
        snn.Program.load(rewritten(path, change))


def test_what_is_no_program_is_refused(tmp_path):
    with refused("no file", "program.save"):
        snn.Program.load(tmp_path / "missing.npz")
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    with refused("without program.json"):
        snn.Program.load(tmp_path / "other.npz")
