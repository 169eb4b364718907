"""The network of `loihi_network.py` in the emulator of nengo-loihi: one JSON line a repeat.

The block is built anew for each run, which is not timed; `us_per_step` is the wall time of the emulator's steps.
Nothing is probed while it runs. Made for nengo-loihi 1.1 with numpy < 2 in its own environment:

    python experiments/bench/peers/nengo-loihi_loihi.py --seconds 1 --repeat 3 [--busy]
"""

import time
from importlib.metadata import version

import loihi_network as network
import numpy as np
from nengo_loihi.block import Axon, LoihiBlock, Synapse
from nengo_loihi.builder import Model
from nengo_loihi.emulator import EmulatorInterface


def build(busy):
    n = network.N
    block = LoihiBlock(n, label="E")
    of = block.compartment
    of.dtype = np.int32
    number = lambda x: np.full(n, x, np.int32)
    of.decay_u, of.decay_v, of.scale_u, of.scale_v = number(network.DECAY_U - 1), number(network.DECAY_V), False, False
    of.vth, of.bias = number(network.threshold(busy) << 6), network.biases() << 6
    of.refract_delay, of.vmin, of.vmax = number(1), -(2**23) + 1, 2**23 - 1
    synapse = Synapse(n)
    synapse.weights = [row[None] for row in network.weights() << 6]
    synapse.indices = [np.arange(n)[None] for _ in range(n)]
    block.add_synapse(synapse)
    axon = Axon(n)
    axon.target, axon.compartment_map, axon.compartment_atoms = synapse, np.arange(n), np.zeros(n, int)
    block.add_axon(axon)
    model = Model()
    model.add_block(block)
    return model


def main():
    args = network.arguments()

    def run(steps):
        begin = time.perf_counter()
        with EmulatorInterface(build(args.busy), seed=0) as emulator:
            start, cpu = time.perf_counter(), time.process_time()
            emulator.run_steps(steps)
            wall, cpu = time.perf_counter() - start, time.process_time() - cpu
            cells = emulator.compartment
            more = {"build_s": round(start - begin, 2), "cpu_us_per_step": round(cpu * 1e6 / steps, 3)}
            return wall, more | {"fingerprint": network.fingerprint(cells.current, cells.voltage)}

    network.measure(args, "nengo-loihi", version("nengo-loihi"), run)


if __name__ == "__main__":
    main()
