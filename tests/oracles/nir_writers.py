"""Graphs of NIR as other tools write them, and what the writers' own networks do: `tests/golden/nir/`.

    python tests/oracles/nir_writers.py snntorch norse spikingjelly sinabs rockpool

in an environment with snntorch 1.0, norse 1.1, spikingjelly 2.0, sinabs 3.1, rockpool 3.1, nirtorch 2.6 and nir 1.0.8
(newer than what sinabs asks for, and it works). Each network is stepped by its own tool, in single precision, on random
spikes; its spikes, or the membranes of a last layer that does not fire, are kept beside the graph.
"""

import sys

import nir
import numpy as np
import torch
from nir_golden import keep, spikes
from torch import nn

N_IN, HIDDEN, N_OUT = 6, 8, 4


def weights(net, seed=1):
    """Weights that make every layer fire now and then."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, x in net.named_parameters():
            if x.ndim > 1:
                scale = 1.5 / np.sqrt(np.prod(x.shape[1:]))
                x.copy_(torch.randn(x.shape, generator=generator, dtype=x.dtype) * scale + 0.3 * scale)
            elif name.endswith("bias"):
                x.copy_(0.1 * torch.randn(x.shape, generator=generator, dtype=x.dtype))
    return net


def walked(step, x):
    """The outputs of a network that is called once a step with a batch of one."""
    return np.stack([np.asarray(step(torch.tensor(row[None])).detach())[0] for row in x])


def snntorch():
    import snntorch as snn
    import snntorch.utils
    from snntorch.export_nir import export_to_nir

    each = lambda value, n: torch.full((n,), value)
    leaky = lambda n, threshold=0.8: snn.Leaky(beta=each(0.9, n), threshold=each(threshold, n), init_hidden=True)

    def last(net):
        snn.utils.reset(net)  # a graph is found by running the network
        return lambda x: (lambda found: found[0] if isinstance(found, tuple) else found)(net(x))

    x = spikes(N_IN)
    net = nn.Sequential(
        nn.Linear(N_IN, HIDDEN),
        leaky(HIDDEN),
        nn.Linear(HIDDEN, N_OUT, bias=False),
        snn.Synaptic(alpha=each(0.8, N_OUT), beta=each(0.7, N_OUT), threshold=each(1.5, N_OUT), init_hidden=True),
    )
    keep("snntorch_dense", export_to_nir(weights(net), torch.ones(N_IN)), x, walked(last(net), x))
    net = nn.Sequential(
        nn.Linear(N_IN, HIDDEN),
        snn.RSynaptic(alpha=0.7, beta=0.8, linear_features=HIDDEN, init_hidden=True),
        nn.Linear(HIDDEN, N_OUT),
        snn.RLeaky(beta=0.9, linear_features=N_OUT, init_hidden=True),
    )
    keep("snntorch_recurrent", export_to_nir(weights(net), torch.ones(N_IN)), x, walked(last(net), x))
    zero = dict(reset_mechanism="zero", init_hidden=True)
    net = nn.Sequential(
        nn.Linear(N_IN, HIDDEN),
        snn.Leaky(beta=each(0.9, HIDDEN), threshold=each(0.8, HIDDEN), **zero),
        nn.Linear(HIDDEN, HIDDEN),
        snn.RLeaky(beta=0.9, linear_features=HIDDEN, **zero),
        nn.Linear(HIDDEN, N_OUT),
        snn.Synaptic(alpha=each(0.8, N_OUT), beta=each(0.7, N_OUT), threshold=each(1.5, N_OUT), **zero),
    )
    keep("snntorch_zero", export_to_nir(weights(net), torch.ones(N_IN)), x, walked(last(net), x))
    x = spikes(2, 8, 8, rate=0.2)
    net = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1),
        snn.Leaky(beta=torch.full((3, 8, 8), 0.9), threshold=torch.full((3, 8, 8), 0.8), init_hidden=True),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(48, N_OUT),
        leaky(N_OUT, 3.0),
    )
    graph = export_to_nir(weights(net), torch.ones(1, 2, 8, 8), ignore_dims=[0])
    keep("snntorch_conv", graph, x, walked(last(net), x))


def norse():
    from norse.torch import IAFCell, LIBoxCell, LIFBoxCell, LIFCell, SequentialState, to_nir
    from norse.torch.functional.iaf import IAFParameters
    from norse.torch.functional.leaky_integrator_box import LIBoxParameters
    from norse.torch.functional.lif import LIFParameters
    from norse.torch.functional.lif_box import LIFBoxParameters

    each = lambda value, n: torch.full((n,), value)

    def run(net, x):
        state, out = None, []
        for row in x:
            found, state = net(torch.tensor(row[None]), state)
            out.append(np.asarray(found.detach())[0])
        return np.stack(out)

    x = spikes(N_IN)
    box = LIFBoxParameters(tau_mem_inv=each(100.0, HIDDEN), v_leak=each(0.0, HIDDEN), v_th=each(0.3, HIDDEN))
    cuba = LIFParameters(
        tau_syn_inv=each(200.0, N_OUT),
        tau_mem_inv=each(100.0, N_OUT),
        v_leak=each(0.05, N_OUT),
        v_th=each(0.5, N_OUT),
        v_reset=each(0.0, N_OUT),
    )
    net = SequentialState(nn.Linear(N_IN, HIDDEN), LIFBoxCell(box), nn.Linear(HIDDEN, N_OUT, bias=False), LIFCell(cuba))
    keep("norse_dense", to_nir(weights(net), torch.ones(N_IN)), x, run(net, x))
    out = LIBoxParameters(tau_mem_inv=each(100.0, N_OUT), v_leak=each(0.1, N_OUT))
    net = SequentialState(
        nn.Linear(N_IN, HIDDEN),
        IAFCell(IAFParameters(v_th=each(1.0, HIDDEN))),
        nn.Linear(HIDDEN, N_OUT),
        LIBoxCell(out),
    )
    keep("norse_membranes", to_nir(weights(net), torch.ones(N_IN)), x, run(net, x))


def spikingjelly():
    from spikingjelly.activation_based import layer, neuron
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    x = spikes(N_IN)
    net = nn.Sequential(
        layer.Linear(N_IN, HIDDEN),
        neuron.LIFNode(tau=3.0, v_threshold=0.4),
        layer.Linear(HIDDEN, N_OUT, bias=False),
        neuron.CUBALIFNode(c_decay=0.5, v_decay=0.8),
        layer.Linear(N_OUT, N_OUT, bias=False),
        neuron.IFNode(v_reset=0.1),
    )
    graph = export_to_nir(weights(net), torch.ones(1, N_IN))
    keep("spikingjelly_dense", graph, x, walked(net, x))
    x = spikes(2, 8, 8, rate=0.2)
    net = nn.Sequential(
        layer.Conv2d(2, 3, 3, padding=1, stride=2),
        neuron.ParametricLIFNode(init_tau=2.0, decay_input=False),
        layer.AvgPool2d(2, 2),
        layer.Flatten(),
        layer.Linear(12, N_OUT),
        neuron.LIFNode(tau=2.0, decay_input=False),
    )
    keep("spikingjelly_conv", export_to_nir(weights(net), torch.ones(1, 2, 8, 8)), x, walked(net, x))


def sinabs():
    import sinabs.activation as act
    import sinabs.layers as sl
    from sinabs.nir import to_nir

    x = spikes(1, 6, 6, rate=0.3)
    single = dict(spike_fn=act.SingleSpike, reset_fn=act.MembraneSubtract(), batch_size=1)
    tau, threshold = torch.full((N_OUT,), 8.0), torch.full((N_OUT,), 0.2)
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3, bias=False),
        sl.IAFSqueeze(**single),
        sl.SumPool2d(2),
        nn.Flatten(),
        nn.Linear(8, N_OUT),
        sl.LIFSqueeze(tau_mem=tau, spike_threshold=threshold, **single),
    )
    graph = to_nir(weights(net), torch.ones(1, 1, 6, 6))
    for node in graph.nodes.values():  # sinabs leaves shapes out, which nir 1.0.8 cannot write
        if isinstance(node, nir.Flatten):
            node.input_type = {"input": np.array([2, 2, 2])}
        if isinstance(node, nir.Conv2d):
            node.input_shape = (6, 6)
    for module in net:
        if hasattr(module, "reset_states"):
            module.reset_states()
    keep("sinabs_conv", graph, x, walked(net, x))


def rockpool():
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFTorch, LinearTorch
    from rockpool.nn.modules.torch.nir import to_nir

    x = spikes(N_IN)
    cell = lambda n: LIFTorch(
        n, tau_mem=0.02, tau_syn=0.01, threshold=4.0, has_rec=False, max_spikes_per_dt=1.0, dt=1e-3, bias=torch.zeros(n)
    )
    net = Sequential(LinearTorch((N_IN, HIDDEN)), cell(HIDDEN), LinearTorch((HIDDEN, N_OUT)), cell(N_OUT))
    graph = to_nir(weights(net), torch.ones(N_IN))
    net.reset_state()
    out, _, _ = net(torch.tensor(x[None]))
    keep("rockpool_dense", graph, x, np.asarray(out.detach())[0])


if __name__ == "__main__":
    for writer in sys.argv[1:]:
        globals()[writer]()
