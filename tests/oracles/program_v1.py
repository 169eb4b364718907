"""Freezes `tests/golden/program_v1.npz`: a program file of version 1, by the code that wrote them, and what it does.

mkdir old && git archive 71a948e jaxsnn | tar x -C old
PYTHONPATH=old python tests/oracles/program_v1.py tests/golden/program_v1
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.lowering.cells import CubaCells, InputCells
from jaxsnn.lowering.cores import Excitatory, LavaCore
from jaxsnn.lowering.program import Program
from jaxsnn.lowering.synapses import Synapses

rng = np.random.default_rng(11)
cells = {"in": InputCells(5), "E": CubaCells(4, decay_u=900, decay_v=300, threshold=120, bias=[3, 0, 5, 1])}
weight, delay = 2 * rng.integers(-30, 60, (5, 4)), rng.integers(0, 4, (5, 4))
links = {
    "w": Synapses("in", "E", weight, exponent=1, delay=delay, max_delay=3),
    "r": Synapses("E", "E", rng.integers(0, 20, (4, 4)), sign=Excitatory()),
}
program = Program(cells, links, LavaCore(), 0.5, late=(("E", 1), ("in", 0)))
program.save(f"{sys.argv[1]}.npz")
raster = rng.random((80, 5)) < 0.3
run = snn.simulate(
    Program.load(f"{sys.argv[1]}.npz"),
    snn.Replay(jnp.asarray(raster, jnp.float32), into="in"),
    steps=80,
    key=jax.random.key(0),
    record={"v": snn.Trace("E.v"), "s": snn.Raster("E")},
)
spikes = np.asarray(run["s"].dense()).astype(bool)
np.savez_compressed(f"{sys.argv[1]}_run.npz", raster=raster, v=np.asarray(run["v"]), spikes=spikes)
print(spikes.sum(), "spikes")
