"""The circuit of the event-driven oracle on a grid, and its loss as a library loss."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import random as jr

import jaxsnn as snn

KEY = jr.key(0)


def on_grid(circuit, dt, *, via, split=False):
    """The same circuit as a network: one population of LIF neurons and one of read-outs, delays of their own each.

    Every projection has room for the longest delay of all, so that circuits with the same ranges are one program.
    """
    cell, n = circuit.cell, len(circuit.cell.tau_m)
    hid, out = np.flatnonzero(np.isfinite(cell.v_th)), np.flatnonzero(~np.isfinite(cell.v_th))
    n_in = len(circuit.weight) - n
    senders = {"in": np.arange(n_in), "hid": n_in + hid}
    targets = {"hid": hid, "out": out}
    common = lambda at: dict(tau=cell.tau_m[at], v_rest=cell.v_rest[at], gain=snn.gains.Resistance(cell.r[at]))
    ports = lambda at: {"exc": snn.Exponential(cell.tau_s[at])}
    populations = {
        "in": snn.SpikeSource(n_in),
        "hid": snn.Population(
            snn.LIF(v_th=cell.v_th[hid], v_reset=cell.v_reset[hid], t_ref=cell.t_ref[hid], **common(hid)),
            len(hid),
            ports(hid),
        ),
        "out": snn.Population(snn.LI(**common(out)), len(out), ports(out)),
    }
    projections = {
        f"{pre}-{post}": snn.Connection(
            pre,
            post,
            snn.AllToAll(),
            via=via,
            weight=circuit.weight[np.ix_(senders[pre], targets[post])],
            delay=circuit.delay[np.ix_(senders[pre], targets[post])],
            max_delay=float(circuit.delay.max()),
        )
        for pre in senders
        for post in targets
    }
    net = snn.network(dt=dt, populations=populations, projections=projections, key=KEY)
    steps = round(circuit.end / dt)
    raster = np.zeros((steps, n_in))
    for t, i in circuit.inputs:
        raster[round(t / dt) - 1, i] += 1.0  # sent in the step that ends at t
    return net, snn.Replay(jnp.asarray(raster)[None], into="in"), steps


def as_oracle(gradient, circuit, part):
    """Gradients of a network of `on_grid` in the oracle's layout."""
    n_in = len(circuit.weight) - len(circuit.cell.tau_m)
    out = np.zeros_like(circuit.weight)
    for pre, rows in (("in", slice(0, n_in)), ("hid", slice(n_in, -1))):
        for post, columns in (("hid", slice(0, -1)), ("out", slice(-1, None))):
            block = np.asarray(getattr(gradient[f"{pre}-{post}"], part))
            out[rows, columns] = block.reshape(out[rows, columns].shape)
    return out


class OracleLoss(snn.losses.AbstractSummedLoss):
    """`example_loss` of the oracle: a function of spike times, and an integral over membranes."""

    spikes: jnp.ndarray = snn.param(1.0, unit="1")
    membrane: jnp.ndarray = snn.param(1.0, unit="1")
    dt: float = eqx.field(static=True, kw_only=True)

    def now(self, signals, target_t, t):
        time = (t + 1).astype(signals.spikes["hid"].dtype) * self.dt
        hid, out = signals.state["hid"]["v"], signals.state["out"]["v"]
        at_spikes = jnp.sum(signals.spikes["hid"] * jnp.sin(0.15 * time + jnp.arange(hid.shape[0], dtype=hid.dtype)))
        over_time = 0.01 * jnp.sum((hid - 0.3) ** 2) + 0.05 * jnp.sum((out - 0.3) ** 2)
        return self.spikes * at_spikes + self.membrane * self.dt * over_time
