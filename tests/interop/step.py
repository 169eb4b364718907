"""A plain interpreter of a graph of NIR, step after step, by forward Euler: it shares nothing with the library.

A neuron sees what its predecessors send in the same step; on an edge that closes a loop, what they sent in the last.
"""

import numpy as np


def run(graph, x, dt, late=()):
    """The outputs of every node in every step, `{name: (steps, ...)}`. `late`: edges on which a spike takes a step."""
    memory = {name: {} for name in graph.nodes}
    sent = dict.fromkeys(graph.nodes)
    out = {name: [] for name in graph.nodes}
    order = _order(graph, late)
    for row in x:
        before = dict(sent)
        for name in order:
            node = graph.nodes[name]
            if type(node).__name__ == "Input":
                sent[name] = row.reshape(node.input_type["input"])
            else:
                parts = [before[a] if (a, b) in late else sent[a] for a, b in graph.edges if b == name]
                sent[name] = _step(node, sum(p for p in parts if p is not None), memory[name], dt)
            out[name].append(np.asarray(sent[name]).reshape(-1))
    return {name: np.stack(rows) for name, rows in out.items()}


def _order(graph, late):
    left, order = dict(graph.nodes), []
    while left:
        ready = [n for n in left if not any(b == n and a in left and (a, b) not in late for a, b in graph.edges)]
        order += ready
        for name in ready:
            del left[name]
    return order


def _step(node, x, s, dt):
    kind = type(node).__name__
    if kind in ("Affine", "Linear"):
        return node.weight @ np.reshape(x, -1) + (node.bias if kind == "Affine" else 0.0)
    if kind == "Scale":
        return node.scale * x
    if kind == "Delay":
        queue = s.setdefault("queue", [])
        queue.append(x)
        steps = np.rint(node.delay / dt).astype(int)
        at = lambda i, k: queue[-1 - k].reshape(-1)[i] if k < len(queue) else 0.0
        return np.array([at(i, k) for i, k in enumerate(steps.reshape(-1))])
    if kind == "Flatten":
        return np.reshape(x, -1)
    if kind == "Conv1d":
        n = x.shape[1] + 2 * node.padding
        padded = np.zeros((x.shape[0], n))
        padded[:, node.padding : n - node.padding] = x
        taps = node.weight.shape[2]
        places = range(0, n - node.dilation * (taps - 1), node.stride)
        cut = lambda p: padded[:, p : p + node.dilation * (taps - 1) + 1 : node.dilation]
        return np.array([[np.sum(w * cut(p)) + b for p in places] for w, b in zip(node.weight, node.bias)])
    if kind in ("SumPool2d", "AvgPool2d"):
        (kh, kw), (sh, sw) = node.kernel_size, node.stride
        _, h, w = x.shape
        over = np.sum if kind == "SumPool2d" else np.mean
        rows, columns = range(0, h - kh + 1, sh), range(0, w - kw + 1, sw)
        return np.array([[[over(c[i : i + kh, j : j + kw]) for j in columns] for i in rows] for c in x])
    if kind == "Threshold":
        return (x > node.threshold) * 1.0
    if kind == "Output":
        return x
    return _neuron(kind, node, x, s, dt)


def _neuron(kind, node, x, s, dt):
    rest = getattr(node, "v_leak", 0.0)
    v = s.get("v", np.zeros(np.shape(x)) + rest)
    if kind in ("I", "IF"):
        v = v + dt * node.r * x
    elif kind in ("LI", "LIF"):
        v = v + dt / node.tau * (rest - v + node.r * x)
    else:
        i = s.get("i", np.zeros(np.shape(x)))
        s["i"] = i = i + dt / node.tau_syn * (-i + node.w_in * x)
        v = v + dt / node.tau_mem * (rest - v + node.r * i)
    s["v"] = v
    if not hasattr(node, "v_threshold"):
        return v
    fired = v > node.v_threshold
    s["v"] = np.where(fired, node.v_reset, v)
    return fired * 1.0
