"""Which neurons: every way to say it gives what NumPy gives; what says nothing is one error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn._select import Selection, selection, split

N = 10
WAYS = [
    ([3], 3), ([3], np.int64(3)), ([3], np.array(3)), ([3], jnp.array(3)), ([9], -1),
    ([1, 2, 3], [1, 2, 3]), ([3, 1], (3, 1)), ([5, 9], np.array([5, -1], np.int8)),
    ([5, 2], np.array([5, 2], np.uint8)), ([1, 2], jnp.array([1, 2])), ([2, 4, 6], range(2, 8, 2)),
    ([0, 1, 2], slice(0, 3)), ([9, 8], slice(-1, -3, -1)), ([0, 3, 6, 9], slice(None, None, np.int32(3))),
    ([8, 9], np.arange(N) >= 8), ([8, 9], [False] * 8 + [True] * 2), ([8, 9], jnp.arange(N) > 7),
]  # fmt: skip


@pytest.mark.parametrize(("right", "given"), WAYS, ids=[repr(given)[:24] for _, given in WAYS])
def test_every_way_chooses_what_numpy_chooses(right, given):
    chosen = selection(given, "index")
    assert chosen is not None
    assert chosen.indices(N, "index").tolist() == right
    assert np.arange(N)[chosen.of(N, "index")].tolist() == right
    rows = chosen.rows(N, "index")
    assert np.asarray(rows.take(jnp.arange(N), "index")).tolist() == right and rows.size(N, "index") == len(right)
    assert hash(chosen) == hash(selection(given, "index"))
    assert chosen == selection(given, "index") != selection([0], "index")


NONSENSE = [
    1.7, 1.0, True, np.True_, np.array(True), "3", {1, 2}, None.__class__, [1.0], [True, 3], [[1, 2]], [None],
    np.array([1.0]), np.ones((2, 2), int), np.ones((1, N), bool), np.array([1, 2], object), slice(1.5, 3),
    slice(0, 3, 0), slice(True, 3),
]  # fmt: skip
NOT_THERE = [
    (12, "12"), (-11, "-11"), (10**20, "0 .. 9"), ([0, 10], "10"), (slice(50, 60), "50:60"), (slice(0, 11), "0:11"),
    (np.ones(8, bool), "8"), (np.zeros(0, bool), "0"), ([], "none"), (slice(3, 3), "none"), (np.zeros(N, bool), "none"),
    (np.array([]), "none"), ([1, 1], "twice"), ([9, -1], "twice"),
]  # fmt: skip


@pytest.mark.parametrize("given", NONSENSE, ids=lambda given: repr(given)[:24])
def test_what_is_no_selection_is_refused_when_it_is_given(given):
    with pytest.raises(ValueError, match=r"Got Trace.index.*expected"):
        selection(given, "Trace.index")


@pytest.mark.parametrize(("given", "named"), NOT_THERE, ids=lambda given: repr(given)[:24])
def test_what_is_not_there_is_refused_for_the_population(given, named):
    chosen = selection(given, "Trace.index")
    assert isinstance(chosen, Selection)
    with pytest.raises(ValueError, match=f"Got Trace.index.*{named}"):
        chosen.of(N, "Trace.index")


def test_a_traced_selection_is_refused():
    with pytest.raises(ValueError, match=r"traced.*static"):
        jax.jit(lambda i: selection(i, "index"))(jnp.arange(3))


@pytest.mark.parametrize(
    ("name", "bare", "right"),
    [("E[0:3]", "E", [0, 1, 2]), ("E[3]", "E", [3]), ("E[-1]", "E", [9]), ("E[0, 3,5]", "E", [0, 3, 5]),
     ("E[::4]", "E", [0, 4, 8]), ("E[3].exc", "E.exc", [3]), ("E.exc[3]", "E.exc", [3])],
)  # fmt: skip
def test_a_name_may_carry_one(name, bare, right):
    found, chosen = split(name, "Raster.population")
    assert (found, chosen.indices(N, name).tolist()) == (bare, right)
    assert split("E", "Raster.population") == ("E", None)
    assert split(bare, "Raster.population", right)[1].indices(N, name).tolist() == right
    with pytest.raises(ValueError, match="an index, expected one"):
        split(name, "Raster.population", index=[0])


@pytest.mark.parametrize(
    "name", ["E[]", "E[0][1]", "E[1.5]", "E[a]", "[3]", "E[3]x", "E[0", "E]", "", 3, None, "E[0:1:0]"]
)
def test_other_brackets_are_refused(name):
    with pytest.raises(ValueError, match=r"Got Raster.population"):
        split(name, "Raster.population")
