"""Song, Miller and Abbott's (2000) bimodal weights, Brian2's examples/synapses/STDP.py, in C++ standalone.

1 000 Poisson inputs of 15 Hz on one neuron, pair STDP with hard bounds, dt 0.1 ms, forward Euler as there. Nothing is
recorded but spikes counted. `us_per_step` is the wall time of the run loop.

Made for Brian2 2.9 in its own environment (brian2, numpy<2.4, a C++ compiler):

    python experiments/bench/peers/brian2_song.py --seconds 100 --repeat 3
"""

import argparse

import brian2 as b2
from brian2 import Hz, ms
from brian2_standalone import measure, start


def build(seconds):
    b2.defaultclock.dt = 0.1 * ms
    b2.seed(1)
    inputs = b2.PoissonGroup(1000, 15 * Hz)
    equations = """dv/dt = (ge*(0*mV - v) + (-74*mV - v))/(10*ms) : volt
                   dge/dt = -ge/(5*ms) : 1"""
    cell = b2.NeuronGroup(1, equations, threshold="v > -54*mV", reset="v = -60*mV", method="euler")
    synapses = b2.Synapses(
        inputs,
        cell,
        """w : 1
           dx/dt = -x/(20*ms) : 1 (event-driven)
           dy/dt = -y/(20*ms) : 1 (event-driven)""",
        on_pre="""ge += w
                  x += 1e-4
                  w = clip(w + y, 0, 0.01)""",
        on_post="""y -= 1.05e-4
                   w = clip(w + x, 0, 0.01)""",
    )
    synapses.connect()
    synapses.w = "rand()*0.01"
    count = b2.SpikeMonitor(cell, record=False)
    b2.run(seconds * b2.second)
    return count, synapses


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=100.0, help="model time")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--on-request", action="store_true", help="wait for a line of standard input before each run")
    args = parser.parse_args()
    start()
    count, _ = build(args.seconds)
    read = lambda: {"rate_hz": round(int(count.num_spikes) / args.seconds, 3)}
    measure(args, round(args.seconds / 1e-4), {"workload": "song"}, read)


if __name__ == "__main__":
    main()
