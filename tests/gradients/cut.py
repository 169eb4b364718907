"""Backpropagation with chosen paths cut: what e-prop must equal, and what it must differ from."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

import jaxsnn as snn
from jaxsnn.connectivity.spikes import Spikes


def partly(x, through):
    """`x`, with that part of its derivative: a number, so that paths are cut and kept by one program."""
    still = lax.stop_gradient(x)
    return still + through * (x - still)


class Cut(snn.NestOrder):
    """NEST's order in which no derivative flows from a spike to another spiking neuron; read-outs hear spikes whole.

    `through`: which part of it flows after all; with 1 nothing is cut.
    """

    through: jnp.ndarray = snn.param(0.0, unit="1")

    def step(self, net, state, inputs, t, key):
        arrivals, ring = net.arrivals(state.ring, inputs, t)
        populations, spikes = {}, {}
        for name in net.sequence:
            s, spikes[name] = net.to_threshold(name, state, inputs, t, key, arrivals[name])
            populations[name] = net.reset(name, s, spikes[name])
            for edge in net.edges:
                if edge.sender == name:
                    whole = isinstance(net.populations[edge.post].neuron, snn.LI)
                    sent = Spikes.found(spikes[name] if whole else partly(spikes[name], self.through))
                    heard = arrivals[edge.post]
                    heard[edge.port] = heard[edge.port] + edge.via.arrivals(sent, {}, t, key)
        sent = net.everybody(spikes, jax.tree.map(lambda x: partly(x, self.through), spikes))
        ring, projections = net.deliver(ring, state.projections, sent, populations, inputs, t, key)
        return net.next(state, populations, projections, ring), sent


def cut(net, through=0.0):
    """The network under `Cut`."""
    return eqx.tree_at(
        lambda n: n.order, net, Cut(through), is_leaf=lambda x: isinstance(x, snn.networks.AbstractOrder)
    )
