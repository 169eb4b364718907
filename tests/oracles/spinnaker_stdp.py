"""Pair STDP of SpiNNaker in whole numbers of Python, a synapse at a time, as the specification reads.

Tests import it; `spinn_stdp.npz` says whether it is right.
"""

from tests.oracles.spinnaker_core import times as product

KEPT = 15


def floor16(a, b):
    return a * b >> 11


def wrapped16(x):
    return (x + 2**15) % 2**16 - 2**15


def at(table, k):
    return int(table[k]) if 0 <= k < len(table) else 0


class Row:
    """A sender's synapses `(receiver, delay)`, and what their receivers did."""

    def __init__(self, weights, receivers, delays, shift, rule, additive, backprop, multiply=floor16):
        self.w, self.synapses = [int(w) for w in weights], list(zip(receivers, delays, strict=True))
        self.shift, self.rule, self.additive, self.backprop = shift, rule, additive, backprop
        self.last, self.trace, self.past, self.multiply = 0, 0, {}, multiply

    def post(self, t, j):
        past = self.past.setdefault(int(j), [])
        last, trace = past[-1] if past else (0, 0)
        new = self.multiply(trace, at(self.rule["tau_minus"], t - last)) + 2048
        self.past[int(j)] = [*past, (t, wrapped16(new))][-KEPT:]

    def pre(self, t):
        """The weights that the spike carries."""
        for k, (j, delay) in enumerate(self.synapses):
            self.w[k] = self._changed(self.w[k], self.past.get(int(j), []), int(delay) if self.backprop else 0, t)
        new = self.multiply(self.trace, at(self.rule["tau_plus"], t - self.last)) + 2048
        self.last, self.trace = t, wrapped16(new)
        return list(self.w)

    def _changed(self, w, past, d, t):
        r, w = self.rule, w << self.shift
        begin, end = max(self.last - d, 0), max(t - d, 0)
        known = [spike for spike in past if spike[0] <= end]
        for p, _ in known:
            if p > begin:
                by = self.multiply(self.trace, at(r["tau_plus"], p + d - self.last)) << 4
                if self.additive:
                    w = min(w + product(r["a_plus"], by), r["w_max"])
                else:
                    w += product(product(r["w_max"] - w, r["a_plus"]), by)
        if known:
            p, y = known[-1]
            by = self.multiply(y, at(r["tau_minus"], t - p - d)) << 4
            if self.additive:
                w = max(w - product(r["a_minus"], by), r["w_min"])
            else:
                w -= product(product(w - r["w_min"], r["a_minus"]), by)
        return (w >> self.shift) & 0xFFFF
