"""The conductance-based network of Vogels and Abbott (2005), benchmark 1 of Brette et al. (2007).

4 000 leaky integrate-and-fire neurons (3 200 excitatory), 2 % of all pairs connected, exponential conductances;
irregular activity feeds itself. One name, several networks: what simulators ship differs in weights, drive, delay and
start, so every variant has its name here, and the rates that were measured in its simulator are printed beside ours.

    jaxsnn run experiments/coba.py                                            # Brian2's and BrainPy's
    jaxsnn sweep experiments/coba.py                                          # all variants, eight seeds
    jaxsnn sweep experiments/coba.py --axis inhibition=0.7:1.5:17             # weaker and stronger inhibition

`C dv/dt = -g_L (v - E_L) + g_exc (E_exc - v) + g_inh (E_inh - v) + I_e`, `dg/dt = -g / tau`; conductances in nS, I_e in
pA. Membranes make exponential Euler steps, as in Brian2. NEST integrates `v` and both conductances jointly (RKF45), so
its spikes are not ours one by one; its rates are.

References: Vogels and Abbott, J. Neurosci. 25:10786 (2005); Brette et al., J. Comput. Neurosci. 23:349 (2007).
"""

import json
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

import jaxsnn as snn


class Kick(NamedTuple):
    """Poisson sources that are on for a while, to start a network that rests."""

    sources: int
    rate: float  # Hz
    start: float  # ms
    stop: float  # ms
    weight: float | None  # nS; None: that of excitatory synapses
    to: dict[str, snn.AbstractTopology]  # by population


class Variant(NamedTuple):
    """What differs between the networks that are called COBA."""

    reference: tuple[str, str] | None  # the simulator that was measured (tests/golden), and its name for the variant
    w_exc: float  # nS
    w_inh: float  # nS
    bias: float = 0.0  # pA
    delay: float = 0.0  # ms
    t_ref: float = 4.9  # ms; Brian2's `refractory=5*ms` holds 49 steps of 0.1 ms
    v0: snn.AbstractDistribution | float = snn.Uniform(-60.0, -50.0)  # mV
    topologies: tuple[snn.AbstractTopology, snn.AbstractTopology] = (snn.FixedProb(0.02), snn.FixedProb(0.02))
    kick: Kick | None = None
    order: snn.AbstractOrder = snn.BrianOrder()


NEST = dict(t_ref=5.0, order=snn.NestOrder())
VARIANTS = {
    # Brian's COBA as BrainPy reproduces it
    "brian_coba": Variant(("brian2", "brian_coba"), 6.0, 67.0, bias=200.0, v0=snn.Normal(-55.0, 5.0)),
    # Vogels and Abbott's weights in Brian2; and with the delay of Auryn, in NEST
    "va_coba": Variant(("brian2", "va_coba"), 4.0, 51.0, bias=200.0),
    "va_coba_in_nest": Variant(("nest", "va_coba"), 4.0, 51.0, bias=200.0, delay=0.8, **NEST),
    # NEST: examples of Brette et al. 2007, coba.py
    "nest_coba": Variant(
        ("nest", "nest_coba"),
        6.0,
        67.0,
        delay=0.1,
        v0=-60.0,
        topologies=(snn.FixedInDegree(64), snn.FixedInDegree(16)),
        kick=Kick(50, 300.0, 1.0, 51.0, None, {"E": snn.FromArrays(np.arange(50), np.arange(50))}),
        **NEST,
    ),
    # PyNN: examples/VAbenchmarks.py
    "pynn_coba": Variant(
        None,
        4.0,
        51.0,
        delay=0.2,
        kick=Kick(20, 100.0, 0.0, 50.0, 100.0, {"E": snn.FixedProb(0.01), "I": snn.FixedProb(0.01)}),
        **NEST,
    ),
}

DT = 0.1  # ms
SIZES = {"E": 3200, "I": 800}
MEASURED = {"rate_e_hz": "E rate (Hz)", "rate_i_hz": "I rate (Hz)", "isi_cv": "CV"}
GOLDEN = Path(__file__).parents[1] / "tests" / "golden"

SPACE = {
    "variant": snn.Static("brian_coba", tuple(VARIANTS)),
    "excitation": snn.Axis(1.0),  # times the weights of the variant
    "inhibition": snn.Axis(1.0),
    "warm_up": snn.Static(200.0, unit="ms"),
    "window": snn.Static(1000.0, unit="ms"),
    "seed": snn.Seeds(8),
}


