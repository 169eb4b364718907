"""The Poisson source program of sPyNNaker 7.4.1, as it is shipped, run in an emulated ARM core: spinnaker/poisson.npz.

Its own routines read the host's numbers and step; a stub stands in for the memory allocator, the log and the question
whether the run is over, and packets are read where the program writes them to the communications controller. Addresses
are those of this one file. Run from the repository root, in an environment with `spynnaker==1!7.4.1` (only its file is
read: `pip install --no-deps`) and `unicorn` 2.1:

    python tests/oracles/spinnaker_poisson.py
"""

import hashlib
import importlib.util
import struct
from pathlib import Path

import numpy as np
from unicorn import UC_ARCH_ARM, UC_HOOK_CODE, UC_HOOK_MEM_WRITE, UC_MODE_ARM, Uc
from unicorn import arm_const as arm

SHA256 = "f2ee61b95408b01b6cc0f718d0aaed194b44395f633e8bf3c1af4e6fc7c593a8"
PROGRAM = Path(importlib.util.find_spec("spynnaker").origin).parent / "pyNN/model_binaries/spike_source_poisson.aplx"
GOLDEN = Path(__file__).parents[1] / "golden" / "spinnaker" / "poisson.npz"

COMMS, STATUS_FREE = 0x20000000, 1 << 28
DTCM, SDRAM, HEAP, HALT = 0x400000, 0x60000000, 0x60100000, 0xF0000000
GLOBALS = 0x4000EC  # where the program keeps its variables, and how far in:
SEED, RATE_CHANGES, SOURCES, TIME, INPUTS = 0x2C, 0x3C, 0x4C, 0x50, 0x5C
READ_GLOBALS, EXPAND_RATES, READ_RATES, TIMER = 0x464, 0x6F0, 0x193C, 0xAC8
SET_RATE, SQUARE_ROOT, NORMAL, EXPONENTIAL_FOUND = 0x894, 0x3544, 0x3124, 0xA14
ALLOCATE, PRINT, IS_FINISHED = 0x3E30, 0x4188, 0x2A64
FOREVER = float(2**32 - 1)
_ARGUMENTS = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2)


class Core:
    """A core with the program loaded."""

    def __init__(self):
        image = PROGRAM.read_bytes()
        if hashlib.sha256(image).hexdigest() != SHA256:
            raise ValueError("another release of the program, whose addresses differ")
        self.cpu, self.heap, self.sent, self.found = Uc(UC_ARCH_ARM, UC_MODE_ARM), HEAP, [], []
        for start, size in ((0, 2**16), (DTCM, 2**16), (SDRAM, 2**21), (COMMS, 2**12), (HALT, 2**12)):
            self.cpu.mem_map(start, size)
        at = 0
        while (record := struct.unpack_from("<4I", image, at))[0] != 4:  # until the record that starts the program
            kind, to, a, b = record
            self.cpu.mem_write(to, image[at + a : at + a + b] if kind == 2 else bytes(a))
            at += 16
        self.write(COMMS, STATUS_FREE)
        for address, stub in ((ALLOCATE, self._allocate), (PRINT, self._zero), (IS_FINISHED, self._zero)):
            self.cpu.hook_add(UC_HOOK_CODE, stub, begin=address, end=address)
        self.cpu.hook_add(UC_HOOK_CODE, self._exponential, begin=EXPONENTIAL_FOUND, end=EXPONENTIAL_FOUND)
        self.cpu.hook_add(UC_HOOK_MEM_WRITE, self._packet, begin=COMMS, end=COMMS + 12)

    def write(self, address, *words):
        self.cpu.mem_write(address, struct.pack(f"<{len(words)}I", *(int(x) % 2**32 for x in words)))

    def read(self, address, count=1):
        return struct.unpack(f"<{count}I", self.cpu.mem_read(address, 4 * count))

    def _return(self, value):
        self.cpu.reg_write(arm.UC_ARM_REG_R0, value)
        self.cpu.reg_write(arm.UC_ARM_REG_PC, self.cpu.reg_read(arm.UC_ARM_REG_LR))

    def _allocate(self, *_):
        size, given = self.cpu.reg_read(arm.UC_ARM_REG_R0), self.heap
        self.heap += (size + 7) & ~7
        self._return(given)

    def _zero(self, *_):
        self._return(0)

    def _exponential(self, *_):
        self.found.append(self.cpu.reg_read(arm.UC_ARM_REG_R0))

    def _packet(self, _, access, address, size, value, data):
        if address == COMMS + 4:
            self.payload = value
        if address == COMMS + 8:
            self.sent.append((value, self.payload))
            self.write(COMMS, STATUS_FREE)

    def call(self, function, *arguments):
        for place, value in zip(_ARGUMENTS, arguments, strict=False):
            self.cpu.reg_write(place, int(value) % 2**32)
        self.cpu.reg_write(arm.UC_ARM_REG_SP, DTCM + 0xF000)
        self.cpu.reg_write(arm.UC_ARM_REG_LR, HALT)
        self.cpu.reg_write(arm.UC_ARM_REG_CPSR, 0xD3)
        self.cpu.emu_start(function, HALT)
        return self.cpu.reg_read(arm.UC_ARM_REG_R0)

    def load(self, seed, rate, start, duration, dt):
        """Sources as the host describes them: words of `global_parameters`, then a rate, start and duration each."""
        n, wide = len(rate), lambda x: divmod(int(np.round(np.float64(x) * 2.0**32)), 2**32)[::-1]
        per_step, per_ms = round(2**32 * dt * 1e-3), round(2**16 / dt)
        self.write(
            SDRAM, 1, 0, per_step, per_ms, round(2**16 * 0.01), 10 * 2**16, 0, n, 1000, 0, *seed, *range(n)
        )  # fmt: skip
        self.call(READ_GLOBALS, SDRAM)
        listed = [x for one in zip(rate, start, duration, strict=True) for x in (1, 1, 0, *sum(map(wide, one), ()))]
        self.write(SDRAM + 0x10000, 1, n, *listed)
        self.call(EXPAND_RATES, SDRAM + 0x10000, SDRAM + 0x40000)
        self.write(GLOBALS + INPUTS, SDRAM + 0x8000)  # no input over shared memory
        self.write(GLOBALS + RATE_CHANGES, SDRAM + 0x8100)  # none
        self.write(SDRAM + 0x8100, 15, 0, 0)
        self.call(READ_RATES, SDRAM + 0x40000, 1, 0)
        self.write(GLOBALS + TIME, 2**32 - 1)
        self.n = n
        return self

    @property
    def sources(self):
        """Start, end, next change, fast or not, exp(-lambda), sqrt(lambda), interval, time to the next spike."""
        return np.array(self.read(self.read(GLOBALS + SOURCES)[0], 8 * self.n), np.uint32).reshape(self.n, 8)

    @property
    def seed(self):
        return self.read(GLOBALS + SEED, 4)

    def step(self):
        self.sent = []
        self.call(TIMER, 0, 0)
        counts = np.zeros(self.n, np.uint16)
        for key, count in self.sent:
            counts[key] = count
        return counts

    def run(self, steps):
        return np.array([self.step() for _ in range(steps)])


