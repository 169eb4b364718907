"""Xylo's step in NumPy int64, one spike and one neuron at a time, written as a specification: nothing is fast here."""

import numpy as np

LOW, HIGH = -(2**15), 2**15 - 1
MOST = {"in": 15, "hidden": 31, "out": 1}  # spikes a step


def sat(x):
    return np.clip(x, LOW, HIGH)


def decayed(x, dash):
    """`x` less `x / 2^dash`, rounded down, and at least 1 towards zero."""
    lost = x >> dash
    return x - np.where(lost == 0, np.sign(x), lost)


def int16(x):
    return (x + 2**15) % 2**16 - 2**15


def membrane(v, i, dash, bias, version):
    """`v` before the threshold; `i` has decayed already."""
    if version == 1:
        return sat(decayed(v, dash) + i)
    dv = sat(int16(decayed(v, dash) - v) + i)
    return sat(v + (dv if bias is None else sat(dv + bias)))


def run(net, x, *, version, most=MOST, decay_first=True, order=None):
    """Every state after each step, by name, under input counts `x` (steps, inputs).

    `net`: `w_in` (synapses, inputs, hidden), `w_rec` (synapses, hidden, hidden), `w_out` (hidden, outputs), `shift` of
    the three, `vth`, `vth_out`, `bias`, `bias_out` (None: none), `dash_mem`, `dash_mem_out`, `dash_syn` (hidden,
    synapses), `dash_syn_out` (outputs, 1), `alias` (-1: none).

    For negative controls: `most` of other limits, currents that decay after they are seen, another `order` of senders.
    """
    n, m = net["vth"].size, net["vth_out"].size
    i, v = np.zeros((2, n), np.int64), np.zeros(n, np.int64)
    io, vo, spikes = np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(n, np.int64)
    out = {key: [] for key in ("o", "v", "i", "i2", "vo", "io", "s")}
    bias, bias_out = net.get("bias"), net.get("bias_out")
    rows = np.concatenate([net["w_in"] << net["shift"][0], net["w_rec"] << net["shift"][1]], axis=1)
    rows_out = net["w_out"] << net["shift"][2]
    order = np.arange(rows.shape[1]) if order is None else order
    for counts in x:
        sent = np.concatenate([np.minimum(counts, most["in"]), spikes])
        for k in order:
            for _ in range(sent[k]):
                i = sat(i + rows[:, k])
        for k in range(n):
            for _ in range(spikes[k]):
                io = sat(io + rows_out[k])
        seen, seen_out = i.sum(axis=0), io
        i, io = decayed(i, net["dash_syn"].T), decayed(io, net["dash_syn_out"][:, 0])
        if decay_first:
            seen, seen_out = i.sum(axis=0), io
        v, spikes = v.copy(), np.zeros(n, np.int64)
        for k in range(n):
            v[k] = membrane(v[k], seen[k], net["dash_mem"][k], None if bias is None else bias[k], version)
            here = 0
            while v[k] >= net["vth"][k] and spikes[k] + here < most["hidden"]:
                v[k], here = v[k] - net["vth"][k], here + 1
            spikes[k] += here
            if (to := net["alias"][k]) >= 0:
                spikes[to] = min(most["hidden"], spikes[to] + spikes[k])
        vo = membrane(vo, seen_out, net["dash_mem_out"], bias_out, version)
        o = np.zeros(m, np.int64)
        for _ in range(most["out"]):
            fires = vo >= net["vth_out"]
            vo, o = vo - np.where(fires, net["vth_out"], 0), o + fires
        for key, now in dict(o=o, v=v, i=i[0], i2=i[1], vo=vo, io=io, s=spikes).items():
            out[key].append(now.copy())
    return {key: np.stack(each) for key, each in out.items()}
