"""What is read back is what was written, to the bit; what was not written by `save`, or was changed, is one error."""

import zipfile

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jaxtyping import Array

import jaxsnn as snn

KEY = 0
RECORD = {"raster": snn.Raster("E"), "v": snn.Last("E.v"), "w": snn.Last("EE.weight")}


class Mine(snn.neurons.AbstractNeuron):
    """A neuron that the library does not have."""

    tau: Array = snn.param(5.0, unit="ms")

    def advance(self, s, current, dt, *, noise=None):
        return s._replace(v=s.v + dt / self.tau * (current.a - s.v))

    def spike(self, s):
        return (s.v > 1.0).astype(s.v.dtype)

    def reset(self, s, spike, dt):
        return s._replace(v=jnp.where(spike > 0, 0.0, s.v))


def net(cell=None):
    """Something of everything: plastic, with short-term plasticity, conductances, drawn delays, and modules."""
    cell = snn.LIF(tau=10.0, v_th=1.0, bias=np.linspace(0.0, 3.0, 8)) if cell is None else cell
    return snn.network(
        dt=0.5,
        key=KEY,
        populations={
            "in": snn.SpikeSource(3),
            "E": snn.Population(cell, 8, ports={"exc": snn.Exponential(5.0), "inh": snn.Delta()}),
        },
        projections={
            "in-E": snn.Connection(
                "in", "E.exc", snn.FixedProb(0.8), weight=2.0, delay=0.5, release=snn.TsodyksMarkram()
            ),
            "EE": snn.Connection(
                "E",
                "E.inh",
                snn.AllToAll(),
                weight=snn.Uniform(0.0, 0.1),
                delay=snn.Uniform(0.5, 2.0),
                rule=snn.chain(snn.PairSTDP(), snn.Bound(0.0, 0.2)),
            ),
        },
        modules={"read": eqx.nn.Linear(8, 2, key=jr.key(1))},
    )


def simulated(net, state=None):
    drive = snn.Poisson(rate=200.0, into="in")
    return snn.simulate(net, drive, t=50.0, key=KEY, record=RECORD, state=state)


@pytest.fixture(scope="module")
def run():
    return simulated(net())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.npz"


def test_what_is_read_back_is_identical(run, path):
    snn.save({"net": net(), "state": run.state, "drive": snn.Poisson(200.0, into="in", start=1.0)}, path)
    got = snn.load(path)
    assert eqx.tree_equal(got["net"], net(), typematch=True)
    assert eqx.tree_equal(got["state"], run.state, typematch=True)
    assert jax.tree.structure(got["net"]) == jax.tree.structure(net())  # so that nothing compiles again
    again, more = simulated(got["net"], got["state"]), simulated(net(), run.state)
    assert eqx.tree_equal(again.record, more.record, typematch=True)
    assert not eqx.tree_equal(again.record, simulated(net()).record)  # negative control: another state is seen


def test_keys_lists_and_numpy_stay_what_they_are(path):
    given = [
        jr.key(3),
        (1, 2.5, None, True, "a", np.inf),
        {"b": np.float32(1.5), "a": np.zeros((0, 2), np.int8)},
        np.array(2.0),
    ]
    snn.save(given, path)
    got = snn.load(path)
    assert jax.dtypes.issubdtype(got[0].dtype, jax.dtypes.prng_key) and jr.key_data(got[0]).tolist() == [0, 3]
    assert got[1] == given[1] and [*got[2]] == ["b", "a"]
    assert [type(x) for x in (got, got[1], got[2]["b"], got[3])] == [list, tuple, np.float32, np.ndarray]
    assert got[2]["a"].shape == (0, 2) and got[2]["a"].dtype == np.int8


