"""Backpropagation with chosen paths cut: what e-prop must equal, and what it must differ from."""

import equinox as eqx
import jax
from jax import lax

import jaxsnn as snn


class Cut(snn.NestOrder):
    """NEST's order in which no derivative flows from a spike to another spiking neuron; read-outs hear spikes whole."""

    def step(self, net, state, inputs, t, key):
        arrivals, ring = net.arrivals(state.ring, inputs, t)
        populations, spikes = {}, {}
        for name in net.sequence:
            s, spikes[name] = net.to_threshold(name, state.populations[name], inputs, t, key, arrivals[name])
            populations[name] = net.populations[name].reset(s, spikes[name], net.dt)
            for edge in net.direct:
                if edge.sender == name:
                    whole = isinstance(net.populations[edge.post].neuron, snn.LI)
                    sent = spikes[name] if whole else lax.stop_gradient(spikes[name])
                    heard = arrivals[edge.post]
                    heard[edge.port] = heard[edge.port] + edge.arrivals(sent, None, key)
        ring, overflow = net.deliver(ring, jax.tree.map(lax.stop_gradient, spikes), t, key)
        return net.next(state, populations, state.projections, ring, overflow), spikes


def cut(net):
    """The network under `Cut`."""
    return eqx.tree_at(lambda n: n.order, net, Cut(), is_leaf=lambda x: isinstance(x, snn.AbstractOrder))
