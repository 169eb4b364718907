"""The conductance-based network of Vogels and Abbott (2005), benchmark 1 of Brette et al. (2007).

4 000 leaky integrate-and-fire neurons (3 200 excitatory), 2 % of all pairs connected, exponential conductances;
irregular activity feeds itself. One name, several networks: what simulators ship differs in weights, drive, delay and
start, so every variant has its name here, and the rates that were measured in its simulator are printed beside ours.

    jaxsnn run experiments/coba.py                                            # Brian2's and BrainPy's
    jaxsnn sweep experiments/coba.py                                          # all variants, eight seeds
    jaxsnn sweep experiments/coba.py --axis inhibition=0.7:1.5:17             # weaker and stronger inhibition
    jaxsnn sweep experiments/coba.py --axis excitation=0.5:2:16 --axis inhibition=0.5:2:16 --axis seed=0   # both

`C dv/dt = -g_L (v - E_L) + g_exc (E_exc - v) + g_inh (E_inh - v) + I_e`, `dg/dt = -g / tau`; conductances in nS, I_e in
pA. Membranes make exponential Euler steps, as in Brian2. NEST integrates `v` and both conductances jointly (RKF45), so
its spikes are not ours one by one; its rates are.

References: Vogels and Abbott, J. Neurosci. 25:10786 (2005); Brette et al., J. Comput. Neurosci. 23:349 (2007).
"""

import functools
from typing import NamedTuple

import numpy as np
from vogels_abbott import DT, SIZES, measured, space, table
from vogels_abbott import plot as plot  # for the command line

import jaxsnn as snn


class Kick(NamedTuple):
    """Poisson sources that are on for a while, to start a network that rests."""

    sources: int
    rate: float  # Hz
    start: float  # ms
    stop: float  # ms
    weight: float | None  # nS; None: that of excitatory synapses
    to: dict[str, snn.connectivity.AbstractTopology]  # by population


class Variant(NamedTuple):
    """What differs between the networks that are called COBA."""

    reference: tuple[str, str] | None  # the simulator that was measured (tests/golden), and its name for the variant
    w_exc: float  # nS
    w_inh: float  # nS
    bias: float = 0.0  # pA
    delay: float = 0.0  # ms
    t_ref: float = 4.9  # ms; Brian2's `refractory=5*ms` holds 49 steps of 0.1 ms
    v0: snn.distributions.AbstractDistribution | float = snn.Uniform(-60.0, -50.0)  # mV
    topologies: tuple[snn.connectivity.AbstractTopology, snn.connectivity.AbstractTopology] = (
        snn.FixedProb(0.02),
        snn.FixedProb(0.02),
    )
    kick: Kick | None = None
    order: snn.networks.AbstractOrder = snn.BrianOrder()


in_nest = functools.partial(Variant, t_ref=5.0, order=snn.NestOrder())
VARIANTS = {
    # Brian's COBA as BrainPy reproduces it
    "brian_coba": Variant(("brian2", "brian_coba"), 6.0, 67.0, bias=200.0, v0=snn.Normal(-55.0, 5.0)),
    # Vogels and Abbott's weights in Brian2; and with the delay of Auryn, in NEST
    "va_coba": Variant(("brian2", "va_coba"), 4.0, 51.0, bias=200.0),
    "va_coba_in_nest": in_nest(("nest", "va_coba"), 4.0, 51.0, bias=200.0, delay=0.8),
    # NEST: examples of Brette et al. 2007, coba.py
    "nest_coba": in_nest(
        ("nest", "nest_coba"),
        6.0,
        67.0,
        delay=0.1,
        v0=-60.0,
        topologies=(snn.FixedInDegree(64), snn.FixedInDegree(16)),
        kick=Kick(50, 300.0, 1.0, 51.0, None, {"E": snn.FromArrays(np.arange(50), np.arange(50))}),
    ),
    # PyNN: examples/VAbenchmarks.py
    "pynn_coba": in_nest(
        None,
        4.0,
        51.0,
        delay=0.2,
        kick=Kick(20, 100.0, 0.0, 50.0, 100.0, {"E": snn.FixedProb(0.01), "I": snn.FixedProb(0.01)}),
    ),
}

SPACE = space("brian_coba", VARIANTS)


def network(variant, *, excitation=1.0, inhibition=1.0, key):
    """The network, and what drives it: nothing, or the kick."""
    cell = snn.LIF(
        tau=20.0,
        v_rest=-60.0,
        v_th=-50.0,
        v_reset=-60.0,
        t_ref=variant.t_ref,
        bias=variant.bias,
        gain=snn.gains.Capacitance(200.0),
        comparator=snn.thresholds.Greater(),
    )
    ports = {"exc": snn.Conductance(5.0, e_rev=0.0), "inh": snn.Conductance(10.0, e_rev=-80.0)}
    populations = {p: snn.Population(cell, n, ports=ports, init={"v": variant.v0}) for p, n in SIZES.items()}
    w_exc, w_inh = excitation * variant.w_exc, inhibition * variant.w_inh
    projections, drive = {}, None
    for post in SIZES:
        exc, inh = variant.topologies
        projections[f"E{post}"] = snn.Connection("E", f"{post}.exc", exc, weight=w_exc, delay=variant.delay)
        projections[f"I{post}"] = snn.Connection("I", f"{post}.inh", inh, weight=w_inh, delay=variant.delay)
    if variant.kick is not None:
        kick = variant.kick
        weight = w_exc if kick.weight is None else kick.weight
        populations["kick"] = snn.SpikeSource(kick.sources)
        for post, topology in kick.to.items():
            projections[f"kick{post}"] = snn.Connection(
                "kick", f"{post}.exc", topology, weight=weight, delay=variant.delay
            )
        drive = snn.Poisson(kick.rate, into="kick", start=kick.start, stop=kick.stop)
    net = snn.network(dt=DT, populations=populations, projections=projections, order=variant.order, key=key)
    return net, drive


def experiment(point, key):
    """Rates and irregularity of a variant; see `vogels_abbott.measured`."""
    variant = VARIANTS[point["variant"]]
    net, drive = network(variant, excitation=point["excitation"], inhibition=point["inhibition"], key=key)
    return measured(net, drive, point, key)


def summary(ds):
    """Every point over its seeds, with the peer's numbers below."""
    return table(ds, VARIANTS)
