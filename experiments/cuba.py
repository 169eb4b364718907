"""The current-based network of Vogels and Abbott (2005), benchmark 2 of Brette et al. (2007).

4 000 leaky integrate-and-fire neurons (3 200 excitatory), 2 % of all pairs connected, exponential synaptic currents;
irregular activity feeds itself. One name, several networks: what simulators ship differs in weights, delay, start and
in what happens while a neuron is refractory, so every variant has its name here, and the rates that were measured in
its simulator are printed beside ours.

    jaxsnn run experiments/cuba.py                                            # Brian2's example
    jaxsnn sweep experiments/cuba.py                                          # all variants, eight seeds
    jaxsnn sweep experiments/cuba.py --axis inhibition=0.7:1.5:17             # weaker and stronger inhibition

`tau_m dv/dt = -(v - E_L) + I_exc + I_inh`, `dI/dt = -I / tau`; currents in mV (times 10 nS of leak: pA).

References: Vogels and Abbott, J. Neurosci. 25:10786 (2005); Brette et al., J. Comput. Neurosci. 23:349 (2007).
"""

import functools
from typing import NamedTuple

import numpy as np
from vogels_abbott import DT, SIZES, measured, space, table
from vogels_abbott import plot as plot  # for the command line

import jaxsnn as snn


class Variant(NamedTuple):
    """What differs between the networks that are called CUBA."""

    reference: tuple[str, str] | None  # the simulator that was measured (tests/golden), and its name for the variant
    w_inh: float = -9.0  # mV
    delay: float = 0.1  # ms
    t_ref: float = 5.0  # ms
    v0: snn.distributions.AbstractDistribution | float = snn.Uniform(-60.0, -50.0)  # mV
    topologies: tuple[snn.connectivity.AbstractTopology, snn.connectivity.AbstractTopology] = (
        snn.FixedProb(0.02),
        snn.FixedProb(0.02),
    )
    kicked: bool = False  # 50 excitatory neurons get 300 Hz for 50 ms
    deaf: bool = False  # currents are frozen, and arrivals lost, while their neuron is refractory
    order: snn.networks.AbstractOrder = snn.NestOrder()


# Brian2's `refractory=5*ms` holds 49 steps of 0.1 ms
in_brian = functools.partial(Variant, delay=0.0, t_ref=4.9, order=snn.BrianOrder())
VARIANTS = {
    "b2_cuba": in_brian(("brian2", "b2_cuba")),  # Brian2: examples/CUBA.py
    "b2_cuba_deaf": in_brian(("brian2", "b2_cuba_deaf"), deaf=True),  # Brian2: tests/features/speed.py
    "b2_cuba_in_nest": Variant(("nest", "b2_cuba")),  # the same parameters with NEST's delay and refractoriness
    "pynn_cuba": Variant(None, delay=0.2),  # PyNN: examples/VAbenchmarks.py
    "nest_cuba": Variant(  # NEST: examples of Brette et al. 2007, cuba.py
        ("nest", "nest_cuba"),
        w_inh=-13.95,
        v0=-49.0,
        topologies=(snn.FixedInDegree(64), snn.FixedInDegree(16)),
        kicked=True,
    ),
}
W_EXC = 1.62  # mV

SPACE = space("b2_cuba", VARIANTS)


def network(variant, *, excitation=1.0, inhibition=1.0, key):
    """The network, and what drives it: nothing, or the kick."""
    port = lambda tau: snn.UnlessRefractory(snn.Exponential(tau)) if variant.deaf else snn.Exponential(tau)
    cell = snn.LIF(
        tau=20.0, v_rest=-49.0, v_th=-50.0, v_reset=-60.0, t_ref=variant.t_ref, comparator=snn.thresholds.Greater()
    )
    ports = {"exc": port(5.0), "inh": port(10.0)}
    populations = {p: snn.Population(cell, n, ports=ports, init={"v": variant.v0}) for p, n in SIZES.items()}
    w_exc, w_inh = excitation * W_EXC, inhibition * variant.w_inh
    projections, drive = {}, None
    for post in SIZES:
        exc, inh = variant.topologies
        projections[f"E{post}"] = snn.Connection("E", f"{post}.exc", exc, weight=w_exc, delay=variant.delay)
        projections[f"I{post}"] = snn.Connection("I", f"{post}.inh", inh, weight=w_inh, delay=variant.delay)
    if variant.kicked:
        first = snn.FromArrays(np.arange(50), np.arange(50))
        populations["kick"] = snn.SpikeSource(50)
        projections["kickE"] = snn.Connection("kick", "E.exc", first, weight=w_exc, delay=variant.delay)
        drive = snn.Poisson(300.0, into="kick", start=1.0, stop=51.0)
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
