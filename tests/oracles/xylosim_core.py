"""Xylo's integers as its maker's simulator has them: `PYTHONPATH=tests/oracles python tests/oracles/xylosim_core.py`.

Writes `tests/golden/xylo_2.npz`, in the form of `xylo_0.npz` and `xylo_1.npz`, with what those leave out: dashes up to
15, aliases in chains and of a neuron to itself, thresholds as small as 1, weights that nearly always saturate.
"""

import numpy as np
import xylo_core
from xylosim import v1, v2

STEPS, INPUTS, HIDDEN, OUTPUTS = 120, 8, 24, 4


def network(rng):
    ints = lambda low, high, *shape: rng.integers(low, high + 1, shape)
    alias = np.where(rng.random(HIDDEN) < 0.35, ints(0, HIDDEN - 1, HIDDEN), -1)
    return dict(
        w_in=ints(-128, 127, 2, INPUTS, HIDDEN) * (rng.random((2, INPUTS, HIDDEN)) < 0.6),
        w_rec=ints(-128, 127, 2, HIDDEN, HIDDEN) * (rng.random((2, HIDDEN, HIDDEN)) < 0.2),
        w_out=ints(-128, 127, HIDDEN, OUTPUTS),
        shift=ints(0, 7, 3),
        vth=np.where(rng.random(HIDDEN) < 0.2, ints(1, 3, HIDDEN), ints(50, 9000, HIDDEN)),
        vth_out=ints(1, 6000, OUTPUTS),
        bias=ints(-90, 90, HIDDEN),
        bias_out=ints(-50, 50, OUTPUTS),
        dash_mem=ints(0, 15, HIDDEN),
        dash_mem_out=ints(0, 15, OUTPUTS),
        dash_syn=ints(0, 15, HIDDEN, 2),
        dash_syn_out=ints(0, 15, OUTPUTS, 1),
        alias=alias,
    )


def simulated(net, x, version, biased):
    """Every state of xylosim, by the names of the oracle."""
    kind = {1: v1, 2: v2}[version]

    def of(w):  # a list of synapses for every sender, those of each in order of the receiver
        return [
            [kind.XyloSynapse(int(j), int(k), int(w[k, i, j])) for j in range(w.shape[2]) for k in range(w.shape[0])]
            for i in range(w.shape[1])
        ]

    lists = {key: np.asarray(x).tolist() for key, x in net.items()}
    synapses = {  # the layer keeps no reference of its own
        "synapses_in": of(net["w_in"]),
        "synapses_rec": of(net["w_rec"]),
        "synapses_out": of(net["w_out"][None]),
    }
    layer = kind.XyloLayer(
        **synapses,
        aliases=[[a] if a >= 0 else [] for a in lists["alias"]],
        threshold=lists["vth"],
        threshold_out=lists["vth_out"],
        **(dict(has_bias=biased, bias=lists["bias"], bias_out=lists["bias_out"]) if version == 2 else {}),
        **dict(zip(("weight_shift_inp", "weight_shift_rec", "weight_shift_out"), lists["shift"])),
        dash_mem=lists["dash_mem"],
        dash_mem_out=lists["dash_mem_out"],
        dash_syns=lists["dash_syn"],
        dash_syns_out=lists["dash_syn_out"],
        name="xylo",
    )
    o = layer.evolve(x.tolist())
    recorded = dict(v="rec_v_mem", i="rec_i_syn", i2="rec_i_syn2", vo="rec_v_mem_out", io="rec_i_syn_out")
    recorded = {key: np.asarray(getattr(layer, name)).T for key, name in recorded.items()}
    return dict(o=np.asarray(o), s=np.asarray(layer.rec_recurrent_spikes), **recorded)


def main(seed=2):
    rng, frozen = np.random.default_rng(seed), {}
    for name, version, biased in (("v10", 1, False), ("v20", 2, False), ("v21", 2, True)):
        net = network(rng)
        x = rng.poisson(rng.choice([0.3, 3.0, 12.0]), (STEPS, INPUTS)).clip(0, 20)
        states = simulated(net, x, version, biased)
        said = dict(net) if biased else {**net, "bias": None, "bias_out": None}
        mine = xylo_core.run(said, x, version=version)
        for key, each in states.items():
            wrong = int(np.sum(mine[key] != each))
            print(name, key, each.shape, "differs from the oracle:", wrong)
            assert wrong == 0
            frozen[f"{name}_{key}"] = each.astype(np.int16)
        frozen |= {f"{name}_net_{key}": each.astype(np.int16) for key, each in net.items()} | {f"{name}_x": x}
    np.savez_compressed(f"tests/golden/xylo_{seed}.npz", **frozen)


if __name__ == "__main__":
    main()
