"""Weights of NEST's Clopath synapses: tests/golden/plasticity_clopath.npz (format: README.md).

Made with NEST 3.10.0, float64, resolution 0.1 ms, one thread: an `aeif_psc_delta_clopath` neuron that strong inputs
make fire, and three plastic inputs with random spikes, delay 1 ms. Frozen are the membrane, the spikes and every weight
sent. NEST integrates the filtered membranes within the step, where a spike moves them most; the rule itself is asserted
here: with NEST's own filtered membranes it gives NEST's weights to 1e-12. Run from the repository root, in an
environment with nest-simulator and numpy:

    python tests/oracles/nest_clopath.py
"""

from pathlib import Path

import nest
import numpy as np

DT, STEPS, DELAY, W0, TAU_X = 0.1, 6000, 1.0, 0.5, 15.0
A_LTD, A_LTP, THETA_MINUS, THETA_PLUS = 14e-5, 8e-5, -70.6, -45.3


def times(rng, count):
    return np.round(np.sort(rng.choice(np.arange(100, STEPS - 100), count, replace=False)) * DT, 1)


def run():
    rng = np.random.default_rng(0)
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.resolution = DT
    rule = {"A_LTD": A_LTD, "A_LTP": A_LTP, "theta_minus": THETA_MINUS, "theta_plus": THETA_PLUS}
    cell = nest.Create("aeif_psc_delta_clopath", params={**rule, "A_LTD_const": True, "delay_u_bars": DT})
    inputs = nest.Create("parrot_neuron", 3)
    generators = nest.Create("spike_generator", 3, params=[{"spike_times": times(rng, 25)} for _ in range(3)])
    nest.Connect(generators, inputs, "one_to_one", {"delay": DT})
    strong = nest.Create("spike_generator", params={"spike_times": times(rng, 40)})
    nest.Connect(strong, cell, syn_spec={"weight": 60.0, "delay": DT})
    recorder = nest.Create("weight_recorder")
    nest.CopyModel("clopath_synapse", "plastic", {"weight_recorder": recorder, "tau_x": TAU_X, "Wmax": 100.0})
    nest.Connect(inputs, cell, syn_spec={"synapse_model": "plastic", "weight": W0, "delay": DELAY})
    meter = nest.Create("multimeter", params={"interval": DT, "record_from": ["V_m", "u_bar_plus", "u_bar_minus"]})
    nest.Connect(meter, cell)
    spikes = nest.Create("spike_recorder")
    nest.Connect(inputs, spikes)
    nest.Simulate(STEPS * DT)
    number = lambda senders: np.searchsorted(inputs.tolist(), senders)
    step = lambda stamps: np.rint(np.asarray(stamps) / DT).astype(int) - 1
    seen, fired = recorder.events, spikes.events
    return {
        "v": meter.events["V_m"],
        "u_plus": meter.events["u_bar_plus"],
        "u_minus": meter.events["u_bar_minus"],
        "spike_step": step(fired["times"]),
        "spike_input": number(fired["senders"]),
        "step": step(seen["times"]),
        "input": number(seen["senders"]),
        "weight": seen["weights"],
    }


def check(found):
    """The rule with NEST's own filtered membranes, which it reads a step late."""
    steps, back = len(found["v"]), round(DELAY / DT)
    late = lambda x: np.r_[x[:1], x[:-1]]
    over = np.maximum(found["v"] - THETA_PLUS, 0.0) * np.maximum(late(found["u_plus"]) - THETA_MINUS, 0.0)
    up, down = A_LTP * over * DT, A_LTD * np.maximum(late(found["u_minus"]) - THETA_MINUS, 0.0)
    for i in range(3):
        fires = np.zeros(steps + 1)
        fires[found["spike_step"][found["spike_input"] == i]] = 1.0
        x, w, sent = 0.0, W0, []
        for k in range(steps):
            x *= np.exp(-DT / TAU_X)
            w += up[k - back] * x if k >= back else 0.0
            if fires[k]:
                w -= down[k - back]
                sent.append(w)
                x += 1.0 / TAU_X
        assert np.abs(np.array(sent) - found["weight"][found["input"] == i][: len(sent)]).max() < 1e-12


def main():
    found = run()
    check(found)
    small = dict.fromkeys(("spike_step", "spike_input", "step", "input"), np.int16) | {"v": np.float32}
    kept = {name: x.astype(small.get(name, float)) for name, x in found.items() if not name.startswith("u_")}
    np.savez_compressed(Path("tests/golden/plasticity_clopath.npz"), **kept)
    print(f"{len(found['weight'])} weights, from {found['weight'].min():.3f} to {found['weight'].max():.3f}")


if __name__ == "__main__":
    main()
