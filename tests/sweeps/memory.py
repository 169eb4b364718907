"""The memory of sweeps beside their plans: `python -m tests.sweeps.memory` runs three experiments of different size.

What a plan predicts is the memory of the calls. It is compared with how much the process grows while it runs the
points, which it has done once before: the peak of its resident memory, as Linux counts it.
"""

import ctypes
import re
import sys
from pathlib import Path

import jax
import jax.numpy as jnp

import jaxsnn as snn
from jaxsnn.cli import load

QUIET = snn.progress.Quiet()
EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def matrix(n):
    """A dense network of `n` neurons, drawn in each point: its matrix is all the memory there is."""

    def experiment(point, key):
        cell = snn.Population(snn.LIF(tau=20.0, v_th=point["v_th"]), n)
        weight = jax.random.normal(key, (n, n)) / n**0.5
        link = snn.Connection("E", "E", snn.AllToAll(), via=snn.Dense(), weight=weight, delay=1.0)
        net = snn.network(dt=1.0, key=key, populations={"E": cell}, projections={"EE": link})
        run = snn.simulate(net, snn.Poisson(2000.0, 2.0, into="E"), steps=100, key=key, record=snn.Count("E"))
        return {"count": jnp.sum(run.record), "status": run.status}

    return experiment


def resident(which):
    """`VmRSS`, or `VmHWM`, the largest since it was last set back, in bytes."""
    return int(re.search(rf"{which}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024


def measured(name, experiment, grid):
    """Predicted and measured bytes of a sweep."""
    key = jax.random.key(0)
    plan = snn.sweep(experiment, grid, key=key, plan_only=True, progress=QUIET)
    predicted = plan.measured["call"] * plan.resources.lanes
    snn.sweep(experiment, grid, key=key, progress=QUIET)  # loads all that a sweep needs
    ctypes.CDLL(None).malloc_trim(0)  # what it left behind goes back to the system
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    snn.sweep(experiment, grid, key=key, progress=QUIET)
    grown = resident("VmHWM") - before
    print(f"{name}: predicted {predicted / 2**20:.1f} MiB, grown by {grown / 2**20:.1f} MiB, {grown / predicted:.2f}")


def main():
    brunel = load(EXPERIMENTS / "brunel.py")
    thresholds = {"v_th": snn.Axis(20.0, lo=18.0, hi=22.0, n=12)}
    rates = {"eta": snn.Axis(2.0, lo=1.0, hi=3.0, n=6)}
    cases = {
        "dense, N = 2 500": (matrix(2500), snn.product(thresholds)),
        "dense, N = 4 000": (matrix(4000), snn.product(thresholds)),
        "Brunel, N = 2 500": (brunel.experiment, snn.product(brunel.SPACE | rates)),
    }
    for name in sys.argv[1:] or cases:
        measured(name, *cases[name])


if __name__ == "__main__":
    main()