def network(variant, *, excitation=1.0, inhibition=1.0, key):
    """The network, and what drives it: nothing, or the kick."""
    cell = snn.LIF(
        tau=20.0,
        v_rest=-60.0,
        v_th=-50.0,
        v_reset=-60.0,
        t_ref=variant.t_ref,
        bias=variant.bias,
        gain=snn.Capacitance(200.0),
        comparator=snn.Above(),
    )
    ports = {"exc": snn.Conductance(5.0, e_rev=0.0), "inh": snn.Conductance(10.0, e_rev=-80.0)}
    populations = {p: snn.Population(cell, n, ports=ports, init={"v": variant.v0}) for p, n in SIZES.items()}
    w_exc, w_inh = excitation * variant.w_exc, inhibition * variant.w_inh
    projections, drive = {}, None
    for post in SIZES:
        exc, inh = variant.topologies
        projections[f"E{post}"] = snn.Link("E", f"{post}.exc", exc, weight=w_exc, delay=variant.delay)
        projections[f"I{post}"] = snn.Link("I", f"{post}.inh", inh, weight=w_inh, delay=variant.delay)
    if variant.kick is not None:
        kick = variant.kick
        weight = w_exc if kick.weight is None else kick.weight
        populations["kick"] = snn.Source(kick.sources)
        for post, topology in kick.to.items():
            projections[f"kick{post}"] = snn.Link("kick", f"{post}.exc", topology, weight=weight, delay=variant.delay)
        drive = snn.Poisson(kick.rate, into="kick", start=kick.start, stop=kick.stop)
    net = snn.network(dt=DT, populations=populations, projections=projections, order=variant.order, key=key)
    return net, drive


def experiment(point, key):
    """Rates and irregularity after the warm-up; is it alive at the end; spikes of 480 neurons in the last 200 ms."""
    variant = VARIANTS[point["variant"]]
    net, drive = network(variant, excitation=point["excitation"], inhibition=point["inhibition"], key=key)
    start, window = point["warm_up"], point["window"]
    probes = {p: {"count": snn.Count(p, start), "isi": snn.ISI(p, start), "spikes": snn.Raster(p)} for p in SIZES}
    probes["last"] = snn.Count("E", start + window - 100.0)
    run = snn.simulate(net, drive, t=start + window, key=key, record=probes)
    words = {"E": 12, "I": 3}  # of 32 neurons each
    enough = jnp.concatenate([run[p]["count"] for p in SIZES]) >= 5
    cv = jnp.concatenate([run[p]["isi"].cv for p in SIZES])
    return {
        "rate_e_hz": 1e3 * jnp.mean(run["E"]["count"]) / window,
        "rate_i_hz": 1e3 * jnp.mean(run["I"]["count"]) / window,
        "isi_cv": jnp.nanmean(jnp.where(enough, cv, jnp.nan)),
        "alive": jnp.any(run["last"] > 0),
        "spikes": jnp.concatenate([run[p]["spikes"].words[-2000:, : words[p]] for p in SIZES], axis=1),
        "status": run.status,
    }


def reference(variant):
    """The peer's rates and CV, `{name: {"mean", "sd", "per_seed"}}`; None where none was measured."""
    if VARIANTS[variant].reference is None:
        return None
    simulator, name = VARIANTS[variant].reference
    golden = json.loads((GOLDEN / f"{simulator}_cuba_coba.json").read_text())
    return {x: golden["variants"][name][x] for x in MEASURED}


def summary(ds):
    """Mean and standard deviation over the seeds that stay active, at every point, and the peer's below."""
    lines = [f"{'':40}" + "".join(f"{label:>18}" for label in MEASURED.values())]
    dims = [d for d in ds.dims if d in SPACE and d != "seed"]
    for place in np.ndindex(*(ds.sizes[d] for d in dims)):
        point = ds.isel(dict(zip(dims, place)))
        at = {x: point[x].item() if x in point.coords else ds.attrs[x] for x in ("variant", "excitation", "inhibition")}
        name = at["variant"] + "".join(f", {x} x {at[x]:g}" for x in ("excitation", "inhibition") if at[x] != 1.0)
        died = int((~point.alive).sum())
        lines.append(
            f"{name:40}"
            + "".join(_with_sd(*_over_seeds(point[x].where(point.alive))) for x in MEASURED)
            + (f"  ({died} of {point.alive.size} died out)" if died else "")
        )
        peer = reference(at["variant"]) if name == at["variant"] else None
        if peer:
            simulator, _ = VARIANTS[at["variant"]].reference
            lines.append(f"{'  ' + simulator:40}" + "".join(_with_sd(peer[x]["mean"], peer[x]["sd"]) for x in MEASURED))
    return "\n".join(lines)


def _over_seeds(values):
    return values.mean(), values.std(ddof=1) if values.size > 1 else np.nan


def _with_sd(mean, sd):
    return f"{float(mean):.2f} +- {float(sd):.2f}".rjust(18) if np.isfinite(sd) else f"{float(mean):.2f}".rjust(18)


def plot(ds, path):
    """480 neurons over 200 ms, the upper fifth inhibitory: one panel a variant, its first point."""
    from matplotlib.figure import Figure

    first = ds.isel({d: 0 for d in ds.dims if d in SPACE and d != "variant"})
    first = first if "variant" in first.dims else first.expand_dims(variant=[ds.attrs["variant"]])
    figure = Figure(figsize=(9.0, 2.6 * first.sizes["variant"]), layout="constrained")
    end = ds.attrs["warm_up"] + ds.attrs["window"]
    for ax, name in zip(figure.subplots(first.sizes["variant"], squeeze=False)[:, 0], first.variant.values):
        words = first.spikes.sel(variant=name).values
        snn.plot.raster(words, dt=DT, t0=end - DT * len(words), ax=ax).set(title=name)
        ax.axhline(383.5, color="tab:red", linewidth=0.8)
        ax.label_outer()
    figure.savefig(path, dpi=120)
