"""An example of PyNN with some backend, unchanged, and what it recorded: `tests/pynn_gate.py` runs it with two of them.

    python tests/oracles/pynn_examples.py BACKEND OUT.npz SCRIPT [ARGUMENT ...]

`BACKEND`: "nest" (on the grid, with `min_delay` a step if none is given), or "jaxsnn" in double precision. `ARGUMENT`:
the script's, with the backend's name. Of each population, in the order of creation: `spikes.I`, cells and times in
steps; `v.I`, its last membrane potentials.
"""

import os
import runpy
import sys
import warnings

import numpy as np

SEED = {"rng_seed": int(os.environ["RNG_SEED"])} if "RNG_SEED" in os.environ else {}  # of what the backend draws


def backend(name):
    if name == "nest":
        import pyNN.nest as sim

        sim.simulator.state.spike_precision = "on_grid"
        setup = sim.setup
        # With min_delay="auto" given spikes are late by what connecting adds to it: PyNN subtracts the value before.
        sim.setup = lambda timestep=0.1, min_delay=None, **more: setup(timestep, min_delay or timestep, **SEED | more)
        return sim
    import jax

    jax.config.update("jax_enable_x64", True)
    import jaxsnn.interop.pynn as sim

    sys.modules["pyNN.jaxsnn"] = sim
    setup_here = sim.setup
    sim.setup = lambda *given, **more: setup_here(*given, **SEED | more)
    return sim


def recorded(state):
    found = {}
    recorders = sorted((x for x in state.recorders if x.recorded), key=lambda x: int(x.population.first_id))
    for i, recorder in enumerate(recorders):
        for segment in recorder.population.get_data().segments[-1:]:
            pairs = [
                (round(float(t) / state.dt), int(train.annotations["source_index"]))
                for train in segment.spiketrains
                for t in train.magnitude
            ]
            found[f"spikes.{i}"] = np.array(sorted(pairs), int).reshape(-1, 2)
            for signal in segment.analogsignals:
                if signal.name == "v":
                    found[f"v.{i}"] = np.asarray(signal.magnitude)[-1]
    return found


def main():
    name, out, script, *arguments = sys.argv[1:]
    warnings.simplefilter("ignore")
    import matplotlib

    matplotlib.use("Agg")
    sim = backend(name)
    sys.argv = [script, *arguments]
    sys.path.insert(0, script.rpartition("/")[0])
    runpy.run_path(script, run_name="__main__")
    np.savez(out, **recorded(sim.simulator.state))


if __name__ == "__main__":
    main()
