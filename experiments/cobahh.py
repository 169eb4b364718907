"""COBAHH, benchmark 3 of Brette et al. (2007): 4 000 Traub-Miles cells with conductance synapses.

3 200 excitatory and 800 inhibitory cells, 2 % connected, 6 and 67 nS. Two networks go by the name:

- `nest`: the example `hh_coba` of NEST: in-degrees 64 and 16, a delay of 0.1 ms, all at rest, 50 cells kicked by a
  Poisson input from 1 to 51 ms; a spike is the step after a peak above -33 mV. NEST integrates by RKF45 in steps of
  0.1 ms; here it is RK4 in steps of 0.05 ms, membrane, gates and conductances together.
- `brian2`: the example `COBAHH` of Brian2: random initial values, no delay, exponential Euler at 0.1 ms, a spike
  wherever `v > -20 mV`, 3 ms of refractoriness.

    jaxsnn run experiments/cobahh.py
    jaxsnn run experiments/cobahh.py --set variant=brian2
    jaxsnn sweep experiments/cobahh.py --axis inhibition=0.8:1.2:5

Rates are those of 100 to 300 ms. They differ by several Hz from seed to seed, in all simulators alike.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

SIZES = {"E": 3200, "I": 800}
W_EXC, W_INH, START, STOP = 6.0, 67.0, 100.0, 300.0  # nS, ms
GOLDEN = Path(__file__).parents[1] / "tests" / "golden"


class Variant(NamedTuple):
    """What differs between the two."""

    dt: float
    cell: dict
    topologies: tuple[snn.connectivity.AbstractTopology, snn.connectivity.AbstractTopology]
    delay: float
    order: snn.networks.AbstractOrder
    init: dict[str, snn.distributions.AbstractDistribution]
    kick: bool


VARIANTS = {
    "nest": Variant(
        dt=0.05,
        cell=dict(integrator=snn.integrators.RK4(), detector=snn.neurons.PeakDetector(), t_ref=2.0),
        topologies=(snn.FixedInDegree(64), snn.FixedInDegree(16)),
        delay=0.1,
        order=snn.NestOrder(),
        init={},
        kick=True,
    ),
    "brian2": Variant(
        dt=0.1,
        cell=dict(v_th=-20.0, detector=snn.neurons.AboveThreshold(), t_ref=2.9),  # 3 ms hold 29 steps there
        topologies=(snn.FixedProb(0.02), snn.FixedProb(0.02)),
        delay=0.0,
        order=snn.BrianOrder(),
        init={"v": snn.Normal(-65.0, 5.0), "exc.g": snn.Normal(40.0, 15.0), "inh.g": snn.Normal(200.0, 120.0)},
        kick=False,
    ),
}
SPACE = {
    "variant": snn.Static("nest", tuple(VARIANTS)),
    "excitation": snn.Axis(1.0),  # times the weights
    "inhibition": snn.Axis(1.0),
    "seed": snn.Seeds(4),
}


def network(variant, *, excitation=1.0, inhibition=1.0, key):
    """The network, and the kick or nothing."""
    cell = snn.TraubMiles(**variant.cell)
    ports = {"exc": snn.Conductance(5.0, e_rev=0.0), "inh": snn.Conductance(10.0, e_rev=-80.0)}
    populations = {name: snn.Population(cell, n, ports=ports, init=variant.init) for name, n in SIZES.items()}
    exc, inh = variant.topologies
    links, drive = {}, None
    for post in SIZES:
        links[f"E{post}"] = snn.Connection("E", f"{post}.exc", exc, weight=W_EXC * excitation, delay=variant.delay)
        links[f"I{post}"] = snn.Connection("I", f"{post}.inh", inh, weight=W_INH * inhibition, delay=variant.delay)
    if variant.kick:
        populations["kick"] = snn.SpikeSource(50)
        some = snn.FromArrays(np.arange(50), np.arange(50))
        links["kickE"] = snn.Connection("kick", "E.exc", some, weight=W_EXC * excitation, delay=variant.delay)
        drive = snn.Poisson(300.0, into="kick", start=1.0, stop=51.0)
    net = snn.network(dt=variant.dt, populations=populations, projections=links, order=variant.order, key=key)
    return net, drive


def experiment(point, key):
    """Rates after the onset, spikes of 480 cells, and the membrane of one."""
    variant = VARIANTS[point["variant"]]
    net, drive = network(variant, excitation=point["excitation"], inhibition=point["inhibition"], key=key)
    record: dict[str, Any] = {name: {"count": snn.Count(name, START), "spikes": snn.Raster(name)} for name in SIZES}
    record["v"] = snn.Trace("E.v", every=0.1, index=7)
    run = snn.simulate(net, drive, t=STOP, key=key, record=record)
    words = {"E": 12, "I": 3}  # of 32 cells each
    return {
        **{f"rate_{name.lower()}_hz": jnp.mean(run[name]["count"]) * 1e3 / (STOP - START) for name in SIZES},
        "spikes": jnp.concatenate([run[name]["spikes"].words[:, : words[name]] for name in SIZES], axis=1),
        "v": run["v"][:, 0],
        "status": run.status,
    }


def reference(name):
    """The rates of the simulator after which a variant is named (`tests/oracles/cobahh.py`)."""
    return json.loads((GOLDEN / f"{name}_cobahh.json").read_text())


def summary(ds):
    """Rates over the seeds at every point, and the simulator's."""
    dims = [d for d in ds.dims if d in SPACE and d != "seed"]
    lines = []
    for place in np.ndindex(*(ds.sizes[d] for d in dims)):
        point = ds.isel(dict(zip(dims, place)))
        at = {x: point[x].item() if x in point.coords else ds.attrs[x] for x in SPACE if x != "seed"}
        name = at["variant"] + "".join(f", {x} x {at[x]:g}" for x in ("excitation", "inhibition") if at[x] != 1.0)
        rates = [np.ravel(point[k].values) for k in ("rate_e_hz", "rate_i_hz")]
        lines.append(f"{name:32}" + "".join(f"{v.mean():8.2f}" for v in rates) + f"   {rates[0].size} seed(s)")
    for name in VARIANTS:
        peer = reference(name)
        rates = "".join(f"{peer[k]['mean']:8.2f}" for k in ("rate_e_hz", "rate_i_hz"))
        lines.append(f"  {name:30}{rates}   sd {peer['rate_e_hz']['sd']:.2f}, {peer['rate_i_hz']['sd']:.2f}")
    return "\n".join([f"{'rates in Hz':32}{'E':>8}{'I':>8}", *lines])


def plot(ds, path):
    """480 cells over time, the upper fifth inhibitory, and the membrane of one: the first point."""
    from matplotlib.figure import Figure

    first = ds.isel({d: 0 for d in ds.dims if d in SPACE})
    dt = VARIANTS[first.variant.item() if "variant" in first.coords else ds.attrs["variant"]].dt
    figure = Figure(figsize=(9.0, 6.0), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    snn.plot.raster(first.spikes.values, dt=dt, ax=above).set(xlabel="")
    above.axhline(383.5, color="tab:red", linewidth=0.8)
    snn.plot.trace(first.v.values, dt=0.1, label="v of one cell (mV)", ax=below)
    figure.savefig(path, dpi=110)
