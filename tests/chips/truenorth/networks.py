"""Networks whose numbers a core holds exactly, and what they do, in NumPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

tn = snn.chips.truenorth
SENDERS, STEPS = 12, 150
KEY = jax.random.key(0)


def cells():
    """A leak that reverses and a floor; subtraction, a bias and given starts; units without memory."""
    still = dict(tau=jnp.inf, gain=snn.gains.PerStep())
    lif = snn.LIF(**still, v_th=12.0, v_reset=2.0, bias=1.0, reset_mechanism=snn.resets.Subtract())
    return {
        "a": snn.Population(tn.LinearLeakIF(v_th=9.0, leak=-1.0, reversal=True, floor=20.0), 20),
        "b": snn.Population(lif, 8, init={"v": jnp.arange(8.0)}),
        "u": snn.Population(tn.ThresholdUnit(bias=-2.5), 6),
    }


DELAYS = {("in", "a"): 1, ("a", "b"): 4, ("a", "u"): 2, ("b", "a"): 3, ("a", "a"): 5}


def weights(low, high):
    rng, sizes = np.random.default_rng(3), {"in": SENDERS, "a": 20, "b": 8, "u": 6}
    return {ends: rng.integers(low, high + 1, [sizes[end] for end in ends]) for ends in DELAYS}


def network(w):
    """All groups of `cells`, with loops, and delays of 1 to 5 steps."""
    links = {
        f"{pre}-{post}": snn.Connection(
            pre, post, snn.AllToAll(), via=snn.Dense(), weight=jnp.asarray(x, jnp.float32), delay=float(d)
        )
        for ((pre, post), d), x in zip(DELAYS.items(), w.values(), strict=True)
    }
    return snn.network(dt=1.0, key=KEY, populations={"in": snn.SpikeSource(SENDERS), **cells()}, projections=links)


def raster(n=SENDERS, p=0.3, steps=STEPS):
    return (np.random.default_rng(4).random((steps, n)) < p).astype(np.float32)


def by_numpy(w, x):
    """Spikes of `network(w)` by group, `(steps, n)`, one equation at a time."""
    n = {name: cell.n for name, cell in cells().items()}
    v = {"a": np.zeros(20), "b": np.arange(8.0)}
    sent = {"in": x, **{name: np.zeros((len(x), k)) for name, k in n.items()}}
    for t in range(len(x)):
        arrived = {name: np.zeros(k) for name, k in n.items()}
        for (pre, post), d in DELAYS.items():
            if t >= d:
                arrived[post] += sent[pre][t - d] @ w[pre, post]
        a = v["a"] + arrived["a"]
        a -= np.sign(a)
        sent["a"][t] = a >= 9
        v["a"] = np.where(a >= 9, 0, np.maximum(a, -20))
        b = v["b"] + 1 + arrived["b"]
        sent["b"][t] = b >= 12
        v["b"] = b - 10 * (b >= 12)
        sent["u"][t] = arrived["u"] - 2.5 >= 0
    return {name: sent[name].astype(int) for name in n}


def spikes(model, x):
    """Spikes by group."""
    names = [name for name in model.sizes if name != "in"]
    run = snn.simulate(
        model,
        snn.Replay(jnp.asarray(x), into="in"),
        steps=len(x),
        key=KEY,
        record={name: snn.Raster(name) for name in names},
        progress=snn.simulation.Quiet(),
    )
    return {name: np.asarray(run[name].dense()).astype(int) for name in names}


def placed_by_numpy(program, x):
    """Spikes of a program by group, from its registers: nothing is random, and negative thresholds saturate."""
    cores = {name: cells for name, cells in program.cells.items() if name != "in"}
    matrix, read = {}, {}
    for name, cells in cores.items():
        number = lambda key, cells=cells: np.asarray(getattr(cells, key)).astype(int)
        axon = np.repeat(np.arange(cells.axons), np.diff(number("start")))
        matrix[name] = np.zeros((cells.axons, cells.n), int)
        matrix[name][axon, number("receiver")] = number("weight")[number("axon_type")[axon], number("receiver")]
        assert np.all(number("saturates") == 1)
        keys = ("v_start", "leak", "reversal", "threshold", "negative", "reset", "reset_mode")
        read[name] = {key: number(key) for key in keys}
    words = {name: np.zeros((len(x) + 16, cells.axons), int) for name, cells in cores.items()}
    v = {name: np.broadcast_to(one["v_start"], cores[name].n) for name, one in read.items()}
    sent = {"in": x.astype(int), **{name: np.zeros((len(x), cells.n), int) for name, cells in cores.items()}}
    for t in range(len(x)):
        for name, one in read.items():
            now = v[name] + (words[name][t] > 0) @ matrix[name]
            now = now + np.where(one["reversal"] == 1, np.sign(now), 1) * one["leak"]
            fires = now >= one["threshold"]
            after = np.choose(one["reset_mode"], [one["reset"], now - one["threshold"], now])
            v[name] = np.where(fires, after, np.maximum(now, -one["negative"]))
            sent[name][t] = fires
        for routes in program.synapses.values():
            axon = np.asarray(routes.axon)
            tick = np.broadcast_to(np.asarray(routes.tick), axon.shape)
            goes = (axon >= 0) & (sent[routes.pre][t].reshape(-1, *[1] * (axon.ndim - 1)) > 0)
            np.add.at(words[routes.post], (t + tick[goes], axon[goes]), 1)
    assert max(word.max() for word in words.values()) == 1  # no spike is lost at an axon
    return sent


def differing(program, mine, want):
    """Entries of the groups' spikes that are not the model's, each group as late as it is."""
    lags = dict(program.lags)
    return {name: int(np.sum(mine[name][lags[name] :] != w[: len(w) - lags[name]])) for name, w in want.items()}


@functools.cache
def mixed(high):
    """Weights, inputs and spikes with weights of 4 bits (high = 7) or -1, 0, 1."""
    w, x = weights(-8 if high == 7 else -1, high), raster()
    return w, x, by_numpy(w, x)
