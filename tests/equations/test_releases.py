"""Releases by equations are the hand-written one; what is no release is refused at its character."""

import jax
import numpy as np
import pytest

import jaxsnn as snn

TEXT = """
du/dt = -u/tau_f : 1 (event-driven)
dx/dt = (1 - x)/tau_d : 1 (event-driven)
"""
ON_PRE = "u += U*(1 - u); r = u*x; x -= r; ge += w*r"
VALUES = {"tau_f": "60*ms", "tau_d": "90*ms", "U": 0.4, "x_0": 1.0}
KIND = snn.equations.release(TEXT, on_pre=ON_PRE, weight="w", **VALUES)


def received(release, every=1.7):
    """What a readout has received of six senders, in every step of 150 ms."""
    net = snn.network(
        dt=0.1, key=jax.random.key(0), order=snn.BrianOrder(),
        populations={"in": snn.SpikeSource(6), "E": snn.Population(snn.LI(tau=5.0), 3)},
        projections={"x": snn.Connection("in", "E", snn.AllToAll(), weight=snn.Uniform(0.5, 2.0), delay=1.0,
                                         release=release)},
    )  # fmt: skip
    drive = snn.Poisson(60.0, into="in")
    run = snn.simulate(
        net, drive, t=150.0, key=jax.random.key(1), record=snn.Trace("E.v"), progress=snn.progress.Quiet()
    )
    return np.asarray(run.record)


def test_the_release_of_a_text_is_that_by_hand(x64):
    hand = received(snn.TsodyksMarkram(U=0.4, tau_rec=90.0, tau_fac=60.0))
    assert np.abs(received(KIND()) - hand).max() < 1e-12 * np.abs(hand).max()
    assert np.abs(received(KIND(U=0.41)) - hand).max() > 1e-3 * np.abs(hand).max()  # negative controls
    turned = snn.equations.release(TEXT, on_pre="r = u*x; u += U*(1 - u); x -= r; ge += w*r", weight="w", **VALUES)
    assert np.abs(received(turned()) - hand).max() > 1e-2 * np.abs(hand).max()


def test_parameters_are_leaves_one_or_one_a_sender(x64):
    assert float(KIND().tau_f) == 60.0
    assert received(KIND(U=np.linspace(0.2, 0.6, 6))).shape == (1500, 3)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"on_pre": "u += U*(1 - u)"}, "0 statements add to a variable of the receivers"),
        ({"on_pre": "ge += w*u; gi += w"}, "2 statements add"),
        ({"on_pre": ON_PRE.replace("w*r", "w + r")}, "'w' is no factor of what is sent"),
        ({"on_pre": ON_PRE.replace("r = ", "r *= ")}, "'r' keeps a value from spike to spike"),
        ({"on_pre": ON_PRE.replace("u*x;", "u*y;")}, "'y' is not defined"),
        ({"on_pre": ON_PRE.replace("u*x;", "u*y;") + "; y = 1"}, "'y' is not defined here"),
        ({"on_pre": ON_PRE.replace("u*x;", "u*x*rand();")}, "no random numbers"),
        ({"on_pre": ON_PRE.replace("x -= r", "x -= r*mV")}, "x is in 1 (no unit)"),
        ({"equations": TEXT.replace("(1 - x)/tau_d", "(1 - x)*x/tau_d")}, "not linear in 'x'"),
        ({"equations": TEXT.replace("(1 - x)/tau_d", "(u - x)/tau_d")}, "'u' is no constant"),
        ({"equations": TEXT.replace("(1 - x)/tau_d", "exp(-x)/tau_d")}, "not linear in 'x'"),
        ({"equations": TEXT.replace(" (event-driven)", "", 1)}, "(event-driven)"),
        ({"equations": TEXT + "y = u*x : 1"}, "computed in every synapse"),
        ({"tau_f": "60*mV"}, "du/dt is in"),
    ],
)
def test_what_is_no_release_is_refused(changed, says):
    given = {"equations": TEXT, "on_pre": ON_PRE, "weight": "w", **VALUES} | changed
    with pytest.raises(snn.equations.EquationError) as caught:
        snn.equations.release(given.pop("equations"), **given)
    assert says in str(caught.value)
