"""NEST's synapse models: short-term plasticity as a release, spike-timing-dependent plasticity as a chain of rules.

`lambda_` is NEST's `lambda`, a keyword of Python. `tau_minus`, in NEST of the receiving neuron, is the rule's here.
"""

from __future__ import annotations

from typing import Any

from ...connectivity.short_term import TsodyksMarkram, TsodyksUzielMarkram
from ...connectivity.unreliable import Bernoulli
from ...plasticity.base import Chain, chain
from ...plasticity.bounds import Bound
from ...plasticity.inhibitory import VogelsSprekeler
from ...plasticity.stdp import AllPairs, Guetig, NearestNeighbour, PairSTDP, PowerLaw
from ...plasticity.triplet import TripletSTDP
from .._refuse import refuse

_ANY = {
    **dict.fromkeys(("weight", "delay"), "which are arguments of Connect"),
    **dict.fromkeys(("Kplus", "Kplus_triplet"), "the start of a trace, which is 0 here"),
    **dict.fromkeys(("u", "x", "y"), "the start of a variable of the synapse, which begins at rest here"),
}


def tsodyks_synapse(
    *, U: Any = 0.5, tau_psc: Any = 3.0, tau_rec: Any = 800.0, tau_fac: Any = 0.0, **others: Any
) -> TsodyksUzielMarkram:
    """Short-term plasticity with three states of the resources (Tsodyks, Uziel and Markram 2000)."""
    refuse("nest.tsodyks_synapse", others, _ANY)
    return TsodyksUzielMarkram(U, tau_psc, tau_rec, tau_fac)


def tsodyks2_synapse(*, U: Any = 0.5, tau_rec: Any = 800.0, tau_fac: Any = 0.0, **others: Any) -> TsodyksMarkram:
    """Short-term plasticity with two variables (Maass and Markram 2002)."""
    refuse("nest.tsodyks2_synapse", others, _ANY)
    return TsodyksMarkram(U, tau_rec, tau_fac)


def bernoulli_synapse(*, p_transmit: Any = 1.0, **others: Any) -> Bernoulli:
    """Every spike is transmitted with the probability `p_transmit`."""
    refuse("nest.bernoulli_synapse", others, _ANY)
    return Bernoulli(p_transmit)


def _bounded(rule: PairSTDP | TripletSTDP | VogelsSprekeler, w_max: Any) -> Chain:
    return chain(rule, Bound(0.0, w_max))


def stdp_synapse(
    *,
    tau_plus: Any = 20.0,
    tau_minus: Any = 20.0,
    lambda_: Any = 0.01,
    alpha: Any = 1.0,
    mu_plus: Any = 1.0,
    mu_minus: Any = 1.0,
    Wmax: Any = 100.0,
    **others: Any,
) -> Chain:
    """Pair-based STDP, all pairs, weights from 0 to `Wmax` (Guetig et al. 2003)."""
    refuse("nest.stdp_synapse", others, _ANY)
    dependence = Guetig(Wmax, mu_plus, mu_minus)
    return _bounded(PairSTDP(lambda_, alpha * lambda_, tau_plus, tau_minus, dependence, AllPairs()), Wmax)


def stdp_nn_symm_synapse(
    *,
    tau_plus: Any = 20.0,
    tau_minus: Any = 20.0,
    lambda_: Any = 0.01,
    alpha: Any = 1.0,
    mu_plus: Any = 1.0,
    mu_minus: Any = 1.0,
    Wmax: Any = 100.0,
    **others: Any,
) -> Chain:
    """`stdp_synapse` in which each spike pairs with the latest of the other neuron only."""
    refuse("nest.stdp_nn_symm_synapse", others, _ANY)
    dependence = Guetig(Wmax, mu_plus, mu_minus)
    return _bounded(PairSTDP(lambda_, alpha * lambda_, tau_plus, tau_minus, dependence, NearestNeighbour()), Wmax)


def stdp_pl_synapse_hom(
    *,
    tau_plus: Any = 20.0,
    tau_minus: Any = 20.0,
    lambda_: Any = 0.1,
    alpha: Any = 1.0,
    mu: Any = 0.4,
    **others: Any,
) -> Chain:
    """Pair-based STDP whose growth is a power of the weight (Morrison, Aertsen and Diesmann 2007)."""
    refuse("nest.stdp_pl_synapse_hom", others, _ANY)
    return chain(PairSTDP(lambda_, alpha * lambda_, tau_plus, tau_minus, PowerLaw(1.0, mu)))


def stdp_triplet_synapse(
    *,
    tau_plus: Any = 16.8,
    tau_plus_triplet: Any = 101.0,
    tau_minus: Any = 20.0,
    tau_minus_triplet: Any = 110.0,
    Aplus: Any = 5e-10,
    Aplus_triplet: Any = 6.2e-3,
    Aminus: Any = 7e-3,
    Aminus_triplet: Any = 2.3e-4,
    Wmax: Any = 100.0,
    **others: Any,
) -> Chain:
    """Triplet STDP, all to all, weights from 0 to `Wmax` (Pfister and Gerstner 2006)."""
    refuse("nest.stdp_triplet_synapse", others, _ANY)
    rule = TripletSTDP(
        a2_plus=Aplus,
        a3_plus=Aplus_triplet,
        a2_minus=Aminus,
        a3_minus=Aminus_triplet,
        tau_plus=tau_plus,
        tau_x=tau_plus_triplet,
        tau_minus=tau_minus,
        tau_y=tau_minus_triplet,
    )
    return _bounded(rule, Wmax)


def vogels_sprekeler_synapse(
    *, eta: Any = 0.001, alpha: Any = 0.12, tau: Any = 20.0, Wmax: Any = 1.0, **others: Any
) -> Chain:
    """Inhibitory plasticity that keeps a target rate, `alpha = 2 rate tau` (Vogels et al. 2011).

    NEST lets the trace of the receiving neuron decay with the `tau_minus` of that neuron; here both have `tau`.
    """
    refuse("nest.vogels_sprekeler_synapse", others, _ANY)
    return _bounded(VogelsSprekeler(eta, 1e3 * alpha / (2.0 * tau), tau), Wmax)
