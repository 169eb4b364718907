"""What a spike is worth: the published tables and NEST 3.10, spike by spike, and membranes that hear what was sent."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

KEY = jax.random.key(0)
DT = 0.1
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "nest_release.json").read_text())
FORMS = {"tsodyks2_synapse": snn.TsodyksMarkram, "tsodyks_synapse": snn.TsodyksUzielMarkram}
SPIKES = np.array(GOLDEN["spikes"])


def amplitudes(release, steps, total):
    """What one sender releases of spikes in these steps."""
    train = np.zeros(total)
    train[steps] = 1.0

    def body(s, spike):
        return release.step(s, spike, DT)

    start = release.init((), jnp.asarray(train).dtype)
    return np.asarray(jax.jit(lambda train: jax.lax.scan(body, start, train)[1])(jnp.asarray(train)))[steps]


# --- weight 1, ten spikes at 50 Hz from 100 ms on and one at 900 ms: to all printed digits ----------------------------

TABLE = np.append(1000 + 200 * np.arange(10), 9000) - 1
TABLES = {
    "depressing": (
        lambda: snn.TsodyksMarkram(U=0.5, tau_rec=800.0, tau_fac=0.0),
        (0.5, 0.256173, 0.137269, 0.079285, 0.051009, 0.03722, 0.030495, 0.027216, 0.025617, 0.024837, 0.275369),
    ),
    "facilitating": (
        lambda: snn.TsodyksMarkram(U=0.1, tau_rec=100.0, tau_fac=1000.0),
        (0.1, 0.172808, 0.210568, 0.219857, 0.213077, 0.201093, 0.190181, 0.182502, 0.177903, 0.175463, 0.392905),
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(name, dtype):
    make, table = TABLES[name]
    found = amplitudes(make(), TABLE, 9000)
    np.testing.assert_allclose(found, table, rtol=0, atol={"float64": 6e-7, "float32": 2e-6}[dtype])
    for what in ("U", "tau_rec", "tau_fac"):  # controls
        wrong = snn.set(make(), what, getattr(make(), what) * 1.01 + 0.1 * (what == "tau_fac"))
        off = np.abs(amplitudes(wrong, TABLE, 9000) - np.array(table)).max()
        assert off > 1e-4 or (name, what) == ("depressing", "tau_fac")  # 0.1 ms is as good as none


def test_single_precision_recovers_to_the_end():
    """The spent share decays, not the rest grows: that would stop 1e-4 short of 1, where a step is below rounding."""
    late = np.array([10, 99_999])
    release = snn.TsodyksMarkram(U=0.5, tau_rec=800.0)
    found = amplitudes(release, late, 100_000)
    np.testing.assert_allclose(found, [0.5, 0.5 * (1 - 0.5 * np.exp(-9998.9 / 800.0))], rtol=3e-7)


# --- NEST: 57 spikes at intervals from 0.1 ms to 1 s ------------------------------------------------------------------


@pytest.mark.parametrize("case", GOLDEN["plastic"], ids=lambda c: f"{c['model']}-{c['numbers']['U']}")
def test_amplitudes_of_nest(case, x64):
    """Both forms, four sets of numbers each; and the other form, which must not do."""
    kind, numbers = FORMS[case["model"]], case["numbers"]
    expected = np.array(case["amplitude"])
    np.testing.assert_allclose(amplitudes(kind(**numbers), SPIKES, GOLDEN["steps"]), expected, rtol=0, atol=1e-12)
    if kind is snn.TsodyksUzielMarkram:
        other = {name: x for name, x in numbers.items() if name != "tau_psc"}
        assert np.abs(amplitudes(snn.TsodyksMarkram(**other), SPIKES, GOLDEN["steps"]) - expected).max() > 1e-4
        wrong = amplitudes(kind(**{**numbers, "tau_psc": numbers["tau_psc"] * 1.01}), SPIKES, GOLDEN["steps"])
        assert np.abs(wrong - expected).max() > 1e-6


def test_fast_inactivation_is_the_two_state_form(x64):
    numbers = dict(U=0.3, tau_rec=100.0, tau_fac=50.0)
    two = amplitudes(snn.TsodyksMarkram(**numbers), SPIKES, GOLDEN["steps"])
    three = [
        amplitudes(snn.TsodyksUzielMarkram(tau_psc=tau, **numbers), SPIKES, GOLDEN["steps"]) for tau in (1e-6, 1e-2)
    ]
    np.testing.assert_allclose(three[0], two, atol=1e-7)
    assert np.abs(three[1] - two).max() > 1e-5


def test_equal_time_constants(x64):
    """`tau_psc = tau_rec`, where NEST divides nought by nought, lies between its neighbours."""
    at = lambda tau: amplitudes(snn.TsodyksUzielMarkram(0.3, tau, 30.0, 50.0), SPIKES, GOLDEN["steps"])
    below, equal, above = at(30.0 * (1 - 1e-4)), at(30.0), at(30.0 * (1 + 1e-4))
    np.testing.assert_allclose(equal, (below + above) / 2, atol=1e-8)
    assert np.abs(below - equal).max() > 1e-6


def test_gates_of_nest(x64):
    """What each spike of iaf_bw_2001 adds to the gates of its targets, from all of them to a few in a burst."""
    case = GOLDEN["saturating"]
    spikes, expected = np.array(case["spikes"]), np.array(case["amplitude"])
    assert len(spikes) > 40 and np.ptp(expected) > 0.5
    np.testing.assert_allclose(
        amplitudes(snn.connectivity.SaturatingRelease(), spikes, 4000), expected, rtol=0, atol=1e-9
    )
    for wrong in (
        snn.connectivity.SaturatingRelease(0.505),
        snn.connectivity.SaturatingRelease(0.5, 2.02),
        snn.connectivity.SaturatingRelease(0.5, 2.0, 101.0),
    ):
        assert np.abs(amplitudes(wrong, spikes, 4000) - expected).max() > 1e-4


def membranes():
    """`v` of one neuron for each of NEST's cases, all in one network: a sender, delays, exponential currents."""
    cell = GOLDEN["cell"]
    lif = snn.LIF(tau=cell["tau_m"], v_rest=cell["E_L"], v_th=cell["V_th"], gain=snn.gains.Capacitance(cell["C_m"]))
    populations, links = {"S": snn.SpikeSource(1)}, {}
    for i, case in enumerate(GOLDEN["plastic"]):
        populations[f"C{i}"] = snn.Population(lif, 1, ports={"in": snn.Exponential(cell["tau_syn_ex"])})
        links[f"p{i}"] = snn.Connection(
            "S",
            f"C{i}",
            snn.OneToOne(),
            via=snn.Dense() if i % 2 else snn.Sparse(),
            weight=100.0,
            delay=GOLDEN["delay"],
            release=FORMS[case["model"]](**case["numbers"]),
        )
    net = snn.network(dt=DT, key=KEY, populations=populations, projections=links)
    drive = snn.Replay.events(SPIKES, np.zeros_like(SPIKES), steps=GOLDEN["steps"], n=1, into="S")
    record = {f"C{i}": snn.Trace(f"C{i}.v") for i in range(len(GOLDEN["plastic"]))}
    run = snn.simulate(net, drive, steps=GOLDEN["steps"], key=KEY, record=record, progress=snn.progress.Quiet())
    return np.stack([np.asarray(run[f"C{i}"])[:, 0] for i in range(len(record))])


