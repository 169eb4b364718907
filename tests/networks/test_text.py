"""What is printed: numbers with units, not what an array calls itself."""

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

RULE = snn.chain(snn.PairSTDP(0.01, 0.01), snn.Bound(0.0, 1.0))
NET = snn.network(
    dt=0.1,
    key=0,
    populations={
        "E": snn.Population(snn.LIF(tau=np.linspace(10.0, 20.0, 9)), 9, ports={"in": snn.Exponential(5.0)}),
        "in": snn.SpikeSource(4),
    },
    projections={
        "EE": snn.Connection("E", "E", snn.FixedProb(0.3), weight=snn.Uniform(0.0, 1.0), delay=1.5, rule=RULE),
        "i": snn.Connection("in", "E", snn.AllToAll(), via=snn.Dense(), weight=0.5, release=snn.TsodyksMarkram()),
    },
)


def test_a_network_shows_numbers_and_units():
    text = repr(NET)
    assert "f32[" not in text and "Array(" not in text
    for part in ("dt=0.1 ms", "13 neurons", "tau=<9, 10 .. 20, mean 15> ms", "v_th=20 mV", "tau=5 ms", "n=9"):
        assert part in text
    real = int(np.sum(np.asarray(NET["EE"].graph.pre) < 9))
    assert f"{real} synapses" in text and f"weight=<{real}, " in text  # not the room at the end of the list
    assert "delay=15 steps" in text and "weight=0.5" in text and "Bound(lo=0" in text
    assert len(text.splitlines()) == 5 and all(len(line) < 600 for line in text.splitlines())


def test_parts_are_printed_as_they_are_made():
    assert repr(snn.Uniform(0.0, 1.5)) == "Uniform(lo=0, hi=1.5)"
    assert repr(snn.FixedProb(0.25)).startswith("FixedProb(p=0.25, ")
    assert "tau=20.5 ms" in repr(snn.LIF(tau=20.5))
    assert repr(snn.LIF(tau=[1.0, 2.0])) != repr(snn.LIF(tau=[1.0, 3.0]))  # control: numbers are there
    large = repr(snn.LIF(tau=jnp.linspace(1.0, 2.0, 10_000)))
    assert "<10000, 1 .. 2, mean 1.5> ms" in large and len(large) < 500


def test_inside_a_program_it_says_so():
    seen = []
    jax.jit(lambda tau: seen.append(repr(snn.LIF(tau=tau))) or tau)(jnp.float32(3.0))
    assert "tau=traced float32[] ms" in seen[0]
