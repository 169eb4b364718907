"""What the host software of sPyNNaker 7.4.1 makes of Poisson sources, on a virtual board: spinnaker/host.json.

Which sources are on a core, the seed of each core, and the shifts of the ring buffers behind sources of several rates,
which it does not ask for: all are 30 Hz to it. Run from the repository root in an environment with
`spynnaker==1!7.4.1`, after a `.spynnaker.cfg` in the home directory with `[Machine]`, `version = 5`,
`virtual_board = True`:

    python tests/oracles/spinnaker_host.py
"""

import json
import os
import tempfile
from pathlib import Path

import pyNN.spiNNaker as sim

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "spinnaker" / "host.json"
RATES = (0.0, 1.0, 9.9, 10.0, 20.0, 100.0, 512.0, 2000.0, 9500.0, 20000.0)
SEED = 3

os.chdir(tempfile.mkdtemp())  # for its reports
found = {"rates": RATES, "weight": 0.5, "senders": 100}
for dt in (1.0, 0.1):
    sim.setup(timestep=dt)
    sources = [
        sim.Population(100, sim.SpikeSourcePoisson(rate=rate), additional_parameters={"seed": SEED}) for rate in RATES
    ]
    cells = [sim.Population(10, sim.IF_curr_exp()) for _ in RATES]
    for source, target in zip(sources, cells, strict=True):
        weight = sim.StaticSynapse(weight=0.5, delay=2.0)
        sim.Projection(source, target, sim.AllToAllConnector(), synapse_type=weight)
    many = sim.Population(1200, sim.SpikeSourcePoisson(rate=20.0), additional_parameters={"seed": SEED})
    sim.Projection(many, cells[0], sim.AllToAllConnector(), receptor_type="inhibitory")
    sim.run(10)
    cores = many._vertex.machine_vertices
    found[f"{dt} ms"] = {
        "shifts": [int(target._vertex.get_ring_buffer_shifts()[0]) for target in cells],
        "cores": [[int(one.vertex_slice.lo_atom), int(one.vertex_slice.n_atoms)] for one in cores],
        "seeds": [[int(x) for x in many._vertex.kiss_seed(one.vertex_slice)] for one in cores],
    }
    sim.end()
GOLDEN.write_text(json.dumps(found, indent=1) + "\n")
print(found)
