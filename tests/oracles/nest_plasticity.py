"""Weights of NEST's plastic synapses for given spike trains: tests/golden/plasticity_nest.npz (format: README.md).

`plasticity_nest_bounds.npz` has the same rules with steps so large that weights reach both of their bounds, again and
again (`HARD`; the power law has a lower one only).

Made with NEST 3.10.0, float64, resolution 1 ms, one thread. Both sides are parrots that repeat given random trains; a
parrot does not hear what arrives at its receptor 1, but its synapses see its spikes. Every synapse has a delay of its
own, 1 to 8 ms, all of it dendritic. Frozen are the weights that every spike sent, as a weight recorder saw them. Run
from the repository root, in an environment with nest-simulator and numpy:

    python tests/oracles/nest_plasticity.py
"""

from pathlib import Path

import nest
import numpy as np

N_PRE, N_POST, STEPS, RATE = 6, 5, 1500, 0.03
W0 = 50.0
POST = {"tau_minus": 30.0, "tau_minus_triplet": 110.0}
DOPAMINE = {"tau_c": 300.0, "tau_n": 70.0, "b": 0.4, "A_plus": 0.02, "A_minus": 0.025, "tau_plus": 17.0}
RULES = {  # name: (model, parameters)
    "additive": ("stdp_synapse", dict(tau_plus=15.0, mu_plus=0.0, mu_minus=0.0, alpha=1.1)),
    "guetig": ("stdp_synapse", dict(tau_plus=15.0, mu_plus=0.4, mu_minus=0.7, alpha=1.2)),
    "multiplicative": ("stdp_synapse", dict(tau_plus=15.0, mu_plus=1.0, mu_minus=1.0, alpha=1.05)),
    "power": ("stdp_pl_synapse_hom", dict(tau_plus=15.0, mu=0.4, alpha=0.06)),
    "nearest": ("stdp_nn_symm_synapse", dict(tau_plus=15.0, mu_plus=0.5, mu_minus=0.5, alpha=1.1)),
    "triplet": ("stdp_triplet_synapse", dict(tau_plus=16.8, tau_plus_triplet=101.0, Aplus=0.3, Aplus_triplet=0.4)),
    "vogels": ("vogels_sprekeler_synapse", dict(tau=30.0, eta=0.4, alpha=0.9)),
    "dopamine": ("stdp_dopamine_synapse", DOPAMINE),
}
EXTRA = {
    "additive": {"lambda": 0.02, "Wmax": 100.0},
    "guetig": {"lambda": 0.05, "Wmax": 100.0},
    "multiplicative": {"lambda": 0.05, "Wmax": 100.0},
    "power": {"lambda": 0.1},
    "nearest": {"lambda": 0.05, "Wmax": 100.0},
    "triplet": {"Aminus": 0.5, "Aminus_triplet": 0.2, "Wmax": 100.0},
    "vogels": {"Wmax": 100.0},
    "dopamine": {"Wmin": 0.0, "Wmax": 200.0},
}
HARD = {  # what is different near the bounds
    "additive": {"lambda": 0.3, "alpha": 0.6, "Wmax": 90.0},
    "guetig": {"lambda": 0.5, "alpha": 0.6, "mu_plus": 0.1, "mu_minus": 0.2, "Wmax": 90.0},
    "multiplicative": {"lambda": 0.95, "alpha": 0.6, "Wmax": 90.0},
    "power": {"lambda": 0.6, "alpha": 0.9},
    "nearest": {"lambda": 0.9, "alpha": 0.7, "mu_plus": 0.1, "mu_minus": 0.2, "Wmax": 90.0},
    "triplet": {"Aplus": 20.0, "Aminus": 18.0, "Wmax": 90.0},
    "vogels": {"eta": 25.0, "Wmax": 90.0},
    "dopamine": {"A_plus": 30.0, "A_minus": 36.0, "b": 0.018, "Wmin": 20.0, "Wmax": 80.0},
}


