"""A sweep as pairs of parameters and outputs: nothing is lost or invented, and what has no density is refused."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from scipy import stats

import jaxsnn as snn
from jaxsnn.sweeps import priors
from tests.refused import refused

SPACE = {
    "g": snn.Axis(5.0, lo=3.0, hi=8.0, n=6, unit="mV"),
    "tau": snn.Axis(10.0, lo=1.0, hi=100.0, n=3, log=True),
    "w": snn.Axis(1.0, prior=snn.LogNormal(0.5, 0.7)),
    "v": snn.Axis(0.0, prior=snn.Normal(1.0, 2.0, lo=-1.0)),
    "on": snn.Flag(False, values=[False, True]),
    "bits": snn.Whole(4, lo=2, hi=5),
    "fixed": snn.Axis(2.0),
    "seed": snn.Seeds(),
}
DRAWN = {name: SPACE[name] for name in ("g", "tau", "w", "v", "fixed", "seed")}


def experiment(point, key):
    """What it was given, so that every number of the pairs can be told; the second has no result below 0.2."""
    noise = jax.random.uniform(key)
    rows = jnp.outer(jnp.stack([point["g"], point["tau"]]), jnp.arange(1.0, 4.0))
    return {
        "noise": noise,
        "late": jnp.where(noise < 0.2, jnp.nan, noise),
        "psth": xarray.DataArray(rows, {"time": [0.5, 1.5, 2.5]}, ("cell", "time")),
        "count": jnp.int32(7),
    }


def sweep(space, design=snn.sweeps.random, n=200, **how):
    return snn.sweep(experiment, design(space, n, **how), key=3, progress=snn.progress.Quiet())


@pytest.fixture(scope="module")
def ds():
    return sweep(DRAWN, own_seeds=True)


def test_pairs_are_the_points(ds):
    data = snn.as_training_set(ds, drop_nan=True)
    kept = np.isfinite(ds.late.values)
    assert data.left_out == {"failed": 0, "not finite": np.count_nonzero(~kept)} and 10 < kept.sum() < 200
    assert data.parameters == ("g", "tau", "v", "w") and data.theta.dtype == data.x.dtype == np.float32
    for i, name in enumerate(data.parameters):
        np.testing.assert_array_equal(data.theta[:, i], ds[name].values[kept].astype(np.float32))
    cells = [f"psth[{cell},time={time}]" for cell in (0, 1) for time in (0.5, 1.5, 2.5)]
    assert data.outputs == ("count", "late", "noise", *cells)
    np.testing.assert_array_equal(data.x[:, 3:], ds.psth.values[kept].reshape(-1, 6))
    np.testing.assert_allclose(data.x[:, 7], 2.0 * data.theta[:, 1], rtol=1e-6)  # cell 1 at the second time: 2 tau
    assert repr(data).startswith(f"TrainingSet({kept.sum()} points ({200 - kept.sum()} not finite: left out), theta: g")


def test_the_prior_is_uniform_in_the_unit_box(ds):
    """Whatever it was: each parameter against the distribution function that SciPy has, and not against another's."""
    data = snn.as_training_set(ds, "noise")
    p = lambda u: stats.kstest(u, "uniform").pvalue
    assert all(p(column) > 0.01 for column in data.unit.T)
    assert p(stats.uniform(1.0, 99.0).cdf(data.theta[:, 1])) < 1e-9  # negative control: tau is not linear
    np.testing.assert_allclose(data.from_unit(data.unit), data.theta, rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(data.bounds.T, [[3, 8], [1, 100], [-1, np.inf], [0, np.inf]])
    assert np.all((data.to_unit([[3, 1, -1, 0], [8, 100, 99, 9e9]]) > 0.0) & (data.to_unit([[8, 100, 99, 9e9]]) < 1.0))


def test_a_file_says_the_same(ds, tmp_path):
    ds.to_zarr(tmp_path / "result.zarr", zarr_format=2, consolidated=False)
    with xarray.open_zarr(tmp_path / "result.zarr", consolidated=False, chunks=None) as again:
        theirs, ours = (snn.as_training_set(x, drop_nan=True) for x in (again, ds))
    assert (theirs.parameters, theirs.outputs) == (ours.parameters, ours.outputs)
    np.testing.assert_array_equal(theirs.unit, ours.unit)
    node = xarray.DataTree.from_dict({"n=2": ds})["n=2"]
    np.testing.assert_array_equal(snn.as_training_set(node, drop_nan=True).x, ours.x)
    np.testing.assert_array_equal(theirs.x, ours.x)


def test_every_point_has_a_seed_of_its_own(ds):
    assert np.array_equal(ds.seed, np.arange(200)) and len(np.unique(ds.noise)) > 190
    shared = sweep(DRAWN)
    assert len(np.unique(shared.noise)) == 1  # which is why
    with refused("200 points with 1 seed(s)", "own_seeds=True", "shared_seeds=True"):
        snn.as_training_set(shared, "noise")
    assert len(snn.as_training_set(shared, "noise", shared_seeds=True).x) == 200
    several = sweep(DRAWN | {"seed": snn.Seeds(2)}, n=5)
    with refused("10 points with 2 seed(s)"):
        snn.as_training_set(several, "count")


def test_points_that_failed_are_left_out_and_it_is_said(ds):
    status = ds.status.copy()
    status[:7] = snn.Status.NOT_RUN
    with pytest.warns(UserWarning, match=r"7 of 200 points have no clean result and are left out\."):
        data = snn.as_training_set(ds.assign(status=status), "noise")
    assert len(data.x) == 193 and data.left_out["failed"] == 7
    np.testing.assert_array_equal(data.x[:, 0], ds.noise[7:])


def test_what_cannot_be_learned_from_is_refused(ds):
    with refused("points have NaN or infinity in late (", "drop_nan=True"):
        snn.as_training_set(ds)
    with refused("'nois'", "count, late, noise, psth"):
        snn.as_training_set(ds, ["nois"])
    with refused("no outputs"):
        snn.as_training_set(ds, [])
    with refused("a Dataset without status", "the dataset of a sweep"):
        snn.as_training_set(ds[["noise"]])
    with refused("a DataTree without status", "one node"):
        snn.as_training_set(xarray.DataTree.from_dict({"n=2": ds}))
    with refused("a list", "the dataset of a sweep"):
        snn.as_training_set([ds])
    with refused("'spectrum' is complex64"):
        snn.as_training_set(ds.assign(spectrum=ds.noise * np.complex64(1j)))
    with refused("none has a clean status"):
        snn.as_training_set(ds.assign(late=ds.late * np.nan), "late", drop_nan=True)
    with refused("Nothing varies"):
        snn.as_training_set(ds.isel(point=[3]), "noise")
    with refused("priors of 'fixed'", "g, tau, v, w"):
        snn.as_training_set(ds, "noise", priors={"fixed": snn.Uniform(0.0, 1.0)})
    with refused("points have 'g' outside its prior", "from 3 to 4"):
        snn.as_training_set(ds, "noise", priors={"g": snn.Uniform(3.0, 4.0)})


@pytest.mark.parametrize("kind", ["on", "bits"])
def test_a_choice_is_refused_until_one_is_selected(ds, kind):
    values = np.arange(200) % 2 if kind == "bits" else np.arange(200) % 2 == 0
    chosen = ds.assign_coords({kind: ("point", values, {"kind": type(SPACE[kind]).__name__})})
    with refused(f"{kind!r} is a {type(SPACE[kind]).__name__} that varies", "select one of its values"):
        snn.as_training_set(chosen, "noise")
    one = snn.as_training_set(chosen.isel(point=chosen[kind].values == values[0]), "noise")
    assert len(one.x) == 100 and one.parameters == ("g", "tau", "v", "w")


def test_a_grid_has_no_prior_but_one_that_is_given():
    space = {"g": SPACE["g"], "tau": SPACE["tau"], "seed": SPACE["seed"]}
    ds = snn.sweep(experiment, snn.product(space), key=3, progress=snn.progress.Quiet())
    with refused("no density that 'g' was drawn from", "priors={'g': Uniform(lo, hi)}"):
        snn.as_training_set(ds, "noise", shared_seeds=True)
    own = {"g": snn.Uniform(3.0, 8.0), "tau": SPACE["tau"]}
    data = snn.as_training_set(ds.transpose("tau", ...), "psth", shared_seeds=True, priors=own)
    np.testing.assert_allclose(data.x[:, 0], data.theta[:, 0])  # whatever the order of dimensions
    np.testing.assert_allclose(data.x[:, 3], data.theta[:, 1])
    assert data.priors[1].dist.name == "loguniform" and len(data.x) == 18
    with refused("priors={'g': ", "expected Uniform"):
        clipped = snn.Normal(5.0, 1.0, lo=0.0, outside=snn.Clip())
        snn.as_training_set(ds, "noise", shared_seeds=True, priors={"g": clipped})


def test_designs_with_own_seeds():
    by_sobol = snn.sweeps.sobol({"g": SPACE["g"], "seed": snn.Seeds(first=9)}, 4, own_seeds=True)
    assert np.array_equal(by_sobol.labels["seed"][1], [9, 10, 11, 12]) and json.loads(by_sobol.prior("g"))["hi"] == 8.0
    assert snn.product(by_sobol, {"tau": SPACE["tau"]}).prior("tau") == "" != snn.product(by_sobol).prior("g")
    with refused("SPACE['seed'] with 3 seeds"):
        snn.sweeps.random({"g": SPACE["g"], "seed": snn.Seeds(3)}, 4, own_seeds=True)
    with refused("a SPACE without Seeds"):
        snn.sweeps.random({"g": SPACE["g"]}, 4, own_seeds=True)
    with refused("own_seeds = 1"):
        snn.sweeps.random({"g": SPACE["g"], "seed": snn.Seeds()}, 4, own_seeds=1)


@pytest.mark.parametrize(
    "law",
    [
        snn.Uniform(-2.0, 3.0),
        snn.LogNormal(0.3, 0.4),
        snn.Normal(1.0, 2.0),
        snn.Normal(1.0, 2.0, lo=0.0, hi=2.5),
        snn.Normal(0.0, 1.0, hi=0.5),
    ],
    ids=repr,
)
def test_a_prior_is_what_is_drawn(law):
    """Draws pass a Kolmogorov-Smirnov test against SciPy's distribution; shifted by a tenth of its spread they fail."""
    drawn = np.asarray(law.sample(jax.random.key(0), (20_000,)), float)
    read = priors.read(priors.described(law))
    assert stats.kstest(drawn, read.cdf).pvalue > 0.01
    assert stats.kstest(drawn + 0.1 * drawn.std(), read.cdf).pvalue < 1e-9


def test_what_has_no_density_has_no_text():
    clipped = snn.Normal(0.0, 1.0, lo=0.0, outside=snn.Clip())
    for law in (clipped, snn.Normal(0.0, 0.0), snn.Uniform(1.0, 1.0), snn.Uniform(np.zeros(2), np.ones(2))):
        assert priors.described(law) == ""
    assert priors.described(snn.Axis(1.0, values=(1.0, 2.0))) == priors.described(snn.Axis(1.0)) == ""
    assert priors.described(snn.Normal(0.0, 1.0, outside=snn.Clip())) != ""
    with refused("the prior 'cauchy'"):
        priors.read('{"law": "cauchy"}')
