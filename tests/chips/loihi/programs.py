"""Cases of the integer oracle as programs of this library, and many of them run as one."""

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.chips import loihi
from jaxsnn.chips.loihi.cells import CubaCells
from jaxsnn.chips.loihi.cores import (
    Brian2LoihiCore,
    Excitatory,
    Inhibitory,
    LavaCore,
    Loihi1Core,
    NengoLoihiCore,
    SignedWeights,
)
from jaxsnn.chips.loihi.synapses import Synapses
from jaxsnn.lowering.cells import InputCells
from tests.chips.in_turn import in_turn

CORES = {"lava": LavaCore, "nengo": NengoLoihiCore, "brian2loihi": Brian2LoihiCore, "loihi1": Loihi1Core}
SIGNS = {"mixed": SignedWeights, "exc": Excitatory, "inh": Inhibitory}


def program(case, *, max_delay=None, core=None):
    """The program of a case. `core`: another one than the case names."""
    cells = {name: InputCells(np.shape(raster)[1]) for name, raster in case["inputs"].items()}
    for name, registers in case["cells"].items():
        cells[name] = CubaCells(**registers)
    synapses = {}
    for name, link in case["links"].items():
        longest = int(np.max(link["delay"])) if max_delay is None else max_delay
        synapses[f"{name} E"] = Synapses(**{**link, "sign": SIGNS[link["sign"]](), "max_delay": longest})
    return loihi.program(cells, synapses, CORES[core or case["core"]]())


def run(program, raster, **kwargs):
    """u, v and spikes of every step, whatever overflows."""
    record = {"u": snn.Trace("E.u"), "v": snn.Trace("E.v"), "s": snn.Raster("E")}
    drive = snn.Replay(raster, into="in")
    what = dict(steps=raster.shape[0], key=jax.random.key(0), record=record, throw=False, progress=snn.progress.Quiet())
    return snn.simulate(program, drive, **what | kwargs)


def run_together(cases, **kwargs):
    """A batch of cases as one program: `{"u": (cases, steps, n), ...}` and the status of each."""
    programs = [program(case, **kwargs) for case in cases]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *programs)
    rasters = jnp.stack([jnp.asarray(case["inputs"]["in"], jnp.float32) for case in cases])
    done = in_turn(run, stacked, rasters)
    u, v, s = done["u"], done["v"], jax.vmap(lambda raster: raster.dense())(done["s"])
    return {"u": np.asarray(u), "v": np.asarray(v), "s": np.asarray(s)}, np.asarray(done.status)