def trains(seed):
    """Who fires in which step, `(steps, n)`, and the delays of all pairs."""
    rng = np.random.default_rng(seed)
    pre, post = (rng.random((STEPS, n)) < RATE for n in (N_PRE, N_POST))
    reward = rng.random(STEPS) < 0.02
    return pre, post, rng.integers(1, 9, (N_PRE, N_POST)), reward


def source(raster, target, first):
    """A generator a neuron. NEST stamps the spike of step k with k + 1; the way to a parrot takes a step."""
    times = [np.flatnonzero(column) + 1.0 - first for column in raster.T]
    generators = nest.Create("spike_generator", len(times), params=[{"spike_times": t[t > 0]} for t in times])
    nest.Connect(generators, target, "one_to_one", {"delay": 1.0})


def run(name, seed, **other):
    model, params = RULES[name]
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.resolution = 1.0
    pre_raster, post_raster, delay, reward = trains(seed)
    for raster in (pre_raster, post_raster):
        raster[:3] = False  # what a generator could not send in time
    pre_raster[2] = True  # NEST's nearest-neighbour rule takes time 0 for a spike: nobody must pair with that
    reward[:3] = False
    pre, post = nest.Create("parrot_neuron", N_PRE), nest.Create("parrot_neuron", N_POST, params=POST)
    source(pre_raster, pre, 1.0)
    source(post_raster, post, 1.0)
    recorder = nest.Create("weight_recorder")
    own = {**params, **EXTRA[name], **other}
    common = {"weight_recorder": recorder}
    if name == "dopamine":
        dopamine = nest.Create("parrot_neuron")
        source(reward[:, None], dopamine, 1.0)
        transmitter = nest.Create("volume_transmitter", params={"deliver_interval": 1})
        nest.Connect(dopamine, transmitter, syn_spec={"delay": 1.0})
        common |= {"volume_transmitter": transmitter, **own}
        own = {}
    elif name == "power":
        common |= own
        own = {}
    nest.CopyModel(model, "plastic", {**common, **own})
    spec = {"synapse_model": "plastic", "weight": np.full((N_POST, N_PRE), W0), "delay": delay.T.astype(float)}
    nest.Connect(pre, post, "all_to_all", spec | {"receptor_type": 1})
    nest.Simulate(STEPS + 2.0)
    seen = recorder.events
    step = np.rint(seen["times"]).astype(int) - 1
    sender = np.searchsorted(pre.tolist(), seen["senders"])
    target = np.searchsorted(post.tolist(), seen["targets"])
    order = np.lexsort((target, sender, step))
    step, sender, target, weight = step[order], sender[order], target[order], seen["weights"][order]
    keep = step < STEPS
    assert np.array_equal(np.unique(step[keep] * N_PRE + sender[keep]), np.flatnonzero(pre_raster.reshape(-1)))
    print(f"{name:16} {keep.sum()} weights, from {weight.min():.3f} to {weight.max():.3f}")
    rows = {"pre": pre_raster, "post": post_raster, "delay": delay, "reward": reward}
    return {**rows, "step": step[keep], "sender": sender[keep], "target": target[keep], "weight": weight[keep]}


def main():
    small = {"step": np.int16, "sender": np.int8, "target": np.int8, "delay": np.int8, "weight": np.float64}
    for file, hard in (("plasticity_nest", False), ("plasticity_nest_bounds", True)):
        out = {}
        for seed, name in enumerate(RULES):
            other = HARD[name] if hard else {}
            for part, x in run(name, seed + 100 * hard, **other).items():
                out[f"{name}/{part}"] = np.packbits(x, axis=0) if x.dtype == bool else x.astype(small[part])
        np.savez_compressed(Path(f"tests/golden/{file}.npz"), steps=STEPS, w0=W0, **out)


if __name__ == "__main__":
    main()
