"""Bad input of plastic links: what was given, what was expected, what to do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.refused import refused

KEY = jax.random.key(0)


def build(*, rule=None, post=None, order=None, **link):
    cell = snn.Population(snn.LIF(), 3) if post is None else post
    given = dict(weight=0.5, delay=1.0, rule=snn.PairSTDP() if rule is None else rule) | link
    projections = {"PQ": snn.Connection("P", "Q", snn.AllToAll(), **given)}
    populations = {"P": snn.SpikeSource(2), "Q": cell}
    return snn.network(dt=0.1, key=KEY, populations=populations, projections=projections, order=order)


def test_a_rule_that_reads_what_is_not_there():
    with refused("'PQ'", "Clopath", "membrane", "'Q'", "Parrot", "LIF"):
        build(rule=snn.Clopath(), post=snn.SpikeSource(3))
    build(rule=snn.Clopath())


def test_weights_outside_the_bounds():
    with refused("'PQ'", "weights at the start are 0.5", "Bound, 0.0 to 0.4", "widen"):
        build(rule=snn.chain(snn.PairSTDP(), snn.Bound(0.0, 0.4)))
    with refused("weights at the start are -0.5 to 0.5", "PairSTDP, 0.0 to 1.0"):
        build(rule=snn.PairSTDP(dependence=snn.plasticity.Guetig()), weight=np.linspace(-0.5, 0.5, 6))
    with refused("-0.1", "PairSTDP, at least 0.0"):
        build(rule=snn.PairSTDP(dependence=snn.plasticity.PowerLaw()), weight=-0.1)
    net = build(rule=snn.chain(snn.PairSTDP(), snn.Bound(0.0, 1.0)))
    for path, value in (("PQ.weight", 2.0), ("PQ.plastic.rule.parts.1.hi", 0.25)):
        with refused("weights at the start", "start within, or widen"):
            snn.set(net, path, value)
    with refused("Bound", "lo = 1.0", "hi = 0.0", "lo <= hi"):
        snn.Bound(1.0, 0.0)

    def traced(weight):
        net = build(rule=snn.chain(snn.PairSTDP(), snn.Bound(0.0, 0.4)), weight=weight)
        return snn.simulate(net, steps=2, key=KEY).status

    program = jax.jit(traced)
    for wrong in (0.5, -0.1, np.nan):
        assert int(program(wrong)) & snn.Status.PARAMETER_RANGE
    assert int(program(0.3)) == 0


def test_shares_of_a_delay():
    with refused("'PQ'", "axonal is 0.5", "dendritic is 0.7", "do not add up", "1.0"):
        build(axonal=0.5, dendritic=0.7)
    with refused("'PQ'", "dendritic share", "1.0 ms leave", "raise the delay"):
        build(axonal=1.0)  # NEST's order: what a synapse sends needs a step
    with refused("plastic", "rule"):
        snn.Connection("P", "Q", snn.AllToAll(), delay=1.0, axonal=0.5)
    build(axonal=0.4, dendritic=0.6)
    build(axonal=1.0, order=snn.BrianOrder())
    each = build(axonal=np.linspace(0.1, 0.6, 6))
    with refused("sorted by their delays", "other delays"):
        snn.set(each, "PQ.delay", jnp.int32(9))


def test_what_a_chain_is_made_of():
    with refused("chain", "0.1", "PairSTDP"):
        snn.chain(snn.PairSTDP(), 0.1)
    with refused("chain", "no rule"):
        snn.chain(snn.Bound())
    with refused("Connection.rule", "PairSTDP"):
        snn.Connection("P", "Q", snn.AllToAll(), rule="stdp")


def test_a_modulator_that_nobody_feeds():
    net = build(rule=snn.chain(snn.PairSTDP(), snn.Modulate("reward")))
    with refused("'PQ'", "reward", "feeds none", "Modulator"):
        snn.simulate(net, steps=1, key=KEY)
    with pytest.raises(ValueError, match="dopamine"):
        snn.simulate(net, snn.Modulator("dopamine", 1.0), steps=1, key=KEY)


def test_releases_that_draw():
    with refused("'PQ'", "Bernoulli", "rule does not", "certain"):
        build(release=snn.connectivity.Bernoulli(0.5))


def test_numbers_of_rules():
    """Ranges and NaN of every parameter of every rule, modifier and release: refused when built, a bit where traced."""
    parts = (
        *(snn.PairSTDP, snn.TripletSTDP, snn.Clopath, snn.VogelsSprekeler, snn.Oja, snn.BCM),
        *(
            snn.plasticity.Guetig,
            snn.plasticity.PowerLaw,
            snn.plasticity.SpikeTrace,
            snn.plasticity.NearestTrace,
            snn.plasticity.VoltageTrace,
        ),
        *(snn.Bound, snn.SoftBound, snn.plasticity.StraightThroughBound, snn.Scaling, snn.Normalise),
        *(
            snn.TsodyksMarkram,
            snn.TsodyksUzielMarkram,
            snn.connectivity.SaturatingRelease,
            snn.connectivity.Bernoulli,
            snn.connectivity.Binomial,
        ),
        lambda **numbers: snn.Modulate("reward", **numbers),
    )
    seen = 0
    for part in parts:
        for name, value in vars(part()).items():
            if not isinstance(value, jax.Array):
                continue
            seen += 1
            with refused(name, "nan"):
                part(**{name: np.nan})
            if name.startswith("tau") and name != "tau_fac":
                with refused(f"{name} is 0.0", "more than 0"):
                    part(**{name: 0.0})
    assert seen > 60
    for rule, wrong in (
        (snn.VogelsSprekeler, dict(eta=-1.0)),
        (snn.Oja, dict(eta=-1.0)),
        (snn.BCM, dict(eta=-1.0)),
        (snn.Clopath, dict(a_ltp=-1.0)),
        (snn.plasticity.Guetig, dict(mu_plus=-1.0)),
        (snn.connectivity.Bernoulli, dict(p=1.2)),
        (snn.TsodyksMarkram, dict(U=1.5)),
        (snn.SoftBound, dict(lo=1.0, hi=1.0)),
    ):
        with refused(rule.__name__, "expected"):
            rule(**wrong)

    def traced(hi, p):
        links = {
            "R": snn.Connection("P", "Q", snn.AllToAll(), weight=0.0, delay=1.0, release=snn.connectivity.Bernoulli(p)),
            "S": snn.Connection(
                "P", "Q", snn.AllToAll(), weight=0.0, delay=1.0, rule=snn.chain(snn.Oja(), snn.Bound(0.0, hi))
            ),
        }
        populations = {"P": snn.SpikeSource(2), "Q": snn.Population(snn.LIF(), 3)}
        net = snn.network(dt=0.1, key=KEY, populations=populations, projections=links)
        return snn.simulate(net, steps=2, key=KEY).status

    program = jax.jit(traced)
    assert int(program(1.0, 0.5)) == 0
    for hi, p in ((-1.0, 0.5), (1.0, 1.5), (np.nan, 0.5), (1.0, np.nan)):
        assert int(program(hi, p)) == snn.Status.PARAMETER_RANGE


def test_shapes_of_numbers():
    """One number, or one a neuron of the side whose trace it is; anything else is one error when built, or set."""
    for rule, name, allowed in (
        (snn.PairSTDP(a_plus=np.ones(3)), "PairSTDP.a_plus has shape (3,)", "expected ()"),
        (snn.PairSTDP(tau_plus=np.full(3, 9.0)), "PairSTDP.tau_plus", "() or (2,), one per presynaptic neuron"),
        (snn.PairSTDP(tau_minus=np.full(2, 9.0)), "PairSTDP.tau_minus", "() or (3,), one per postsynaptic neuron"),
        (snn.PairSTDP(dependence=snn.plasticity.Guetig(np.ones(3))), "PairSTDP.dependence.w_max", "expected ()"),
        (snn.BCM(rate=np.ones((2, 3))), "BCM.rate has shape (2, 3)", "expected ()"),
        (snn.chain(snn.PairSTDP(), snn.Bound(0.0, np.ones(3))), "Bound.hi", "expected ()"),
        (snn.chain(snn.PairSTDP(), snn.Modulate("m", np.ones(3))), "Modulate.tau", "expected ()"),
        (snn.chain(snn.PairSTDP(), snn.Scaling(np.ones(2))), "Scaling.rate", "() or (3,), one per postsynaptic neuron"),
    ):
        with refused("'PQ'", name, allowed):
            build(rule=rule)
    net = build(rule=snn.PairSTDP(tau_plus=np.array([9.0, 10.0]), tau_minus=np.array([9.0, 10.0, 11.0])))
    build(rule=snn.chain(snn.PairSTDP(), snn.Scaling(np.array([1.0, 2.0, 3.0]))))
    path = "PQ.plastic.rule.parts.0.tau_plus"
    assert snn.get(snn.set(net, path, np.array([5.0, 6.0])), path).shape == (2,)


def test_weights_that_are_no_numbers():
    with refused("'PQ'", "NaN or infinite"):
        build(weight=np.nan)
    with refused("'PQ'", "NaN or infinite"):
        build(weight=np.array([0.1, 0.2, np.inf, 0.4, 0.5, 0.6]), rule=snn.Oja())


def test_choices_of_a_chain():
    with refused("chain(..., sends=", "WeightBeforeUpdate() or WeightAfterUpdate()"):
        snn.chain(snn.Oja(), sends=snn.plasticity.WeightAfterUpdate)
    with refused("chain(..., clips='each')", "ClipEachTerm() or ClipWholeChange()"):
        snn.chain(snn.Oja(), clips="each")


def test_kinds_of_arguments():
    with refused("PairSTDP.dependence is 'additive'", "Guetig"):
        snn.PairSTDP(dependence="additive")
    with refused("PairSTDP.pairs is the class NearestNeighbour", "NearestNeighbour(...)"):
        snn.PairSTDP(pairs=snn.plasticity.NearestNeighbour)
    with refused("Modulate.name is 5", "reward"):
        snn.Modulate(5)


def test_a_conductance_takes_no_negative_weights():
    """What learns into one is held above 0: known when built, a status bit where it is traced."""
    post = snn.Population(snn.LIF(), 3, ports={"g": snn.Conductance(5.0)})
    for rule in (snn.PairSTDP(), snn.chain(snn.Oja(), snn.Bound(-1.0, 1.0))):
        with refused("'PQ'", "Conductance", "none below 0", "Bound(0.0, hi)"):
            build(rule=rule, post=post)
    build(rule=snn.PairSTDP(dependence=snn.plasticity.PowerLaw()), post=post)
    status = lambda lo: build(rule=snn.chain(snn.Oja(), snn.Bound(lo, 1.0)), post=post).init(key=KEY).status
    assert int(jax.jit(status)(0.0)) == 0
    assert int(jax.jit(status)(-0.5)) == snn.Status.NEGATIVE_WEIGHT
