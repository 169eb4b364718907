"""Readers of files: nothing outside the file, never more than its size allows, one kind of error; bytes at random."""

import io
import json
import time
import zipfile
from pathlib import Path

import h5py
import jax
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn import _archive
from jaxsnn._archive import FileError
from jaxsnn._objects import digest
from jaxsnn.chips.loihi.learning.parse import LONGEST, parse_rule
from jaxsnn.chips.loihi.netx.inside import BLOCK
from jaxsnn.chips.loihi.netx.read import from_netx
from jaxsnn.lowering.command import emulate_file
from jaxsnn.lowering.file import VERSION
from tests.chips.loihi.networks import case
from tests.refused import refused

GOLDEN = Path(__file__).parents[2] / "golden"
READERS = {"program": snn.lowering.load_program, "netx": from_netx}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A program, and its files as bytes."""
    program, _ = case("dense")
    where = tmp_path_factory.mktemp("readers")
    snn.lowering.save_program(program, where / "program")
    snn.chips.loihi.to_netx(program, where / "netx")
    return program, {name: (where / name).read_bytes() for name in READERS}


def damaged(rng, data):
    """A byte flipped, a tail cut off, two blocks swapped, or zeros where something was."""
    data, i, j = bytearray(data), *sorted(int(n) for n in rng.integers(0, len(data), 2))
    match rng.integers(4):
        case 0:
            data[i] ^= 1 << int(rng.integers(8))
        case 1:
            del data[i:]
        case 2:
            n = min(16, j - i, len(data) - j)
            data[i : i + n], data[j : j + n] = data[j : j + n], data[i : i + n]
        case _:
            data[i : i + 8] = bytes(len(data[i : i + 8]))
    return bytes(data)


@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_file_is_refused_or_what_it_was(kind, made, tmp_path):
    """What has a checksum never loads as another program."""
    program, files = made
    program = program if kind == "program" else from_file(files["netx"], tmp_path)
    rng, refusals = np.random.default_rng(5), 0
    for _ in range(150):
        (tmp_path / "x").write_bytes(damaged(rng, files[kind]))
        try:
            found = READERS[kind](tmp_path / "x")
        except FileError as error:
            assert "\n" not in str(error) and len(str(error)) < 600
            refusals += 1
            continue
        assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(program), strict=True))
    assert refusals > 100
    assert READERS[kind](written(tmp_path, files[kind])) is not None  # control: whole, it is read


def from_file(data, folder):
    return from_netx(written(folder, data))


def written(folder, data):
    (folder / "whole").write_bytes(data)
    return folder / "whole"


def test_a_damaged_file_without_a_checksum_raises_one_kind_of_error(tmp_path):
    """As Lava-DL writes them: a number that was changed may be read, and nothing but `FileError` is raised."""
    data, rng, read = (GOLDEN / "netx_dense.net").read_bytes(), np.random.default_rng(6), 0
    for _ in range(60):
        (tmp_path / "x").write_bytes(damaged(rng, data))
        try:
            read += from_netx(tmp_path / "x") is not None
        except FileError as error:
            assert "\n" not in str(error)
    assert 0 < read < 60


# --- nothing outside the file -----------------------------------------------------------------------------------------


def unsealed(data, folder):
    """A file as Lava-DL writes them: without a checksum."""
    path = folder / "x.net"
    path.write_bytes(bytes(BLOCK) + data[BLOCK:])
    return path


def external(file, secret):
    del file["layer/1/weight"]
    file.create_dataset("layer/1/weight", (11, 14), "u1", external=[(str(secret), 0, 11 * 14)])


def external_link(file, secret):
    del file["layer/1/weight"]
    file["layer/1/weight"] = h5py.ExternalLink(str(secret), "/weight")


def external_group(file, secret):
    del file["layer/1"]
    file["layer/1"] = h5py.ExternalLink(str(secret), "/")


def soft_link(file, secret):
    del file["layer/1/weight"]
    file["away"] = h5py.ExternalLink(str(secret), "/")
    file["layer/1/weight"] = h5py.SoftLink("/away/weight")


def virtual(file, secret):
    layout = h5py.VirtualLayout((11, 14), "i8")
    layout[:] = h5py.VirtualSource(str(secret), "weight", (11, 14))
    del file["layer/1/weight"]
    file.create_virtual_dataset("layer/1/weight", layout)


def circle(file, secret):
    file["layer/1/again"] = file["layer"]


def huge(file, secret):
    del file["layer/1/weight"]
    file.create_dataset("layer/1/weight", (2**20, 2**20), "i8", chunks=(64, 64))


@pytest.mark.parametrize("attack", [external, external_link, external_group, soft_link, virtual, circle, huge])
def test_netx_reads_nothing_outside_its_file(attack, made, tmp_path):
    secret = tmp_path / "secret"
    with h5py.File(secret, "w") as file:
        file["weight"] = np.full((11, 14), 7)
    path = unsealed(made[1]["netx"], tmp_path)
    from_netx(path)  # control: without a checksum and without the attack it is read
    with h5py.File(path, "a") as file:
        attack(file, secret)
    with refused("x.net", "HDF5 file of its own"):
        from_netx(path)


def test_numbers_of_a_netx_file_are_checked(made, tmp_path):
    for place, value, said in (
        ("layer/1/neuron/vThMant", 2**20, "CubaCells.threshold"),
        ("layer/1/neuron/iDecay", -4, "CubaCells.decay_u"),
        ("layer/1/bias", np.full(11, 2**15), "CubaCells.bias"),
        ("layer/1/weight", np.full((11, 14), np.nan), "numbers beyond"),
        ("layer/0/shape", np.array([2**40]), "places"),
        ("layer/1/shape", np.array([0]), "cannot be read"),
        ("layer/1/type", np.array([3]), "no word"),
    ):
        path = unsealed(made[1]["netx"], tmp_path)
        with h5py.File(path, "a") as file:
            if place in file:
                del file[place]
            file[place] = value
        with refused("x.net", said):
            from_netx(path)


# --- bounded by what is declared --------------------------------------------------------------------------------------


def npz(**members):
    """An archive of `.npy` members, given as bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return out.getvalue()


