"""10^6 synapses with pair STDP at 5 Hz on both sides, in Brian2 C++ standalone: one JSON line a repeat.

4 000 Poisson inputs, 4 000 neurons that a Poisson input of their own makes fire, 250 synapses an input, dt 0.1 ms, a
delay of 1 ms. The weights are too small to matter. `us_per_step` is the wall time of the run loop.

Made for Brian2 2.9 in its own environment (brian2, numpy<2.4, a C++ compiler):

    python experiments/bench/peers/brian2_plasticity.py --seconds 1 --repeat 3 [--static]
"""

import argparse

import brian2 as b2
import numpy as np
from brian2 import Hz, ms
from brian2_standalone import measure, start

N, FAN_OUT, RATE = 4000, 250, 5.0


def build(seconds, static):
    b2.defaultclock.dt = 0.1 * ms
    b2.seed(1)
    inputs = b2.PoissonGroup(N, RATE * Hz)
    equations = """dv/dt = (ge - v)/(10*ms) : 1
                   dge/dt = -ge/(5*ms) : 1"""
    cells = b2.NeuronGroup(N, equations, threshold="v > 50", reset="v = 0", method="exact")
    kick = b2.PoissonInput(cells, "v", 1, RATE * Hz, weight=100)
    if static:
        synapses = b2.Synapses(inputs, cells, "w : 1", on_pre="ge += w")
    else:
        synapses = b2.Synapses(
            inputs,
            cells,
            """w : 1
               dx/dt = -x/(20*ms) : 1 (event-driven)
               dy/dt = -y/(20*ms) : 1 (event-driven)""",
            on_pre="""ge += w
                      x += 1
                      w = clip(w - 1.05e-5*y, 0, 0.001)""",
            on_post="""y += 1
                       w = clip(w + 1e-5*x, 0, 0.001)""",
        )
    rng = np.random.default_rng(1)
    targets = np.concatenate([np.sort(rng.choice(N, FAN_OUT, replace=False)) for _ in range(N)])
    synapses.connect(i=np.repeat(np.arange(N), FAN_OUT), j=targets)
    synapses.w = "rand()*0.001"
    synapses.pre.delay = 1 * ms
    before, after = b2.SpikeMonitor(inputs, record=False), b2.SpikeMonitor(cells, record=False)
    b2.run(seconds * b2.second)
    return before, after, [kick, synapses]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0, help="model time")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--static", action="store_true", help="the same synapses without plasticity")
    parser.add_argument("--on-request", action="store_true", help="wait for a line of standard input before each run")
    args = parser.parse_args()
    start()
    before, after, _ = build(args.seconds, args.static)

    def read():
        rate = lambda monitor: round(int(monitor.num_spikes) / N / args.seconds, 3)
        return {"pre_hz": rate(before), "rate_hz": rate(after)}

    measure(args, round(args.seconds / 1e-4), {"workload": "plasticity"}, read)


if __name__ == "__main__":
    main()
