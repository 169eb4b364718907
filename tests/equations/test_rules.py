"""Plasticity rules by equations are the hand-written ones; what is no rule is refused at its character."""

import jax
import numpy as np
import pytest

import jaxsnn as snn

PAIRS = """
w : 1
dapre/dt = -apre/taupre : 1 (event-driven)
dapost/dt = -apost/taupost : 1 (event-driven)
"""
VALUES = {"taupre": "20*ms", "taupost": "15*ms", "up": 0.01, "down": 0.0105, "w_max": 1.0}
STDP = snn.equations.rule(
    PAIRS,
    on_pre="ge += w; apre += up; w = clip(w + apost, 0, w_max)",
    on_post="apost -= down; w = clip(w + apre, 0, w_max)",
    **VALUES,
)
NEAREST = snn.equations.rule(
    PAIRS,
    on_pre="apre = up; w = clip(w - apost, 0, w_max); ge += w",
    on_post="apost = down; w = clip(w + apre, 0, w_max)",
    **VALUES,
)
VOGELS = snn.equations.rule(
    """
    w : 1
    dx/dt = -x/(20*ms) : 1 (event-driven)
    dy/dt = -y/(20*ms) : 1 (event-driven)
    """,
    on_pre="x += 1; w = clip(w + (y - 2*rate*20*ms)*eta, 0, 2); g += w",
    on_post="y += 1; w = clip(w + x*eta, 0, 2)",
    eta=0.01,
    rate="30*Hz",
)
AFTER = snn.plasticity.WeightAfterUpdate()
BY_HAND = {
    "pairs": lambda: (
        STDP().chained(),
        snn.plasticity.chain(snn.PairSTDP(0.01, 0.0105, 20.0, 15.0), snn.Bound(0.0, 1.0)),
    ),
    "nearest": lambda: (
        NEAREST().chained(),
        snn.plasticity.chain(
            snn.PairSTDP(0.01, 0.0105, 20.0, 15.0, pairs=snn.plasticity.NearestNeighbour()),
            snn.Bound(0.0, 1.0),
            sends=AFTER,
        ),
    ),
    "inhibition": lambda: (
        VOGELS().chained(),
        snn.plasticity.chain(snn.VogelsSprekeler(0.01, rate=30.0, tau=20.0), snn.Bound(0.0, 2.0), sends=AFTER),
    ),
}


def learnt(rule, into=1.5):
    """The weights after 200 ms between ten sources and four neurons that fire at some 40 Hz."""
    net = snn.network(
        dt=0.1, key=jax.random.key(0), order=snn.BrianOrder(),
        populations={"in": snn.SpikeSource(10), "E": snn.Population(snn.LIF(), 4)},
        projections={
            "x": snn.Connection("in", "E", snn.AllToAll(), weight=snn.Uniform(0.2, 0.9), delay=snn.Uniform(0.0, 2.0),
                                rule=rule)
        },
    )  # fmt: skip
    drive = snn.Poisson(80.0, into="in") + snn.Poisson(3000.0, into, into="E")
    record = {"w": snn.Last("x.weight"), "count": snn.Count("E")}
    run = snn.simulate(net, drive, t=200.0, key=jax.random.key(1), record=record, progress=snn.progress.Quiet())
    assert run["count"].sum() > 10
    return np.asarray(run["w"])


@pytest.mark.parametrize("name", BY_HAND)
def test_rules_of_texts_are_those_by_hand(name, x64):
    text, hand = (learnt(rule) for rule in BY_HAND[name]())
    assert np.abs(text - hand).max() < 1e-12
    assert np.ptp(text) > 0.05


def test_another_rule_learns_otherwise(x64):
    """Negative control: a trace's size, a sign, the order of statements."""
    given = learnt(STDP().chained())
    turned = snn.equations.rule(
        PAIRS, on_pre="ge += w; apre += up; w = clip(w - apost, 0, w_max)",
        on_post="apost -= down; w = clip(w + apre, 0, w_max)", **VALUES,
    )  # fmt: skip
    late = snn.equations.rule(
        PAIRS, on_pre="apre += up; w = clip(w + apost, 0, w_max); ge += w",
        on_post="w = clip(w + apre, 0, w_max); apost -= down", **VALUES,
    )  # fmt: skip
    assert np.abs(learnt(STDP(up=0.011).chained()) - given).max() > 1e-4
    assert np.abs(learnt(turned().chained()) - given).max() > 1e-3
    assert isinstance(late.sent(), snn.plasticity.WeightAfterUpdate)
    assert isinstance(STDP.sent(), snn.plasticity.WeightBeforeUpdate)


def test_parameters_are_leaves_in_the_library_s_units():
    assert float(STDP().taupre) == 20.0
    assert float(VOGELS().rate) == pytest.approx(0.03)
    with pytest.raises(ValueError, match="expected a value in ms"):
        STDP(taupre="3*mV")


def refusal(**changed):
    given = {"on_pre": "ge += w; apre += up; w = w + apost", "on_post": "apost -= down; w = w + apre"} | changed
    with pytest.raises(snn.equations.EquationError) as caught:
        snn.equations.rule(given.pop("text", PAIRS), **given, **VALUES)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"on_pre": "ge += w; w += 1*apost; w = 2*w; apre = 3*apre"}, "constant"),
        ({"on_pre": "ge += w; apre += up; w = clip(w, 0, 1); w += apost"}, "clipped and then changed again"),
        ({"on_pre": "ge += w; apre += up; w = clip(w + apost, 0, 2)"}, "clip the weight differently"),
        ({"on_pre": "ge = w; apre += up"}, "set by a spike"),
        ({"on_pre": "ge += w; w += apost; gi += w; apre += up"}, "before and after"),
        ({"on_pre": "ge += w; apre += up", "on_post": "apost += down"}, "no statement changes the weight"),
        ({"on_pre": "ge += w; apre += up; apost += up; w += apost"}, "both sides"),
        ({"on_post": "w += apre"}, "neither side"),
        ({"on_pre": "ge += w; apre += up; w += rand()*apost"}, "no random numbers"),
        ({"on_post": "apost -= down; w += apre*dwon"}, "'dwon' is not defined (did you mean 'down'?)"),
        ({"on_post": "apost -= mV; w += apre"}, "apost is in 1 (no unit)"),
        ({"text": PAIRS.replace("-apost/taupost", "-apost*apre/taupost")}, "not -apost/tau"),
        ({"text": PAIRS.replace(" (event-driven)", "")}, "(event-driven)"),
        ({"text": PAIRS.replace("w : 1", "u : 1")}, "no line `w : unit`"),
        ({"text": PAIRS + "x = 2*w : 1"}, "computed in every synapse"),
        ({"on_post": "apost -= down; v_pre += w; w += apre"}, "on_post adds to a variable"),
    ],
)
def test_what_is_no_rule_is_refused(changed, says):
    assert says.lower() in refusal(**changed).lower()
