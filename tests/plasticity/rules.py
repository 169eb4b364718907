"""Every rule and every modifier: what the laws of this folder hold for. Entries are functions of one number `u`.

`u` multiplies the parameters: 1 for a rule as it is, anything else for another one of its kind.
"""

import jax.numpy as jnp
from jaxtyping import Array

import jaxsnn as snn


class EachStep(snn.plasticity.AbstractRule):
    """A rule that is not event driven: slow growth in every step, as a user might write it."""

    rate: Array = snn.param(0.002)

    def pre_traces(self):
        return {"x": snn.plasticity.SpikeTrace(5.0)}

    def each_step(self, w, s):
        return self.rate * s.dt * (s.pre.x - w)


RULES = {
    "pair": lambda u: (snn.PairSTDP(0.1 * u, 0.12 * u, 9.0 * u, 11.0 * u), snn.Bound(0.0, 1.0)),
    "nearest": lambda u: (
        snn.PairSTDP(0.1 * u, 0.12, 9.0, 11.0 * u, pairs=snn.plasticity.NearestNeighbour()),
        snn.Bound(0.0, 1.0),
    ),
    "guetig": lambda u: (snn.PairSTDP(0.1 * u, 0.12 * u, dependence=snn.plasticity.Guetig(1.0, 0.4 * u, 0.7 * u)),),
    "power law": lambda u: (snn.PairSTDP(0.1 * u, 0.12 * u, dependence=snn.plasticity.PowerLaw(0.7, 0.4 * u)),),
    "triplet": lambda u: (snn.TripletSTDP(0.05 * u, 0.1, 0.07, 0.03 * u, 8.0, 30.0, 12.0, 40.0 * u),),
    "clopath": lambda u: (
        snn.Clopath(1e-3 * u, 4e-4, 10.0, 7.0, 15.0 * u, theta_minus=-70.0, theta_plus=-55.0),
        snn.Bound(0.0, 1.0),
    ),
    "vogels": lambda u: (snn.VogelsSprekeler(0.05 * u, 30.0 * u, 20.0), snn.Bound(0.0, 1.0)),
    "oja": lambda u: (snn.Oja(0.1 * u, 1.2 * u, 15.0),),
    "bcm": lambda u: (snn.BCM(0.1 * u, 15.0, 100.0 * u, 60.0), snn.plasticity.StraightThroughBound(0.0, 1.0)),
    "two rules": lambda u: (snn.Oja(0.05 * u), snn.PairSTDP(0.1, 0.12), snn.Bound(0.0, 1.0)),
}
LAZY = {  # rules whose modifiers change weights between events, and one that touches everything in every step
    "modulate": lambda u: (snn.PairSTDP(0.1 * u, 0.12), snn.Modulate("reward", 25.0 * u), snn.Bound(0.0, 1.0)),
    "dopamine": lambda u: (
        snn.PairSTDP(0.1, 0.12 * u),
        snn.Modulate("reward", 25.0, decay=10.0 * u, baseline=0.2),
        snn.SoftBound(0.0, 1.0),
    ),
    "scaling": lambda u: (snn.PairSTDP(0.1 * u, 0.12), snn.Scaling(50.0 * u, 200.0, 50.0), snn.Bound(0.0, 1.0)),
    "normalise": lambda u: (snn.PairSTDP(0.1 * u, 0.12), snn.Normalise(2.0 * u, 13.0)),
    "each step": lambda u: (EachStep(0.02 * u),),
}


def voltages(rng, steps, n):
    """Membranes that are mostly near rest, and now and then in a spike."""
    return jnp.asarray(-65.0 + 5.0 * rng.normal(size=(steps, n)) + 60.0 * (rng.random((steps, n)) < 0.08))
