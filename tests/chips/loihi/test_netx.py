"""Files for Lava-DL: what its loader ran is what the program does here, spike for spike, and reading gives it back."""

import json
from dataclasses import replace
from pathlib import Path

import h5py
import jax
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import loihi
from jaxsnn.chips.loihi.cells import CubaCells
from jaxsnn.chips.loihi.convolution import ConvSynapses
from jaxsnn.chips.loihi.cores import Inhibitory, LavaCore, Loihi1Core
from jaxsnn.chips.loihi.netx.inside import BLOCK
from jaxsnn.chips.loihi.netx.read import from_netx
from jaxsnn.chips.loihi.netx.weights import loaded
from jaxsnn.chips.loihi.netx.write import to_netx
from jaxsnn.chips.loihi.synapses import Synapses
from jaxsnn.lowering.cells import InputCells
from tests.chips.loihi.networks import CASES, case, file_of
from tests.refused import refused

GOLDEN = Path(__file__).parents[2] / "golden"
LAVA = np.load(GOLDEN / "lava_netx.npz")
INPUTS = np.load(GOLDEN / "netx_inputs.npz")


def layers(program):
    """The names of the cells, from the input on."""
    names = ["in" if "in" in program.cells else "input"]
    after = {g.pre: g.post for g in program.synapses.values() if g.pre != g.post}
    while names[-1] in after:
        names.append(after[names[-1]])
    return names


def spikes(program, x):
    """Of every layer, `(steps, n)`."""
    names = layers(program)
    drive = snn.Replay(x.astype(np.float32), into=names[0])
    record = {name: snn.Raster(name) for name in names[1:]}
    what = dict(steps=len(x), key=jax.random.key(0), record=record, progress=snn.progress.Quiet(), throw=False)
    done = snn.simulate(program, drive, **what)
    return [np.asarray(done[name].dense()) != 0 for name in names[1:]]


def named_as(other, program):
    """The other program under the names of this one: what was compiled for this one is then run for both."""
    names = dict(zip(layers(other), layers(program), strict=True))
    ends = {(group.pre, group.post): key for key, group in program.synapses.items()}
    groups = [replace(g, pre=names[g.pre], post=names[g.post]) for g in other.synapses.values()]
    cells = {names[key]: group for key, group in other.cells.items()}
    return loihi.program(cells, {ends[g.pre, g.post]: g for g in groups})


def lava(name):
    """What netx ran."""
    keys = sorted(key for key in LAVA.files if key.startswith(file_of(name)) and not key.endswith("n"))
    return [np.unpackbits(LAVA[key], axis=1, count=int(LAVA[f"{key} n"])).astype(bool) for key in keys]


