"""What goes wrong while a program runs: a bit each, raised once at the end with the remedy, or handed over as data."""

import functools
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn._status import explain
from tests.refused import refused

GOOD = {"p": 0.2, "rate": 100.0, "delay": 0.5, "v": 0.0, "tau": 20.0}
BAD = {
    "p": (0.6, snn.Status.GRAPH_CAPACITY, "raise its `most`"),
    "rate": (1e5, snn.Status.RATE_RANGE, "give a larger `most`"),
    "delay": (2.0, snn.Status.DELAY_RANGE, "raise max_delay"),
    "v": (np.inf, snn.Status.NOT_FINITE, "check time constants"),
    "tau": (-20.0, snn.Status.PARAMETER_RANGE, "bounds"),
}


def run(point):
    """Two populations whose numbers are traced: nothing is known when the program is built."""
    cell = snn.Population(snn.LIF(tau=point["tau"], v_th=10.0), 8, init={"v": point["v"]})
    net = snn.network(
        dt=0.1,
        key=jax.random.key(0),
        populations={"A": cell, "B": snn.Population(snn.LI(), 3)},
        projections={
            "AB": snn.Connection("A", "B", snn.FixedProb(point["p"], most=0.5), delay=point["delay"], max_delay=1.0),
        },
    )
    drive = snn.Poisson(point["rate"], into="A", most=1.0)
    return snn.simulate(net, drive, steps=3, key=jax.random.key(1))


@functools.cache
def statuses():
    """One program for a clean point and a bad one of every kind."""
    points = [GOOD] + [GOOD | {name: bad} for name, (bad, *_) in BAD.items()]
    stacked = {name: jnp.array([point[name] for point in points]) for name in GOOD}
    return np.asarray(jax.jit(jax.vmap(lambda point: run(point).status))(stacked))


def test_a_clean_run_is_clean():
    assert statuses()[0] == 0 and explain(statuses()[0]) == []


@pytest.mark.parametrize("name", BAD)
def test_what_is_traced_sets_a_bit_with_a_remedy(name):
    _, flag, remedy = BAD[name]
    status = statuses()[1 + [*BAD].index(name)]
    assert status & flag
    assert any(text.startswith(flag.name) and remedy in text for text in explain(status))
    if name != "v":  # an infinite membrane fires, but nothing else of what is bad makes numbers that are not finite
        assert status == flag


def test_a_run_raises_once_or_hands_over_its_status():
    cell = snn.Population(snn.LI(), 2, init={"v": np.array([0.0, np.inf])})
    net = snn.network(dt=0.1, key=jax.random.key(0), populations={"A": cell})
    start = functools.partial(snn.simulate, net, steps=3, key=jax.random.key(0))
    with pytest.raises(snn.SimulationError, match="NOT_FINITE: a state became NaN or infinite; check") as caught:
        start(progress=snn.progress.Quiet())
    assert caught.value.status is snn.Status.NOT_FINITE
    data = start(progress=snn.progress.Quiet(), throw=False, record=snn.Last("A.v"))
    assert data.status == snn.Status.NOT_FINITE and len(data.problems) == 1
    assert np.array_equal(np.isnan(data.record), [False, True])  # what is well stays readable


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (dict(t=1.0, steps=10), ("t = 1.0 and steps = 10", "expected one of them")),
        (dict(), ("t = None and steps = None", "expected one of them")),
        (dict(t=1.05), ("Got t = 1.05 ms", "no whole number of steps of dt = 0.1 ms", "the nearest is 1 ms")),
        (dict(steps=0), ("a run of 0 steps", "expected a positive whole number")),
        (dict(t=-1.0), ("a run of -10 steps", "expected a positive whole number")),
        (dict(steps=2.0), ("a run of 2.0 steps", "expected a positive whole number")),
        (dict(steps=5, chunk=0), ("chunk = 0", "expected a positive number of steps")),
    ],
)
def test_bad_lengths_are_refused(length, message):
    net = snn.network(dt=0.1, key=jax.random.key(0), populations={"A": snn.Population(snn.LI(), 2)})
    with refused(*message):
        snn.simulate(net, key=jax.random.key(0), **length)


# --- progress ---------------------------------------------------------------------------------------------------------


def test_a_bar_shows_itself_on_a_terminal_when_patience_is_over(capsys, monkeypatch):
    """On stderr; elsewhere, as in a log file, there is none."""
    net = snn.network(dt=0.1, key=jax.random.key(0), populations={"A": snn.Population(snn.LI(), 2)})
    start = functools.partial(snn.simulate, net, steps=30, chunk=10, key=jax.random.key(0))
    start(progress=snn.progress.Bar(patience=0.0))
    assert "simulate ━" not in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    start(progress=snn.progress.Bar(patience=0.0))
    shown = capsys.readouterr()
    assert "30/30" in shown.err and shown.out == ""
    for quiet in (snn.progress.Quiet(), snn.progress.Bar(patience=1e9)):
        start(progress=quiet)
        assert capsys.readouterr() == ("", "")


def test_compiling_is_said_once_it_takes_long(capsys):
    for seconds, said in ((0.0, ""), (0.3, "fit: compiling ...\n")):
        with snn.progress.Bar(quick=0.1).compiling("fit"):
            time.sleep(seconds)
        assert capsys.readouterr() == ("", said)
    with snn.progress.Quiet().compiling("fit"):
        pass
