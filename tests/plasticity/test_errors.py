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
    projections = {"PQ": snn.Link("P", "Q", snn.AllToAll(), **given)}
    populations = {"P": snn.Source(2), "Q": cell}
    return snn.network(dt=0.1, key=KEY, populations=populations, projections=projections, order=order)


def test_a_rule_that_reads_what_is_not_there():
    with refused("'PQ'", "Clopath", "membrane", "'Q'", "Relay", "LIF"):
        build(rule=snn.Clopath(), post=snn.Source(3))
    build(rule=snn.Clopath())


def test_weights_outside_the_bounds():
    with refused("'PQ'", "weights at the start", "Bound", "widen"):
        build(rule=snn.chain(snn.PairSTDP(), snn.Bound(0.0, 0.4)))
    with refused("Bound", "lo = 1.0", "hi = 0.0", "lo <= hi"):
        snn.Bound(1.0, 0.0)

    def traced(weight):
        net = build(rule=snn.chain(snn.PairSTDP(), snn.Bound(0.0, 0.4)), weight=weight)
        return snn.simulate(net, steps=2, key=KEY).status

    assert snn.Status(int(jax.jit(traced)(0.5))) == snn.Status.PARAMETER_RANGE
    assert int(jax.jit(traced)(0.3)) == 0


def test_shares_of_a_delay():
    with refused("'PQ'", "axonal is 0.5", "dendritic is 0.7", "do not add up", "1.0"):
        build(axonal=0.5, dendritic=0.7)
    with refused("'PQ'", "dendritic share", "1.0 ms leave", "raise the delay"):
        build(axonal=1.0)  # NEST's order: what a synapse sends needs a step
    with refused("plastic", "rule"):
        snn.Link("P", "Q", snn.AllToAll(), delay=1.0, axonal=0.5)
    build(axonal=0.4, dendritic=0.6)
    build(axonal=1.0, order=snn.BrianOrder())
    each = build(axonal=np.linspace(0.1, 0.6, 6))
    with refused("one a synapse", "build it"):
        snn.set(each, "PQ.delay", jnp.int32(9))


def test_what_a_chain_is_made_of():
    with refused("chain", "0.1", "PairSTDP"):
        snn.chain(snn.PairSTDP(), 0.1)
    with refused("chain", "no rule"):
        snn.chain(snn.Bound())
    with refused("Link.rule", "PairSTDP"):
        snn.Link("P", "Q", snn.AllToAll(), rule="stdp")


def test_a_modulator_that_nobody_feeds():
    net = build(rule=snn.chain(snn.PairSTDP(), snn.Modulate("reward")))
    with refused("'PQ'", "reward", "feeds none", "Modulator"):
        snn.simulate(net, steps=1, key=KEY)
    with pytest.raises(ValueError, match="dopamine"):
        snn.simulate(net, snn.Modulator("dopamine", 1.0), steps=1, key=KEY)


def test_releases_that_draw():
    with refused("'PQ'", "Bernoulli", "rule does not", "certain"):
        build(release=snn.Bernoulli(0.5))
