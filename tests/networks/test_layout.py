"""Where everything lies, what a run copies, and what is computed of what a step shows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.connectivity import merge
from jaxsnn.models import View
from jaxsnn.simulation.prepared import stepper_of

KEY = jax.random.key(0)


def two():
    """Two populations, one with two ports, and a projection that releases."""
    ports = {"exc": snn.Exponential(5.0), "inh": snn.Exponential(10.0)}
    return snn.network(
        dt=1.0,
        key=KEY,
        populations={"A": snn.Population(snn.LIF(), 40), "B": snn.Population(snn.LIF(), 3, ports=ports)},
        projections={
            "AB": snn.Connection("A", "B.inh", snn.AllToAll(), delay=4.0, release=snn.TsodyksMarkram()),
            "BA": snn.Connection("B", "A", snn.AllToAll(), delay=2.0),
        },
    )


def test_columns_and_places():
    """Ports side by side without gaps; senders from a whole word on."""
    layout = two().layout
    assert layout.slots == 5 and layout.ring.width == 46
    assert [layout.columns(path) for path in ("A.in", "B.exc", "B.inh")] == [(0, 40), (40, 3), (43, 3)]
    assert [layout.sender(name) for name in ("A", "B", "AB")] == [(0, 40), (64, 3), (96, 40)]
    ring = jnp.arange(5 * 46.0)
    np.testing.assert_array_equal(layout.together(layout.by_port(ring)), ring)
    np.testing.assert_array_equal(layout.slot({"B.exc": jnp.ones(3)}, float)[39:44], [0, 1, 1, 1, 0])
    with pytest.raises(KeyError):
        layout.columns("B.in")


def random_network(degree):
    return snn.network(
        dt=0.1,
        key=KEY,
        populations={"E": snn.Population(snn.LIF(), 2000)},
        projections={
            "EE": snn.Connection(
                "E", "E", snn.FixedInDegree(degree), weight=snn.Normal(0.1, 0.01), delay=snn.Uniform(0.5, 3.0)
            )
        },
    )


def test_a_run_copies_no_synapses(monkeypatch):
    """A synapse takes 12 bytes: its receiver, weight and delay, which the run reads where the network has them."""

    def bytes_of(net):
        held, ready = (
            [x for x in jax.tree.leaves(tree) if isinstance(x, jax.Array)] for tree in (net, stepper_of(net))
        )
        places = {x.unsafe_buffer_pointer() for x in held}
        more = [x for x in ready if x.unsafe_buffer_pointer() not in places]
        synapses = net["EE"].graph.post.size
        return sum(x.nbytes for x in held) / synapses, sum(x.nbytes for x in more) / synapses

    held, more = bytes_of(random_network(90))
    assert held < 12.2 and 4.0 <= more < 4.2  # control: below that many synapses a copy is worth its memory
    monkeypatch.setattr(merge, "_MANY", 1)
    held, more = bytes_of(random_network(100))
    assert held < 12.2 and more < 0.2


def test_only_what_is_read_is_computed():
    read = []
    view = View({name: (lambda name=name: read.append(name) or jnp.ones(2)) for name in "abc"})
    assert "a" in view and "d" not in view and list(view) == ["a", "b", "c"] and len(view) == 3
    assert read == []
    assert snn.get(view, "b") is view["b"] and read == ["b"]
    doubled = jax.tree.map(lambda x: 2 * x, view)
    assert read == ["b", "a", "c"]
    np.testing.assert_array_equal(doubled["c"], 2.0)


class Sideways(snn.simulation.AbstractPlan):
    """No plan that a network knows."""


def test_an_unknown_plan_is_refused():
    with pytest.raises(ValueError, match=r"the plan Sideways\(\) for a network, expected Forward"):
        two().prepare(Sideways())
