"""Networks of two layers as graphs for other tools to read: `python -m tests.interop.written` writes them.

`tests/oracles/nir_readers.py` then runs them in these tools.
"""

from pathlib import Path

import jax
import nir
import numpy as np

import jaxsnn as snn

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "nir"
READS = snn.interop.conventions  # as each tool steps a graph that it reads
CONVENTIONS = {
    "snntorch": READS.SnnTorch(reset_mechanism=snn.resets.ToValue(), reset_time=snn.resets.SameStep()),
    "norse": READS.Nir(dt=1e-3),
    "spikingjelly": READS.SpikingJelly(),
    "spyx": READS.Spyx(),
}


def source_of(reader):
    """The name of the input: Spyx follows the graph from a node of this name on."""
    return "input" if reader == "spyx" else "in"


def network(reader):
    """Six inputs, eight and four neurons with the reset of the tool, which all fire now and then."""
    convention = CONVENTIONS[reader]
    drawn = np.random.default_rng(0)
    weight = lambda n, m: drawn.normal(0.15, 0.6, (n, m)).astype(np.float32)
    choices = {name: getattr(convention, name) for name in ("reset_mechanism", "reset_time", "comparator")}
    cell = lambda tau, bias: snn.LIF(
        tau=tau * convention.dt_ms, v_th=1.0, v_reset=0.0, gain=snn.gains.PerStep(), bias=bias, **choices
    )
    source = source_of(reader)
    late = convention.late * convention.dt_ms or None
    dense = dict(topology=snn.AllToAll(), via=snn.Dense())
    return snn.network(
        dt=convention.dt_ms,
        key=jax.random.key(0),
        populations={
            source: snn.SpikeSource(6),
            "hid": snn.Population(cell(10.0, np.linspace(0.0, 0.1, 8)), 8),
            "out": snn.Population(cell(5.0, 0.0), 4),
        },
        projections={
            "ih": snn.Connection(source, "hid", **dense, weight=weight(6, 8)),
            "ho": snn.Connection("hid", "out", **dense, weight=weight(8, 4), delay=late),
        },
    )


def graph(reader):
    return snn.interop.to_nir(network(reader), convention=CONVENTIONS[reader])


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    for name in CONVENTIONS:
        nir.write(GOLDEN / f"read_by_{name}.nir", graph(name))
