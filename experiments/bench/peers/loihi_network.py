"""The network that every subject of `loihi` runs: whole numbers, so that all give the same spikes. NumPy alone.

1 024 cells with a bias each and dense recurrent weights of both signs. No register overflows and no weight loses a bit,
so that Lava, nengo-loihi and we agree on every number; `fingerprint` of the registers at the end shows that they do.
"""

import argparse
import json
import zlib

import numpy as np

N = 1024
DECAY_U, DECAY_V = 1024, 256  # in 4096ths
RULE = "2^-2*y0*x1 - 2^-2*x0*y1"  # of the plastic network
IMPULSE, TAU, EPOCH, SEED = 16, 10, 4, 1  # of its traces, steps; of Lava's random numbers


def weights():
    """Mantissas from sender (row) to receiver (column): even, of both signs, a little more inhibition."""
    rng = np.random.default_rng(1)
    return np.clip(2 * np.round(rng.normal(-0.5, 8.0, (N, N))), -256, 254).astype(np.int32)


def biases():
    """Mantissas, times 2^6."""
    return np.random.default_rng(2).integers(20, 320, N).astype(np.int32)


def threshold(busy):
    """A mantissa: about 5 % of all cells fire in a step, or 17 %."""
    return 50 if busy else 1000


def fingerprint(*registers):
    """A number that two subjects have in common if, and hardly unless, all registers are equal."""
    return zlib.crc32(b"".join(np.ascontiguousarray(x, np.int32).tobytes() for x in registers))


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0, help="model time: a step is a millisecond")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--busy", action="store_true", help="17 % of all cells fire in a step, not 5 %")
    parser.add_argument("--learning", action="store_true", help="all synapses learn")
    parser.add_argument("--on-request", action="store_true", help="wait for a line of standard input before each run")
    return parser.parse_args()


def measure(args, subject, version, run):
    """A JSON line a run. `run(steps)` makes the network anew and gives the seconds of its loop, and more numbers."""
    steps = round(args.seconds * 1000)
    for _ in range(args.repeat):
        if args.on_request:
            input()
        wall, more = run(steps)
        line = {"subject": subject, "version": version, "steps": steps, "us_per_step": round(wall * 1e6 / steps, 3)}
        print(json.dumps(line | more), flush=True)