def contents(path):
    """Every dataset of a file."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, x: found.update({name: x[()]}) if isinstance(x, h5py.Dataset) else None)
    return found


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) and a[k].dtype == b[k].dtype for k in a)


@pytest.mark.parametrize("name", CASES)
def test_lava_ran_the_same_spikes(name, tmp_path):
    """The file is the one that Lava-DL ran; both the program and what is read from the file do what it did."""
    program, x = case(name)
    assert np.array_equal(x, INPUTS[file_of(name)])
    to_netx(program, tmp_path / "again.net")
    assert same(contents(tmp_path / "again.net"), contents(GOLDEN / file_of(name)))
    read = named_as(from_netx(GOLDEN / file_of(name)), program)
    assert jax.tree.structure(read) == jax.tree.structure(program)
    theirs, ours, read = lava(name), spikes(program, x), spikes(read, x)
    assert all(0.002 < s.mean() < 0.98 for s in theirs)
    for a, b, c in zip(theirs, ours, read, strict=True):
        assert np.sum(a != b) == 0 and np.sum(a != c) == 0


@pytest.mark.parametrize("changed", ["weight", "threshold", "decay_v", "delay"])
def test_one_change_and_lava_differs(changed):
    """Negative controls."""
    program, x = case("one delay")
    path = {"weight": "ina.weight", "delay": "ina.delay"}.get(changed, f"a.{changed}")
    old = snn.get(program, path)
    step = {"decay_v": 60, "delay": -1}.get(changed, 9)
    other = snn.set(
        program, path, old + 2 * (np.arange(old.size).reshape(old.shape) % 7 == 0) if old.ndim else old + step
    )
    assert any(np.sum(a != b) for a, b in zip(lava("one delay"), spikes(other, x), strict=True))


def test_reading_what_was_written_gives_the_same_file(tmp_path):
    for name in CASES:
        to_netx(from_netx(GOLDEN / file_of(name)), tmp_path / "twice.net")
        assert same(contents(tmp_path / "twice.net"), contents(GOLDEN / file_of(name)))


@pytest.mark.parametrize(("weight", "theirs"), json.loads((GOLDEN / "lava_weights.json").read_text()))
def test_weights_after_loading_are_lavas(weight, theirs):
    """136 matrices through Lava-DL's loader and Lava's dense process; where they fail or give zeros, we say so."""
    if theirs is None or (not np.any(theirs[0]) and theirs[1] > 0):
        with pytest.raises(ValueError, match=r"divides by zero|makes them zero"):
            loaded(np.array(weight))
        return
    (made,) = loaded(np.array(weight))
    assert [made.mantissa.tolist(), made.exponent, made.bits] == theirs


def program(weight=((10, 20), (-30, 40)), link=None, **change):
    """Two inputs, two cells, and whatever is to be refused."""
    numbers = dict(decay_u=100, decay_v=50, threshold=300) | change
    given = dict(weight=np.array(weight), max_delay=9) | (link or {})
    cells = {"in": InputCells(2), "E": CubaCells(2, **numbers)}
    return loihi.program(cells, {"S": Synapses("in", "E", **given)}, LavaCore())


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (dict(threshold=[100, 200]), ("'E'", "one vThMant a layer, this has 2")),
        (dict(refractory=3), ("'E'", "no refractory", "expected 1")),
        (dict(v_min=0), ("'E'", "no v_min")),
        (dict(bias=3, bias_exponent=4), ("'E'", "multiples of 64")),
        (dict(weight=[[0, 0], [0, 0]]), ("'E'", "divides by zero", "leave the layer out")),
        (dict(weight=[[100, 90], [80, 70]], link={"exponent": 2}), ("'E'", "makes them zero")),
        (
            dict(weight=[[100, -90], [80, 70]], link={"exponent": 2}),
            ("'E'", "254 of the weight 400", "cell 0 to cell 0"),
        ),
        (dict(weight=[[-128, 0], [-2, -4]]), ("'E'", "-127 of the weight -128")),
        (dict(link={"exponent": -3}), ("'E'", "exponent -3 leaves fractions")),
        (dict(link={"delay": [[1, 2], [3, 4]]}), ("'E'", "one delay a sender")),
    ],
)
def test_what_the_format_cannot_hold_is_refused(change, parts, tmp_path):
    if "weight" in change and min(map(min, change["weight"])) == -128:
        change = {**change, "link": {"sign": Inhibitory()}}
    with refused(*parts):
        to_netx(program(**change), tmp_path / "x.net")
    assert not (tmp_path / "x.net").exists()


def test_shapes_that_are_no_chain_are_refused(tmp_path):
    cells = {"in": InputCells(2), "A": CubaCells(2), "B": CubaCells(2)}
    link = lambda pre, post: Synapses(pre, post, np.full((2, 2), 2))
    with refused("'in'", "feeds one other", "A, B"):
        to_netx(loihi.program(cells, {"a": link("in", "A"), "b": link("in", "B")}), tmp_path / "x.net")
    with refused("'c'", "leads back"):
        back = {"a": link("in", "A"), "b": link("A", "B"), "c": link("B", "A")}
        to_netx(loihi.program(cells | {"C": CubaCells(2)}, back), tmp_path / "x.net")
    with refused("one input, this has 2"):
        to_netx(loihi.program(cells | {"in2": InputCells(2)}, {"a": link("in", "A")}), tmp_path / "x.net")


@pytest.mark.parametrize(
    ("place", "value", "parts"),
    [
        ("type", np.array([b"pool"]), ("Layer 1", "type 'pool'")),
        ("neuron/type", np.array([b"SDNN"]), ("Layer 1", "'SDNN'", "expected CUBA")),
        ("neuron", None, ("Layer 1", "no neuron")),
        ("weight", np.zeros((2, 2)), ("Layer 1", "divides by zero")),
        ("weight", np.array([[201, -3], [4, 5]]), ("Layer 1", "odd weights above 127")),
        ("delay", np.arange(5), ("Layer 1", "5 delays", "expected one, 2 or 2")),
    ],
)
def test_files_that_are_something_else_are_refused(place, value, parts, tmp_path):
    path = tmp_path / "x.net"
    to_netx(program(), path)
    path.write_bytes(bytes(BLOCK) + path.read_bytes()[BLOCK:])  # without its checksum
    with h5py.File(path, "a") as file:
        if place in file["layer/1"]:
            del file[f"layer/1/{place}"]
        if value is not None:
            file[f"layer/1/{place}"] = value
    with refused(*parts):
        from_netx(path)


def test_a_convolution_is_a_plain_loop():
    """Against a plain loop, at every stride, padding, dilation and group that fits: all of them in one program."""
    rng = np.random.default_rng(2)
    x = (rng.random((4, 7, 8)) < 0.4).astype(np.int64)
    links, cells = {}, {"in": InputCells(x.size)}
    for i in range(12):
        stride, padding, dilation = (tuple(int(n) for n in rng.integers(low, 3, 2)) for low in (1, 0, 1))
        geometry = dict(stride=stride, padding=padding, dilation=dilation, groups=int(rng.choice([1, 2])))
        weight = rng.integers(-256, 256, (4, 4 // geometry["groups"], 2, 3))
        links[f"S{i}"] = link = ConvSynapses("in", f"E{i}", weight, image=x.shape, **geometry)
        cells[f"E{i}"] = CubaCells(int(np.prod(link.out_image)), decay_u=4096)
    drive = snn.Replay(np.stack([x.ravel(), 0 * x.ravel()]).astype(np.float32), into="in")
    record = {link.post: snn.Last(f"{link.post}.u") for link in links.values()}
    net = loihi.program(cells, links, Loihi1Core())
    done = snn.simulate(net, drive, steps=2, key=jax.random.key(0), record=record, throw=False)
    for link in links.values():
        weight, stride, dilation, padding = np.asarray(link.weight), link.stride, link.dilation, link.padding
        padded = np.pad(x, [(0, 0), *((p, p) for p in padding)])
        expected = np.zeros(link.out_image, np.int64)
        for o, i, j in np.ndindex(*link.out_image):
            first = o // (4 // link.groups) * (4 // link.groups)
            for c, a, b in np.ndindex(*weight.shape[1:]):
                place = padded[first + c, stride[0] * i + dilation[0] * a, stride[1] * j + dilation[1] * b]
                expected[o, i, j] += weight[o, c, a, b] * place
        assert np.array_equal(np.asarray(done[link.post]).reshape(link.out_image), expected << 6)
