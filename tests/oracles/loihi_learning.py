"""The learning engine of Lava 0.10 in NumPy: int64 registers, float64 decays, Lava's random generators.

Written from the description of the arithmetic (`bit_approximate_loihi`), on matrices of shape `(pre, post)`; it shares
nothing with `jaxsnn`, and reads rules that are parsed already. `lava_learning.py` compares it with Lava.
"""

import numpy as np

WIDTH = {"x0": 1, "y0": 1, "x1": 7, "x2": 7, "y1": 7, "y2": 7, "y3": 7, "w": 9, "t": 9, "d": 9}
LIMITS = {"t": (-257, 255), "d": (0, 255)}
WEIGHTS = {"mixed": (-256, 255), "excitatory": (0, 255), "inhibitory": (-255, 0)}
TRACES = ("x1", "x2", "y1", "y2", "y3")


class Randoms:
    """A generator for decays and one for impulses a side, and one for synapses; each has drawn once."""

    def __init__(self, seed):
        sides = (("x", 0), ("y", 2))
        self.floats = {side: np.random.default_rng(seed + k) for side, k in sides}
        self.integers = {side: np.random.default_rng(seed + k + 1) for side, k in sides}
        self.weights = np.random.default_rng(2)
        self.advance()
        self.synapse = self.weights.random(1)[0]

    def advance(self):
        self.decay = {side: rng.random(1)[0] for side, rng in self.floats.items()}
        self.impulse = {side: rng.integers(0, 128, size=1, dtype=int)[0] for side, rng in self.integers.items()}


class Engine:
    """`rules`: variable to a list of `(dependency, mantissa, exponent, [(variable, constant, is_sign)])`.

    `traces`: name to `(impulse, tau)`; `received`: the names of traces that come from outside.
    """

    def __init__(self, rules, traces, weight, *, tag=0, delay=0, epoch, seed, sign="mixed", received=()):
        shape = weight.shape
        self.rules, self.epoch, self.received, self.randoms = rules, epoch, received, Randoms(seed)
        self.synapse = {"w": weight.astype(np.int64)}
        self.synapse |= {k: np.broadcast_to(v, shape).astype(np.int64) for k, v in (("t", tag), ("d", delay))}
        self.limits = {"w": WEIGHTS[sign], **LIMITS}
        self.impulse = {k: traces.get(k, (0.0, 0.0))[0] for k in TRACES}
        self.tau = {k: traces.get(k, (0.0, 0.0))[1] for k in TRACES}
        self.trace = {k: np.zeros(shape[k[0] == "y"], np.int64) for k in TRACES}
        self.fired = {"x": np.zeros(shape[0], np.int64), "y": np.zeros(shape[1], np.int64)}
        self.t = 0

    def add(self, name, value, random):
        whole = np.floor(self.impulse[name])
        part = np.round((self.impulse[name] - whole) * 256)
        return np.clip(value + int(whole) + int(random < part), 0, 127)

    def step(self, pre, post, received=None):
        self.t += 1
        now = (self.t - 1) % self.epoch + 1
        for side, spikes in (("x", pre), ("y", post)):
            again = spikes & (self.fired[side] > 0)
            random = 0 if side == "x" else None
            if side == "y":
                self.randoms.advance()
                random = self.randoms.impulse["y"]
            for name in TRACES:
                if name[0] == side:
                    value = self.trace[name]
                    self.trace[name] = np.where(again, self.add(name, value, random), value)
            self.fired[side] = np.where(spikes, now, self.fired[side])
        for name in self.received:
            self.trace[name] = received[name].astype(np.int64)
        self.randoms.advance()
        if now == self.epoch:
            self.learn()

    def history(self, name):
        """Row q: the trace in step q of the epoch; row 0: before it."""
        value, tau, side = self.trace[name], self.tau[name], name[0]
        rows = [value]
        for q in range(1, self.epoch + 1):
            exact = np.exp(-1.0 / tau) * value if tau else np.zeros(len(value))
            value = np.floor(exact).astype(np.int64) + (self.randoms.decay[side] < exact % 1)
            value = np.where(self.fired[side] == q, self.add(name, value, self.randoms.impulse[side]), value)
            rows.append(value)
        return np.array(rows)

    def learn(self):
        self.randoms.synapse = self.randoms.weights.random(1)[0]
        rows = {name: self.history(name) for name in TRACES}
        n_pre, n_post = self.synapse["w"].shape
        new = {}
        for variable, products in self.rules.items():
            total = self.synapse[variable] << 7
            for dependency, mantissa, exponent, factors in products:
                product, bits = np.zeros((n_pre, n_post), np.int64), 4 + sum(WIDTH[f[0]] for f in factors)
                for i in range(n_pre):
                    for j in range(n_post):
                        product[i, j] = self.product(dependency, mantissa, factors, rows, i, j)
                product = (product >> max(0, bits - 15)) << (exponent + 7)
                total = np.clip(total + np.clip(product, -(2**15) - 1, 2**15 - 1), -(2**15) - 1, 2**15 - 1)
            part = total / 128
            value = np.floor(part).astype(np.int64) + (self.randoms.synapse < part % 1)
            new[variable] = np.clip(value, *self.limits[variable])
        self.synapse |= new
        for name in TRACES:
            if name not in self.received:
                self.trace[name] = rows[name][-1]
        self.fired = {side: np.zeros_like(fired) for side, fired in self.fired.items()}

    def product(self, dependency, mantissa, factors, rows, i, j):
        """The product of one synapse, before any shift."""
        fired = {"x": self.fired["x"][i], "y": self.fired["y"][j]}
        if dependency[0] == "u":
            gate, when = self.t // self.epoch % 2 ** int(dependency[1:]) == 0, self.epoch
        else:
            gate, when = fired[dependency[0]] > 0, fired[dependency[0]]
        value = int(gate) * mantissa
        for name, constant, is_sign in factors:
            if name in self.synapse:
                factor = int(self.synapse[name][i, j])
            elif name in ("x0", "y0"):
                factor = int(fired[name[0]] > 0)
            else:
                factor = int(rows[name][when, i if name[0] == "x" else j])
            factor += constant
            factor = int(np.sign(factor)) if is_sign else factor
            value *= min(max(factor, -(2 ** WIDTH[name])), 2 ** WIDTH[name] - 1)
        return value
