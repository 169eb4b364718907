"""What the two Vogels-Abbott networks, CUBA and COBA, share: sizes, what is measured, peers' numbers, the picture."""

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

DT = 0.1  # ms
SIZES = {"E": 3200, "I": 800}
AXES = ("variant", "excitation", "inhibition")
MEASURED = {"rate_e_hz": "E rate (Hz)", "rate_i_hz": "I rate (Hz)", "isi_cv": "CV"}
GOLDEN = Path(__file__).parents[1] / "tests" / "golden"


def space(default, variants):
    """Variants, strength of the two kinds of synapses, and seeds."""
    return {
        "variant": snn.Static(default, tuple(variants)),
        "excitation": snn.Axis(1.0),  # times the weights of the variant
        "inhibition": snn.Axis(1.0),
        "warm_up": snn.Static(200.0, unit="ms"),
        "window": snn.Static(1000.0, unit="ms"),
        "seed": snn.Seeds(8),
    }


def measured(net, drive, point, key):
    """Rates and irregularity after the warm-up; is it alive at the end; spikes of 480 neurons in the last 200 ms."""
    start, window = point["warm_up"], point["window"]
    probes: dict[str, Any] = {
        p: {"count": snn.Count(p, start), "isi": snn.ISI(p, start), "spikes": snn.Raster(p)} for p in SIZES
    }
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
    if variant.reference is None:
        return None
    simulator, name = variant.reference
    golden = json.loads((GOLDEN / f"{simulator}_cuba_coba.json").read_text())
    return {x: golden["variants"][name][x] for x in MEASURED}


def table(ds, variants):
    """Mean and standard deviation over the seeds that stay active, at every point, and the peer's below."""
    lines = [f"{'':40}" + "".join(f"{label:>18}" for label in MEASURED.values())]
    dims = [d for d in ds.dims if d in AXES]
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
        peer = reference(variants[name]) if name in variants else None
        if peer:
            simulator, _ = variants[name].reference
            lines.append(f"{'  ' + simulator:40}" + "".join(_with_sd(peer[x]["mean"], peer[x]["sd"]) for x in MEASURED))
    return "\n".join(lines)


def _over_seeds(values):
    return values.mean(), values.std(ddof=1) if values.size > 1 else np.nan


def _with_sd(mean, sd):
    return f"{float(mean):.2f} +- {float(sd):.2f}".rjust(18) if np.isfinite(sd) else f"{float(mean):.2f}".rjust(18)


def plot(ds, path):
    """480 neurons over 200 ms, the upper fifth inhibitory: one panel a variant, its first point."""
    from matplotlib.figure import Figure

    first = ds.isel({d: 0 for d in ds.dims if d in (*AXES, "seed") and d != "variant"})
    first = first if "variant" in first.dims else first.expand_dims(variant=[ds.attrs["variant"]])
    figure = Figure(figsize=(9.0, 2.6 * first.sizes["variant"]), layout="constrained")
    end = ds.attrs["warm_up"] + ds.attrs["window"]
    for ax, name in zip(figure.subplots(first.sizes["variant"], squeeze=False)[:, 0], first.variant.values):
        words = first.spikes.sel(variant=name).values
        snn.plot.raster(words, dt=DT, t0=end - DT * len(words), ax=ax).set(title=name)
        ax.axhline(383.5, color="tab:red", linewidth=0.8)
        ax.label_outer()
    figure.savefig(path, dpi=120)