def test_membranes_of_nest(x64):
    """Through a network: parrot, plastic synapse, delay of 1.7 ms, iaf_psc_exp. Control: a step later."""
    expected = np.array([case["v"] for case in GOLDEN["plastic"]])
    at = 50 * np.arange(1, expected.shape[1] + 1) - 1  # row j is time (j + 1) dt
    v = membranes()
    assert np.ptp(expected, axis=1).min() > 0.05  # mV
    np.testing.assert_allclose(v[:, at], expected, rtol=0, atol=1e-11)
    assert np.abs(v[:, at - 1] - expected).max(axis=1).min() > 1e-3


# --- by chance --------------------------------------------------------------------------------------------------------


def passed(release, trials, targets, via, key=KEY):
    """What arrives of a sender that fires in every other step, at each of its targets: shape (trials, targets)."""
    net = snn.network(
        dt=DT,
        key=KEY,
        populations={"S": snn.SpikeSource(1), "D": snn.Population(snn.LI(tau=1e-4), targets)},  # `v` is what arrived
        projections={"p": snn.Connection("S", "D", snn.AllToAll(), via=via, delay=1.0, release=release)},
    )
    raster = (np.arange(2 * trials + 10) % 2 == 0)[:, None]
    run = snn.simulate(
        net, snn.Replay(jnp.asarray(raster), into="S"), steps=len(raster), key=key, record=snn.Trace("D.v")
    )
    return np.asarray(run.record)[10 : 10 + 2 * trials : 2]


