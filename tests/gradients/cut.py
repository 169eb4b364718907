"""Backpropagation with chosen paths cut: what e-prop must equal, and what it must differ from."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

import jaxsnn as snn


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
            s, spikes[name] = net.to_threshold(name, state.populations[name], inputs, t, key, arrivals[name])
            populations[name] = net.populations[name].reset(s, spikes[name], net.dt)
            for edge in net.direct:
                if edge.sender == name:
                    whole = isinstance(net.populations[edge.post].neuron, snn.LI)
                    sent = spikes[name] if whole else partly(spikes[name], self.through)
                    heard = arrivals[edge.post]
                    heard[edge.port] = heard[edge.port] + edge.arrivals(sent, None, key)
        ring, overflow = net.deliver(ring, jax.tree.map(lambda x: partly(x, self.through), spikes), t, key)
        return net.next(state, populations, state.projections, ring, overflow), spikes


def cut(net, through=0.0):
    """The network under `Cut`."""
    return eqx.tree_at(
        lambda n: n.order, net, Cut(through), is_leaf=lambda x: isinstance(x, snn.networks.AbstractOrder)
    )