def npy(array, shape=None):
    """A `.npy` member, that may declare another shape than it has."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        out, {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape if shape is None else shape}
    )
    return out.getvalue() + array.tobytes()


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (dict(x=npy(np.zeros(2**29 // 8 + 1))), "would unpack to more than"),
        (dict(x=npy(np.zeros(3), shape=(10**12,))), "which is not its size"),
        (dict(x=npy(np.zeros(3), shape=(2,))), "which is not its size"),
        (dict(x=npy(np.zeros(3), shape=(-3,))), "which is not its size"),
        (dict(x=b"\x93NUMPY\x01\x00" + b"\xff\xff" + b"(" * 65535), "truncated"),
        (dict(x=npy(np.zeros(2, "V8"))), "expected numbers or text"),
        (dict(x=b"no array"), "truncated"),
    ],
)
def test_an_archive_is_bounded_by_what_it_declares(members, said, tmp_path):
    (tmp_path / "x.npz").write_bytes(npz(**members))
    begin = time.process_time()
    with refused("x.npz", said):
        snn.lowering.load_program(tmp_path / "x.npz")
    assert time.process_time() - begin < 2.0  # nothing was unpacked
    with refused("x.npz"):
        emulate_file(_saved(tmp_path), tmp_path / "x.npz", None, 0)


def _saved(folder):
    small = snn.lowering.Program({"in": snn.lowering.InputCells(2)}, {})
    snn.lowering.save_program(small, folder / "small.npz")
    return folder / "small.npz"


def test_pickles_are_not_read(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.array([{"a": 1}], dtype=object))
    with refused("x.npz", "expected numbers or text"):
        snn.lowering.load_program(tmp_path / "x.npz")


def test_what_would_look_like_a_bomb_is_written_so_that_it_is_read(tmp_path, monkeypatch):
    """A matrix of zeros packs a thousandfold: it is then written as it is."""
    monkeypatch.setattr(_archive, "ALWAYS", 2**18)
    _archive.write(tmp_path / "x.npz", {"x": np.zeros(2**17)})
    assert (tmp_path / "x.npz").stat().st_size > 2**20
    np.savez_compressed(tmp_path / "y.npz", x=np.zeros(2**17))  # control
    assert _archive.read(tmp_path / "x.npz", "arrays")["x"].shape == (2**17,)
    with refused("y.npz", "would unpack to more than"):
        _archive.read(tmp_path / "y.npz", "arrays")


# --- one error for a header that describes nothing --------------------------------------------------------------------


def with_header(folder, header, **arrays):
    text = header if isinstance(header, str) else json.dumps(header)
    np.savez(folder / "x.npz", **{"program.json": np.array(text), "sha256": np.array(digest(text, arrays)), **arrays})
    return folder / "x.npz"


def header(program, **more):
    return {"format": "jaxsnn program", "version": VERSION, "program": program} | more


def kind(name, **fields):
    return {"kind": name, "fields": fields}


@pytest.mark.parametrize(
    "given",
    [
        "{",
        "[" * 100_000,
        "[]",
        header({}),
        header({"plain": 3}),
        header(kind("Core")),
        header(kind("Program", cells={"plain": 3})),
        header(kind("Program", cells={"dict": []}, synapses={"dict": 3})),
        header(kind("AbstractSign")),
        header(kind("CubaCells", n={"plain": -1})),
        header(kind("LoihiTrace", impulse={"array": "nowhere"})),
        header(kind("LoihiTrace", impulse={"array": "x"}, keep={"array": "x"})),
        header(kind("LoihiTrace", impulse={"array": "x"})),
        header({}, version="three"),
        header({}, version=None),
    ],
    ids=lambda given: str(given)[:60],
)
def test_a_header_that_describes_no_program_is_one_error(given, tmp_path):
    with pytest.raises(snn.lowering.ProgramFileError) as caught:
        snn.lowering.load_program(with_header(tmp_path, given, x=np.array([2**20, -5, 9])))
    assert "\n" not in str(caught.value) and "x.npz" in str(caught.value)


def test_registers_of_a_file_are_checked(tmp_path):
    """A program by whose checksum nothing was changed, and whose numbers no chip holds."""
    made = snn.lowering.Program({"in": snn.lowering.InputCells(2), "E": snn.chips.loihi.CubaCells(2)}, {})
    snn.lowering.save_program(made, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as file:
        arrays = {name: file[name] for name in file.files}
    text = str(arrays.pop("program.json"))
    arrays.pop("sha256")
    snn.lowering.load_program(with_header(tmp_path, text, **arrays))  # control
    with refused("x.npz", "CubaCells.bias is 5000"):
        snn.lowering.load_program(with_header(tmp_path, text, **arrays | {"cells.E.bias": np.array(5000, np.int32)}))


# --- rules ------------------------------------------------------------------------------------------------------------


def test_a_rule_is_read_in_linear_time_and_bounded():
    product = "2^-4*y0*x1"
    text = " + ".join([product] * ((LONGEST - 10) // 13))
    begin = time.process_time()
    assert len(parse_rule(text).products) == text.count("+") + 1
    assert time.process_time() - begin < 2.0
    for bad in (
        text * 2,
        "x0*" + "9" * 5000,
        "2^999999*x0*w*(2^999999*2^999999 + w)",
        "*".join(["x0", *["999999"] * 1000]),
        "x0*" + " " * 9000,
        "x0*\u0663",
        3,
    ):
        begin = time.process_time()
        with refused("ule"):
            parse_rule(bad)
        assert time.process_time() - begin < 1.0
