"""Plasticity, synapse by synapse and step by step, with plain numbers: what every faster way has to give.

Only the order of events is written out again; a rule is called for one synapse at a time. In every step

1. traces decay; 2. events of `axonal` steps ago of the sending neuron, and of `dendritic` steps ago of the receiving
one, are at the synapse, with traces as they were then, before the spikes of that step; 3. `on_pre` and `on_post` run in
the order of the pairing; 4. traces count the spikes of the step.
"""

import itertools
from types import SimpleNamespace

import numpy as np

from jaxsnn.plasticity.base import ClipWholeChange, PreBeforePost, SynapseContext, WeightBeforeUpdate


def history(traces, spikes, v, dt):
    """The traces of one side in every step, before its spikes: a list of `{name: (n,)}`."""
    n, kept = spikes.shape[1], []
    x = {name: np.asarray(trace.start(v[0], (n,), float)) for name, trace in traces.items()}
    for now, membrane in zip(spikes, v, strict=True):
        old = SimpleNamespace(**x, v=membrane, spike=now)
        x = {name: np.asarray(trace.decay(x[name], old, dt)) for name, trace in traces.items()}
        kept.append(x)
        x = {name: np.asarray(trace.spike(x[name], now)) for name, trace in traces.items()}
    return kept


class OneSide:
    """What one rule is told of one side, at any step and neuron."""

    def __init__(self, rule, side, spikes, v, dt):
        self.traces = getattr(rule, f"{side}_traces")()
        self.spikes, self.v = spikes, v
        self.kept = history(self.traces, spikes, v, dt)
        seen = (SimpleNamespace(**x, spike=s, v=u) for x, s, u in zip(self.kept, spikes, v, strict=True))
        self.events = [np.asarray(getattr(rule, f"{side}_event")(now, dt)) for now in seen]

    def at(self, step, neuron):
        """`(seen, by how much it counts)`; nothing has happened before the first step."""
        if step < 0:
            v = self.v[0, neuron]
            x = {name: float(trace.start(v, (), float)) for name, trace in self.traces.items()}
            return SimpleNamespace(**x, spike=0.0, v=v), 0.0
        x = {name: x[neuron] for name, x in self.kept[step].items()}
        seen = SimpleNamespace(**x, spike=self.spikes[step, neuron], v=self.v[step, neuron])
        return seen, float(self.events[step][neuron])

    def counted(self, seen):
        """The same with the spikes of the step in the traces."""
        x = {name: float(trace.spike(getattr(seen, name), seen.spike)) for name, trace in self.traces.items()}
        return SimpleNamespace(**x, spike=seen.spike, v=seen.v)


def brute_force(chain, pairs, w0, pre, post, pre_v, post_v, axonal, dendritic, dt):
    """Weights after every step and what every synapse sends, shapes `(steps, synapses)`, for rules and bounds."""
    weights, sent = np.zeros((2, len(pre), len(pairs)))
    before, first = isinstance(chain.sends, WeightBeforeUpdate), isinstance(chain.coincident_pairs, PreBeforePost)
    told = [
        (rule, OneSide(rule, "pre", pre, pre_v, dt), OneSide(rule, "post", post, post_v, dt)) for rule in chain.rules
    ]
    for s, (i, j) in enumerate(pairs):
        w = np.float64(w0[s])
        for k in range(len(pre)):
            a, d = k - axonal[s], k - dendritic[s]

            def changed(w, side, counted, a=a, d=d, i=i, j=j):
                asked = []
                for rule, ours, theirs in told:
                    (x, at_pre), (y, at_post) = ours.at(a, i), theirs.at(d, j)
                    event = at_pre if side == "pre" else at_post
                    if event != 0.0:
                        x = ours.counted(x) if counted else x
                        change = getattr(rule, f"on_{side}")(w, SynapseContext(x, y, {}, dt))
                        terms = change if isinstance(change, tuple) else (change,)
                        asked.append([event * float(term) for term in terms])
                if isinstance(chain.clips, ClipWholeChange):
                    asked = [[sum(terms)] for terms in asked]
                for terms in itertools.zip_longest(*asked, fillvalue=0.0):
                    w = np.float64(chain.limit(np.float64(w + sum(terms))))
                return w

            if not first:
                w = changed(w, "post", False)
            old, w = w, changed(w, "pre", False)
            if a >= 0:
                sent[k, s] = pre[a, i] * (old if before else w)
            if first:
                w = changed(w, "post", True)
            weights[k, s] = w
    return weights, sent
