"""A network of S synapses peaks at 24 S bytes while it is built, beside what the process takes anyway."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SYNAPSES = 5_000_000
BUILD = """
import sys
import jax
import numpy as np
import jaxsnn as snn

n, synapses = 50_000, {synapses}


def build(synapses, seed):
    link = snn.Connection("E", "E", {topology}, weight=snn.Uniform(0.1, 0.2), delay=snn.Uniform(0.5, 3.0))
    cells = {{"E": snn.Population(snn.LIF(), n)}}
    return snn.network(dt=0.1, key=jax.random.key(seed), populations=cells, projections={{"EE": link}})


def kilobytes(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))


build({small}, 0)  # what is compiled and kept for any network
before = kilobytes("VmRSS")
open("/proc/self/clear_refs", "w").write("5")  # the peak begins here
net = build(synapses, 1)
held = sum(x.nbytes for x in jax.tree.leaves(net["EE"]))
print(1024 * (kilobytes("VmHWM") - before), held)
"""
PART = """
from jax.sharding import Mesh
from jaxsnn.networks.assembly import planned
from jaxsnn.networks.sharding.drawing import drawn
from jaxsnn.networks.sharding.stacking import Divider
from jaxsnn.networks.shards import Shards

snn.network = lambda *, dt, key, **parts: planned(dt, parts["populations"], parts["projections"], {}, key, None)
# the first of eight devices, of which the others belong to other processes
divider = Divider(Mesh(np.array(jax.devices()), ("neurons",)), Shards("neurons", 8))


def part(synapses, seed):
    plan = build(synapses, seed)
    return drawn("EE", plan.links["EE"], divider, plan.dt, plan.order)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize(
    "topology", ["FixedInDegree(synapses // n)", "FixedProb(synapses / n**2)", "FixedTotal(synapses)"]
)
def test_peak(topology):
    """Of which it keeps 12: the receiver, a weight and a delay each, and where each sender's synapses begin."""
    peak, held = _peak(BUILD.format(topology=f"snn.{topology}", synapses=SYNAPSES, small=600_000))
    assert 11 < held / SYNAPSES < 14
    assert held * 0.9 < peak < 24 * SYNAPSES + 8_000_000, peak / SYNAPSES  # 8 MB for what does not grow


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize("topology", ["FixedInDegree(synapses // n)", "FixedProb(synapses / n**2)"])
def test_peak_of_a_part(topology):
    """Drawn for the neurons of one of eight devices, it takes less than the whole would when it is done, 12 S."""
    define, measure = BUILD.format(topology=f"snn.{topology}", synapses=SYNAPSES, small=600_000).split("\nbuild(")
    measure = f"part({measure}".replace("build(", "part(").replace('net["EE"]', "net.parts")
    peak, held = _peak("\n".join((define, PART, measure)))
    assert 11 < 8 * held / SYNAPSES < 14
    assert held * 0.9 < peak < 5 * SYNAPSES + 8_000_000, peak / SYNAPSES


def _peak(program):
    """Bytes at most while it was built, and of what there is then."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "JAX_COMPILATION_CACHE_DIR": ""}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    peak, held = map(int, done.stdout.split())
    return peak, held