def alone(seed, rate, steps, dt=1.0):
    return Core().load(seed, [rate], [0.0], [FOREVER], dt)


STEPS = 4096
SEEDS = np.array([(123456789, 987654321, 43219876, 6543217), (4026531841, 13031301, 0, 1)], np.uint32)
rng, found = np.random.default_rng(0), {"seeds": SEEDS}

core, uniform = alone(SEEDS[0], 20_000.0, STEPS), np.zeros(STEPS, np.uint32)  # one draw a step
for k in range(STEPS):
    core.step()
    uniform[k] = sum(core.seed[:3]) % 2**32
found["uniform"], found["uniform end"] = uniform, np.array(core.seed, np.uint32)

core, times = alone(SEEDS[1], 1.0, STEPS), np.zeros(STEPS, np.uint32)
core.found = []
for k in range(STEPS):
    core.call(SET_RATE, 0, 2**16)
    times[k] = core.sources[0, 7]
found["exponential"], found["time to spike"] = np.array(core.found, np.uint32), times
found["exponential end"] = np.array(core.seed, np.uint32)

found["poisson rates"] = np.array([15.0, 100.0, 1000.0, 5000.0, 9999.0, 10000.0, 16000.0, 65535.0])
cores = [alone(SEEDS[k % 2], rate, STEPS) for k, rate in enumerate(found["poisson rates"])]
found["poisson"] = np.stack([one.run(STEPS)[:, 0] for one in cores], axis=1).astype(np.uint8)
found["poisson end"] = np.array([one.seed for one in cores], np.uint32)

table = np.array([core.call(NORMAL, x) for x in range(-(2**15), 2**15)], np.uint32).astype(np.int32)
found["normal first"], found["normal steps"] = table[0], np.diff(table)

squares = 2 * np.arange(405, 2**15) ** 2  # whose roots are numbers with 15 binary places
others = rng.integers(10 * 2**15, 2**31, 4000)
root = lambda y: np.array([core.call(SQUARE_ROOT, 2 * int(x)) // 2 for x in y])
found["exact roots are short"] = np.packbits(root(squares) < np.arange(405, 2**15) << 8)
found["squares"], found["roots"] = others.astype(np.int32), root(others).astype(np.int32)

DTS = (1.0, 0.1, 0.5)
registers, given = [], np.concatenate([[0.0, 1e-5, 2e-5, 3e-5, 9.99, 10.0, 1e4], 10 ** rng.uniform(-3, 4.8, 393)])
starts, lengths = (rng.integers(0, 10**5, given.size).astype(float) for _ in range(2))
for dt in DTS:
    core = Core().load(SEEDS[0], given, starts * dt, lengths * dt, dt)
    registers.append(core.sources)
found |= {"dt": DTS, "rates": given, "starts": starts, "lengths": lengths, "registers": np.array(registers)}

for k, dt in enumerate(DTS):  # cores with sources of all three kinds, and pauses
    n = (30, 33, 64)[k]
    rate = np.minimum(10 ** rng.uniform(0, 4.2, n) / dt, 65_000.0)
    rate[:3] = 0.0, 5.0 / dt, min(12_000.0 / dt, 65_000.0)
    start = np.where(rng.random(n) < 0.5, 0.0, rng.integers(0, 800, n)) * dt
    length = np.where(rng.random(n) < 0.5, FOREVER, rng.integers(100, 900, n) * dt)
    core = Core().load(SEEDS[k % 2], rate, start, length, dt)
    found |= {f"core{k} rate": rate, f"core{k} start": start, f"core{k} length": length}
    found |= {f"core{k} first": core.sources, f"core{k} sent": core.run(1000).astype(np.uint8)}
    found |= {f"core{k} last": core.sources, f"core{k} end": np.array(core.seed, np.uint32)}

np.savez_compressed(GOLDEN, **found)
print({key: np.shape(x) for key, x in found.items()}, GOLDEN.stat().st_size)