def chi_square(counts, probabilities):
    """Over bins that expect five or more, the others joined; and its degrees of freedom."""
    expected = np.asarray(probabilities) * np.sum(counts)
    some = expected >= 5
    observed = np.append(np.asarray(counts)[some], np.sum(np.asarray(counts)[~some]))
    expected = np.append(expected[some], max(expected[~some].sum(), 1e-9))
    return float(np.sum((observed - expected) ** 2 / expected)), len(expected) - 1


def test_bernoulli():
    """Every synapse and spike a draw of its own: as many as NEST's, and numbers per spike that are binomial."""
    from scipy.stats import binom, chi2

    nest = GOLDEN["bernoulli"]
    p, trials, targets = nest["p"], nest["trials"], nest["targets"]
    law = binom.pmf(np.arange(targets + 1), targets, p)
    seen = passed(snn.connectivity.Bernoulli(p), trials, targets, snn.Sparse())
    assert set(np.unique(seen)) == {0.0, 1.0}
    error = np.sqrt(p * (1 - p) * trials)
    for by_synapse, per_spike in (
        (nest["passed_by_synapse"], nest["trials_with"]),
        (seen.sum(axis=0), np.bincount(seen.sum(axis=1).astype(int), minlength=targets + 1)),
    ):
        assert np.abs(np.array(by_synapse) - p * trials).max() < 4 * error
        statistic, freedom = chi_square(per_spike, law)
        assert statistic < chi2.isf(1e-4, freedom)
    # controls: a sender whose synapses fail together, and a slightly different p
    together = np.bincount(np.repeat(seen[:, :1], targets, axis=1).sum(axis=1).astype(int), minlength=targets + 1)
    assert chi_square(together, law)[0] > 1e3
    assert chi_square(
        np.bincount(seen.sum(axis=1).astype(int), minlength=targets + 1),
        binom.pmf(np.arange(targets + 1), targets, p + 0.02),
    )[0] > chi2.isf(1e-4, targets)


def test_binomial():
    """Counts of quanta follow their law; a slightly different one is seen."""
    from scipy.stats import binom, chi2

    seen = passed(snn.connectivity.Binomial(0.3, 4), 2000, 20, snn.Sparse())
    counts = np.bincount(seen.ravel().astype(int), minlength=5)
    statistic, freedom = chi_square(counts, binom.pmf(np.arange(5), 4, 0.3))
    assert statistic < chi2.isf(1e-4, freedom)
    assert chi_square(counts, binom.pmf(np.arange(5), 4, 0.31))[0] > chi2.isf(1e-4, freedom)


def test_the_key_decides_who_fails():
    seen = passed(snn.connectivity.Bernoulli(0.3), 100, 20, snn.Sparse())
    np.testing.assert_array_equal(
        passed(snn.connectivity.Bernoulli(0.3), 100, 20, snn.Dense()), seen
    )  # held differently, no matter
    assert np.any(passed(snn.connectivity.Bernoulli(0.3), 100, 20, snn.Sparse(), key=jax.random.key(1)) != seen)
    np.testing.assert_array_equal(passed(snn.connectivity.Bernoulli(1.0), 100, 20, snn.Sparse()), 1.0)
    np.testing.assert_array_equal(passed(snn.connectivity.Bernoulli(0.0), 100, 20, snn.Sparse()), 0.0)
