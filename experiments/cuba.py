"""The current-based network of Vogels and Abbott (2005), benchmark 2 of Brette et al. (2007): rates against the peers.

4 000 leaky integrate-and-fire neurons (3 200 excitatory), 2 % connected, with exponential currents; irregular activity
feeds itself. One name, several networks: simulators ship variants that differ in weights, delay, start and in what
happens while a neuron is refractory, so each has its name here.

    jaxsnn run experiments/cuba.py                                     # Brian2's example, with a raster
    jaxsnn sweep experiments/cuba.py                                   # all variants, eight seeds
    jaxsnn sweep experiments/cuba.py --axis w_inh=0.7:1.5:17           # stronger and weaker inhibition

`tau_m dv/dt = -(v - E_L) + I_exc + I_inh`, `dI/dt = -I/tau`; currents in mV (times the leak conductance of 10 nS: pA).

References: Vogels and Abbott, J. Neurosci. 25:10786 (2005); Brette et al., J. Comput. Neurosci. 23:349 (2007).
"""

import json
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

import jaxsnn as snn


class Variant(NamedTuple):
    """What differs between the networks that are called CUBA."""

    source: str
    reference: tuple[str, str] | None  # golden file of rates, and its name for this network
    w_inh: float = -9.0  # mV
    delay: float = 0.1  # ms
    t_ref: float = 5.0  # ms
    v0: snn.AbstractDistribution | float = snn.Uniform(-60.0, -50.0)  # mV
    topology: tuple[snn.AbstractTopology, snn.AbstractTopology] = (snn.FixedProb(0.02), snn.FixedProb(0.02))
    kick: bool = False  # 50 excitatory neurons get 300 Hz for 50 ms, to start a network that rests
    deaf: bool = False  # currents stand still, and hear nothing, while their neuron is refractory
    order: snn.AbstractOrder = snn.NestOrder()


BRIAN = dict(delay=0.0, t_ref=4.9, order=snn.BrianOrder())  # Brian2's `refractory=5*ms` holds 49 steps of 0.1 ms
VARIANTS = {
    "b2_cuba": Variant("Brian2, examples/CUBA.py", ("brian2", "b2_cuba"), **BRIAN),
    "b2_cuba_nest": Variant("the same, in NEST", ("nest", "b2_cuba")),
    "b2_cuba_deaf": Variant("Brian2, tests/features/speed.py", ("brian2", "b2_cuba_deaf"), deaf=True, **BRIAN),
    "pynn_cuba": Variant("PyNN, examples/VAbenchmarks.py", None, delay=0.2),
    "nest_cuba": Variant(
        "NEST, examples/nest/brette_et_al_2007/cuba.py",
        ("nest", "nest_cuba"),
        w_inh=-13.95,
        v0=-49.0,
        topology=(snn.FixedInDegree(64), snn.FixedInDegree(16)),
        kick=True,
    ),
}
W_EXC, DT = 1.62, 0.1  # mV, ms
SIZES = {"E": 3200, "I": 800}

SPACE = {
    "variant": snn.Static("b2_cuba", tuple(VARIANTS)),
    "w_exc": snn.Axis(1.0),  # times the weight of the variant
    "w_inh": snn.Axis(1.0),
    "warm_up": snn.Static(200.0, unit="ms"),
    "window": snn.Static(1000.0, unit="ms"),
    "seed": snn.Seeds(8),
}


def network(variant, *, w_exc=1.0, w_inh=1.0, key):
    """The network and what drives it (nothing, or the kick)."""
    port = lambda tau: snn.UnlessRefractory(snn.Exponential(tau)) if variant.deaf else snn.Exponential(tau)
    cell = snn.LIF(tau=20.0, v_rest=-49.0, v_th=-50.0, v_reset=-60.0, t_ref=variant.t_ref, comparator=snn.Above())

    def population(n):
        return snn.Population(cell, n, ports={"exc": port(5.0), "inh": port(10.0)}, init={"v": variant.v0})

    excitatory, inhibitory = variant.topology
    w_exc, w_inh = w_exc * W_EXC, w_inh * variant.w_inh
    populations = {name: population(n) for name, n in SIZES.items()}
    projections, drive = {}, None
    for post in SIZES:
        projections[f"E{post}"] = snn.Link("E", f"{post}.exc", excitatory, weight=w_exc, delay=variant.delay)
        projections[f"I{post}"] = snn.Link("I", f"{post}.inh", inhibitory, weight=w_inh, delay=variant.delay)
    if variant.kick:
        first = snn.FromArrays(np.arange(50), np.arange(50))
        populations["kick"] = snn.Source(50)
        projections["kick"] = snn.Link("kick", "E.exc", first, weight=w_exc, delay=variant.delay)
        drive = snn.Poisson(300.0, into="kick", start=1.0, stop=51.0)
    net = snn.network(dt=DT, populations=populations, projections=projections, order=variant.order, key=key)
    return net, drive


def experiment(point, key):
    """Rates and irregularity after the warm-up, and the spikes of the last 200 ms."""
    net, drive = network(VARIANTS[point["variant"]], w_exc=point["w_exc"], w_inh=point["w_inh"], key=key)
    start, window = point["warm_up"], point["window"]
    run = snn.simulate(
        net,
        drive,
        t=start + window,
        key=key,
        record={p: (snn.Count(p, start=start), snn.ISI(p, start=start), snn.Raster(p)) for p in SIZES},
    )
    count, intervals, raster = ({p: run[p][i] for p in SIZES} for i in range(3))
    cv = jnp.concatenate([intervals[p].cv for p in SIZES])
    enough = jnp.concatenate([count[p] for p in SIZES]) >= 5
    return {
        "rate_e_hz": jnp.mean(count["E"]) / window * 1e3,
        "rate_i_hz": jnp.mean(count["I"]) / window * 1e3,
        "cv": jnp.sum(jnp.where(enough, cv, 0.0)) / jnp.maximum(jnp.sum(enough), 1),
        "spikes": jnp.concatenate([raster[p].words[-2000:] for p in SIZES], axis=1),
        "status": run.status,
    }
