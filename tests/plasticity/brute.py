"""Plasticity, synapse by synapse and step by step, in NumPy: what every faster way has to give.

A rule is called here with plain numbers for one synapse at a time. Only the order of events is written out again:

1. all traces decay; 2. pre events of `axonal` steps ago and post events of `dendritic` steps ago are at the synapse;
3. `on_pre` and `on_post` in the order of the pairing, with traces as they were `axonal` and `dendritic` steps ago, before
that step's spikes; 4. traces count the step's spikes.
"""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np

from jaxsnn.plasticity.base import Before, PreFirst, Seen


def history(traces, spikes, v, dt):
    """For every step: traces before its spikes, by name; `spikes` (steps, n)."""
    n = spikes.shape[1]
    x = {name: np.asarray(trace.start(None if v is None else v[0], (n,), float)) for name, trace in traces.items()}
    kept = []
    for k in range(len(spikes)):
        old = SimpleNamespace(**x, v=None if v is None else v[k], spike=spikes[k])
        x = {name: np.asarray(trace.decay(x[name], old, dt)) for name, trace in traces.items()}
        kept.append(dict(x))
        x = {name: np.asarray(trace.spike(x[name], spikes[k])) for name, trace in traces.items()}
    return kept


def brute_force(chain, pairs, w0, pre_spikes, post_spikes, axonal, dendritic, dt, *, pre_v=None, post_v=None):
    """Weights after every step, and what every synapse sends, shapes `(steps, synapses)`. Chains of rules and bounds."""
    steps, w = len(pre_spikes), np.array(w0, float)
    seen = []
    for rule in chain.rules:
        pre = history(rule.pre_traces(), pre_spikes, pre_v, dt)
        post = history(rule.post_traces(), post_spikes, post_v, dt)
        seen.append((rule, pre, post))
    weights, sent = np.zeros((steps, len(w))), np.zeros((steps, len(w)))
    first = isinstance(chain.coincident, PreFirst)

    def limited(x):
        return float(chain.limit(jnp.asarray(x)))

    for k in range(steps):
        for s, (i, j) in enumerate(pairs):
            a, d = k - axonal[s], k - dendritic[s]
            x_of, y_of = [], []
            for rule, pre, post in seen:
                none = {name: np.zeros(1) for name in rule.pre_traces()}
                x = SimpleNamespace(
                    **{n: float(v[i]) for n, v in (pre[a] if a >= 0 else {}).items()} or dict.fromkeys(none, 0.0)
                )
                x.spike, x.v = (pre_spikes[a, i] if a >= 0 else 0.0), None if pre_v is None else pre_v[max(a, 0), i]
                y = SimpleNamespace(
                    **{n: float(v[j]) for n, v in (post[d] if d >= 0 else {}).items()}
                    or dict.fromkeys(rule.post_traces(), 0.0)
                )
                y.spike, y.v = (post_spikes[d, j] if d >= 0 else 0.0), None if post_v is None else post_v[max(d, 0), j]
                x_of.append(x), y_of.append(y)
            pre_event = [float(r.pre_event(x, dt)) if a >= 0 else 0.0 for (r, *_), x in zip(seen, x_of)]
            post_event = [float(r.post_event(y, dt)) if d >= 0 else 0.0 for (r, *_), y in zip(seen, y_of)]

            def on_pre(w):
                dw = sum(
                    e * float(r.on_pre(np.float64(w), Seen(x, y, {}, dt)))
                    for e, (r, *_), x, y in zip(pre_event, seen, x_of, y_of)
                )
                return limited(w + dw) if any(pre_event) else w

            def on_post(w):
                dw = 0.0
                for e, (r, *_), x, y in zip(post_event, seen, x_of, y_of):
                    if first:
                        traces = r.pre_traces()
                        x = SimpleNamespace(
                            **{n: float(t.spike(getattr(x, n), x.spike)) for n, t in traces.items()},
                            spike=x.spike,
                            v=x.v,
                        )
                    dw += e * float(r.on_post(np.float64(w), Seen(x, y, {}, dt)))
                return limited(w + dw) if any(post_event) else w

            before = w[s]
            for change in (on_pre, on_post) if first else (on_post, on_pre):
                if change is on_pre:
                    held = w[s]
                    w[s] = on_pre(w[s])
                    spike = pre_spikes[a, i] if a >= 0 else 0.0
                    sent[k, s] = spike * (held if isinstance(chain.sends, Before) else w[s])
                else:
                    w[s] = on_post(w[s])
            del before
        weights[k] = w
    return weights, sent
