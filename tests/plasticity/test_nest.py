"""The weights that every spike sends, against NEST's plastic synapses: delays of their own, spikes that coincide."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

FOLDER = Path(__file__).parents[1] / "golden"
GOLDEN, BOUNDS = np.load(FOLDER / "plasticity_nest.npz"), np.load(FOLDER / "plasticity_nest_bounds.npz")
STEPS, W0 = int(GOLDEN["steps"]), float(GOLDEN["w0"])
TAU_MINUS, TAU_Y = 30.0, 110.0  # of the post neurons
BOTH = (snn.Sparse(), snn.Dense())


def pairs(lam, alpha, tau, mu_plus, mu_minus, w_max=100.0, **more):
    dependence = snn.plasticity.Guetig(w_max, mu_plus, mu_minus)
    return snn.PairSTDP(lam, alpha * lam, tau, TAU_MINUS, dependence=dependence, **more)


def power(lam, alpha):
    return snn.PairSTDP(lam, alpha * lam, 15.0, TAU_MINUS, dependence=snn.plasticity.PowerLaw(1.0, 0.4))


TRIPLET = dict(a2_plus=0.3, a3_plus=0.4, a2_minus=0.5, a3_minus=0.2)
TAUS = dict(tau_plus=16.8, tau_x=101.0, tau_minus=TAU_MINUS, tau_y=TAU_Y)
UP_TO = lambda: snn.Bound(0.0, 100.0)
RULES = {
    "additive": lambda: (pairs(0.02, 1.1, 15.0, 0.0, 0.0), UP_TO()),
    "guetig": lambda: (pairs(0.05, 1.2, 15.0, 0.4, 0.7), UP_TO()),
    "multiplicative": lambda: (pairs(0.05, 1.05, 15.0, 1.0, 1.0), UP_TO()),
    "power": lambda: (power(0.1, 0.06),),
    "nearest": lambda: (pairs(0.05, 1.1, 15.0, 0.5, 0.5, pairs=snn.plasticity.NearestNeighbour()), UP_TO()),
    "triplet": lambda: (snn.TripletSTDP(**TRIPLET, **TAUS), UP_TO()),
    "vogels": lambda: (snn.VogelsSprekeler(0.4, 1e3 * 0.9 / (2 * TAU_MINUS), TAU_MINUS), UP_TO()),
    "dopamine": lambda: (
        snn.PairSTDP(0.02, 0.025, 17.0, TAU_MINUS),
        snn.Modulate("dopamine", 300.0, decay=70.0, baseline=0.4),
        snn.Bound(0.0, 200.0),
    ),
}


class Lazier(snn.Modulate):
    """Its change never counts as reversed."""

    def reverses(self, before, clock):
        return None


TRIPLETS = dict(a2_plus=20.0, a3_plus=0.4, a2_minus=18.0, a3_minus=0.2)
HARD = {  # steps so large that weights reach both bounds; rules that have bounds of their own are given no others
    "additive": lambda: (pairs(0.3, 0.6, 15.0, 0.0, 0.0, 90.0),),
    "guetig": lambda: (pairs(0.5, 0.6, 15.0, 0.1, 0.2, 90.0),),
    "multiplicative": lambda: (pairs(0.95, 0.6, 15.0, 1.0, 1.0, 90.0),),
    "power": lambda: (power(0.6, 0.9),),
    "nearest": lambda: (pairs(0.9, 0.7, 15.0, 0.1, 0.2, 90.0, pairs=snn.plasticity.NearestNeighbour()),),
    "triplet": lambda: (snn.TripletSTDP(**TRIPLETS, **TAUS), snn.Bound(0.0, 90.0)),
    "vogels": lambda: (snn.VogelsSprekeler(25.0, 1e3 * 0.9 / (2 * TAU_MINUS), TAU_MINUS), snn.Bound(0.0, 90.0)),
    "dopamine": lambda: (
        snn.PairSTDP(30.0, 36.0, 17.0, TAU_MINUS),
        snn.Modulate("dopamine", 300.0, decay=70.0, baseline=0.018),
        snn.Bound(20.0, 80.0),
    ),
}


def weights(name, *held, delay=None, parts=None, golden=GOLDEN, **choices):
    """Weights after every step, `(steps, pre, post)`: held in each of these ways, side by side in one network."""
    rows = lambda part: np.unpackbits(golden[f"{name}/{part}"], axis=0)[:STEPS]
    pre, post = rows("pre"), rows("post")
    fed = np.roll(np.unpackbits(golden[f"{name}/reward"])[:STEPS], 1) / 70.0  # the way to NEST's transmitter: a step
    delay = golden[f"{name}/delay"].astype(float) if delay is None else delay
    rule = snn.chain(*(RULES[name]() if parts is None else parts), **choices)
    link = lambda via: snn.Connection("pre", "post.deaf", snn.AllToAll(), via=via, weight=W0, delay=delay, rule=rule)
    links = {type(via).__name__: link(via) for via in held}
    populations = {
        "pre": snn.SpikeSource(pre.shape[1]),
        "post": snn.Population(snn.Parrot(), post.shape[1], ports={"in": snn.Delta(), "deaf": snn.Exponential()}),
    }
    net = snn.network(dt=1.0, key=jax.random.key(0), populations=populations, projections=links)
    drive = snn.Replay(jnp.asarray(pre), into="pre") + snn.Replay(jnp.asarray(post), into="post.in")
    drive += snn.Modulator("dopamine", fed)
    record = {kind: snn.Trace(f"{kind}.weight") for kind in links}
    run = snn.simulate(net, drive, steps=STEPS, key=jax.random.key(0), record=record, progress=snn.progress.Quiet())
    return {kind: np.asarray(run[kind]).reshape(STEPS, pre.shape[1], post.shape[1]) for kind in links}


def differences(name, *held, golden=GOLDEN, **kwargs):
    """The largest difference from what NEST sent, by how the synapses are held."""
    step, i, j = (golden[f"{name}/{part}"].astype(int) for part in ("step", "sender", "target"))
    found = weights(name, *held, golden=golden, **kwargs)
    return {kind: np.abs(w[step, i, j] - golden[f"{name}/weight"]).max() for kind, w in found.items()}


def off(name, **kwargs):
    """The same of a list of synapses."""
    return differences(name, snn.Sparse(), **kwargs)["Sparse"]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", RULES)
def test_every_weight_that_was_sent(name):
    found = differences(name, *BOTH)
    assert max(found.values()) < 1e-9, found


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["guetig", "triplet", "dopamine"])
def test_controls(name):
    """One thing changed: a delay by a step, a share, what coincides, the trace that pairs. The gate must see each."""
    later = GOLDEN[f"{name}/delay"].astype(float) + 1.0
    assert off(name, delay=later) > 1e-3
    assert off(name, coincident_pairs=snn.plasticity.PreBeforePost()) > 1e-3


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", HARD)
def test_every_weight_at_the_bounds(name):
    """Each rule at both of its bounds, where most of its weights have been."""
    found = differences(name, *BOTH, golden=BOUNDS, parts=HARD[name]())
    assert max(found.values()) < 1e-9, found


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["triplet", "dopamine"])
def test_the_bounds_are_reached(name):
    """Control: without its bound."""
    wide = [snn.Bound(-1e3, 1e3) if isinstance(part, snn.Bound) else part for part in HARD[name]()]
    assert off(name, golden=BOUNDS, parts=wide) > 1.0


@pytest.mark.usefixtures("x64")
def test_a_sum_that_is_clipped_once_is_not_nests():
    """Control: Vogels' rule as Brian2 users write it."""
    whole = snn.plasticity.ClipWholeChange()
    assert off("vogels", golden=BOUNDS, parts=HARD["vogels"](), clips=whole) > 1.0


@pytest.mark.usefixtures("x64")
def test_dopamine_turns_round_at_the_bound():
    """Control: weights that are held only when a spike touches them have gone beyond the bound in the meantime."""
    rule, modulate, bound = HARD["dopamine"]()
    lazy = Lazier("dopamine", modulate.tau, decay=modulate.decay, baseline=modulate.baseline)
    assert off("dopamine", golden=BOUNDS, parts=(rule, lazy, bound)) > 1e-2