def test_a_class_of_ones_own_is_given_to_the_reader(path):
    snn.save(net(Mine()), path)
    with pytest.raises(snn.files.FileError, match=r"names 'Mine', which jaxsnn does not have; give the class: load"):
        snn.load(path)
    assert eqx.tree_equal(snn.load(path, kinds=[Mine]), net(Mine()), typematch=True)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (lambda: {"f": jnp.tanh}, "at 'f', which no file holds"),
        (lambda: eqx.nn.MLP(2, 2, 2, 1, key=jr.key(1)), "at 'activation', which no file holds"),
        (lambda: {1: 2.0}, "expected names"),
        (lambda: snn.LIF, "Got the class LIF"),
    ],
    ids=["function", "activation", "number as a name", "class"],
)
def test_what_no_file_holds_is_named(what, message, path):
    with pytest.raises(ValueError, match=message):
        snn.save(what(), path)
    assert not path.exists() and not [*path.parent.iterdir()]


def test_double_precision_needs_its_switch(path, x64):
    snn.save(net(), path)
    jax.config.update("jax_enable_x64", False)
    with pytest.raises(snn.files.FileError, match="float64, for which jax_enable_x64"):
        snn.load(path)


def rewritten(path, change):
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def other_weight(arrays):
    arrays["tree/projections.EE.weight"] = arrays["tree/projections.EE.weight"] + 1


def other_kind(arrays):
    arrays["header.json"] = np.array(str(arrays["header.json"]).replace("jaxsnn.neurons", "os.path"))


def other_version(arrays):
    arrays["header.json"] = np.array(str(arrays["header.json"]).replace('"version": 1', '"version": 2'))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_weight, "checksum is another"),
        (other_kind, "checksum is another"),
        (other_version, "version 2, and this jaxsnn reads up to 1"),
        (lambda arrays: arrays.pop("sha256"), "without header.json"),
        (lambda arrays: arrays.update({"header.json": np.array("[]")}), "header that cannot be read"),
    ],
    ids=["weight", "kind", "version", "no checksum", "no header"],
)
def test_a_file_that_was_changed_is_refused(change, message, path):
    snn.save(net(), path)
    snn.load(path)
    rewritten(path, change)
    with pytest.raises(snn.files.FileError, match=message):
        snn.load(path)


def test_flipped_bytes_are_never_another_network(path):
    """Every byte of the file could be flipped; a seeded sample of them is. What the zip does not use may be."""
    snn.save({"w": jnp.arange(50.0), "cell": snn.LIF()}, path)
    written, expected = path.read_bytes(), snn.load(path)
    random, refused = np.random.default_rng(0), 0
    for at in random.integers(0, len(written), 150):
        flipped = bytearray(written)
        flipped[at] ^= 1 << int(random.integers(8))
        path.write_bytes(flipped)
        try:
            assert eqx.tree_equal(snn.load(path), expected, typematch=True)
        except snn.files.FileError:
            refused += 1
    assert refused > 75
    path.write_bytes(written[: len(written) // 2])
    with pytest.raises(snn.files.FileError, match="truncated, damaged"):
        snn.load(path)


def test_a_file_makes_nothing_but_what_the_library_has(path):
    """With a checksum that fits: the names of a header are looked up, never imported."""
    from jaxsnn import _objects

    for name in (
        "os.path.PurePath",
        "jaxsnn.cli.argparse.Namespace",
        "jaxsnn.files.tempfile.TemporaryFile",
        "subprocess.Popen",
    ):
        text = f'{{"format": "jaxsnn", "version": 1, "tree": {{"kind": "{name}", "fields": {{}}}}}}'
        with path.open("wb") as file:
            np.savez(file, **{"header.json": np.array(text), "sha256": np.array(_objects.digest(text, {}))})
        with pytest.raises(snn.files.FileError, match="which this jaxsnn does not have"):
            snn.load(path)
    assert zipfile.is_zipfile(path)


def test_where_there_is_no_folder(tmp_path):
    with pytest.raises(ValueError, match="There is no folder"):
        snn.save(snn.LIF(), tmp_path / "none" / "net.npz")
    with pytest.raises(snn.files.FileError, match="There is no file"):
        snn.load(tmp_path / "net.npz")
