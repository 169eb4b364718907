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


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize(
    "topology", ["FixedInDegree(synapses // n)", "FixedProb(synapses / n**2)", "FixedTotal(synapses)"]
)
def test_peak(topology):
    """Of which it keeps 12: the receiver, a weight and a delay each, and where each sender's synapses begin."""
    program = BUILD.format(topology=f"snn.{topology}", synapses=SYNAPSES, small=600_000)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "JAX_COMPILATION_CACHE_DIR": ""}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    peak, held = map(int, done.stdout.split())
    assert 11 < held / SYNAPSES < 14
    assert held * 0.9 < peak < 24 * SYNAPSES + 8_000_000, peak / SYNAPSES  # 8 MB for what does not grow
