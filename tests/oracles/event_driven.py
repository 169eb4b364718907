"""An event-driven network of LIF neurons with exponential currents, and the exact gradient of a loss on it.

NumPy and float64, no time step: between events membranes and currents are closed forms, a threshold crossing is a root.
It is what `EventProp` on the grid must converge to, and is itself held to its own finite differences.

    tau_m v' = -(v - v_rest) + R i,   tau_s i' = -i,   i_j += w_ij at t_i + d_ij,
    v_j = v_th: v_j <- v_reset, held for t_ref.

The loss is `sum_k at_spike(neuron, t_k) + int membrane(v(t)) dt`; the adjoint follows Wunderlich and Pehle (2021), with
delays and with a refractory period: a spike that comes later by `dt` releases the membrane later by `dt`.
"""

import heapq
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

NODES, WEIGHTS = np.polynomial.legendre.leggauss(10)
PIECE = 2.0  # ms: ten nodes on a piece this long integrate what decays in a few ms to rounding


class Cell(NamedTuple):
    """Parameters, each of shape `(n,)`; a read-out has `v_th = inf`."""

    tau_m: Any
    tau_s: Any
    v_rest: Any
    v_th: Any
    v_reset: Any
    t_ref: Any
    r: Any

    def of(self, j):
        return Cell(*(float(x[j]) for x in self))


class Circuit(NamedTuple):
    """`weight`, `delay` (ms), `exists`: shape `(n_in + n, n)`, senders are the inputs, then the neurons."""

    cell: Cell
    weight: np.ndarray
    delay: np.ndarray
    exists: np.ndarray
    inputs: list  # (time, input)
    end: float


class Loss(NamedTuple):
    """`at_spike(j, t) -> (value, derivative by t)`; `membrane(j, v) -> (value per ms, derivative by v)`."""

    at_spike: Any
    membrane: Any


class Event(NamedTuple):
    """What happens to one neuron, and the smooth stretch that it ends."""

    kind: str  # "arrival", "spike", "release", "end"
    j: int
    t0: float
    t1: float
    v0: float
    i0: float
    held: bool
    v: float  # before the event
    i: float
    sender: Any = None  # of an arrival: (sender, number of its spike, None for an input)
    spike: Any = None  # of a spike or release: its number


def flow(c, h):
    """`(a, b, k)` with `v - v_rest -> a (v - v_rest) + k i` and `i -> b i` after `h`."""
    a, b = np.exp(-h / c.tau_m), np.exp(-h / c.tau_s)
    x = 1.0 / c.tau_m - 1.0 / c.tau_s
    mean = h * a if x == 0 else a * np.expm1(x * h) / x  # int_0^h exp(-(h - s) / tau_m) exp(-s / tau_s) ds
    return a, b, c.r / c.tau_m * mean


def slope(c, v, i):
    return (c.v_rest - v + c.r * i) / c.tau_m


def crossing(c, v0, i0, longest):
    """When a free membrane first reaches its threshold, or None."""
    if not np.isfinite(c.v_th):
        return None

    def above(h):
        a, _, k = flow(c, h)
        return c.v_rest + a * (v0 - c.v_rest) + k * i0 - c.v_th

    # v' has one zero at most, so that v is monotonous on each side of it
    u, drive = v0 - c.v_rest, c.r * i0 / c.tau_m
    x = 1.0 / c.tau_m - 1.0 / c.tau_s
    if x == 0:
        turns = [c.tau_m - u / drive] if drive else []
    else:
        inside = c.tau_s / c.tau_m * (1.0 - x * u / drive) if drive else -1.0
        turns = [np.log(inside) / x] if inside > 0 else []
    ends = [0.0, *(h for h in turns if 0 < h < longest), longest]
    for h0, h1 in pairwise(ends):
        if above(h0) < 0 <= above(h1):
            return brentq(above, h0, h1, xtol=1e-15, rtol=1e-15)
    return None


def run(net):
    """Every event in the order of time."""
    n, n_in = len(net.cell.tau_m), len(net.weight) - len(net.cell.tau_m)
    cells = [net.cell.of(j) for j in range(n)]
    at = [(0.0, c.v_rest, 0.0, False, None) for c in cells]  # since when, v, i, held, which spike holds it
    events, queue, order, spikes, waiting = [], [], 0, [], [None] * n

    def push(t, *what):
        nonlocal order
        if t <= net.end:
            heapq.heappush(queue, (t, order, what))
            order += 1

    def send(t, sender, number):
        for j in np.flatnonzero(net.exists[sender]):
            push(t + net.delay[sender, j], "arrival", int(j), (sender, number))

    def look(j):
        t, v, i, held, _ = at[j]
        h = None if held else crossing(cells[j], v, i, net.end - t)
        waiting[j] = None if h is None else t + h

    for t, sender in net.inputs:
        send(t, sender, None)
    for j in range(n):
        look(j)
    while True:
        first = min((w, j) for j, w in enumerate([np.inf if w is None else w for w in waiting]))
        if not queue and first[0] > net.end:
            break
        if queue and queue[0][0] <= first[0]:
            t, _, (kind, j, what) = heapq.heappop(queue)
        else:
            (t, j), kind, what = first, "spike", len(spikes)
        c, (t0, v0, i0, held, by) = cells[j], at[j]
        a, b, k = flow(c, t - t0)
        v, i = (v0 if held else c.v_rest + a * (v0 - c.v_rest) + k * i0), b * i0
        events.append(Event(kind, j, t0, t, v0, i0, held, v, i, *((what, None) if kind == "arrival" else (None, what))))
        if kind == "arrival":
            at[j] = (t, v, i + net.weight[what[0], j], held, by)
        elif kind == "spike":
            spikes.append((j, t))
            at[j] = (t, c.v_reset, i, True, what)
            push(t + c.t_ref, "release", j, what)
            send(t, n_in + j, what)
        else:
            at[j] = (t, v, i, False, None)
        look(j)
    for j, (t0, v0, i0, held, _) in enumerate(at):
        events.append(Event("end", j, t0, net.end, v0, i0, held, v0, i0))  # its v and i are not used
    return events, spikes


def nodes(t0, t1):
    """Times and weights of a quadrature over a smooth stretch."""
    ends = np.linspace(t0, t1, max(1, int(np.ceil((t1 - t0) / PIECE))) + 1)
    half, middle = np.diff(ends)[:, None] / 2, (ends[1:] + ends[:-1])[:, None] / 2
    return (middle + half * NODES).ravel(), (half * WEIGHTS).ravel()


def value(net, loss, record=None):
    """The loss of a run."""
    events, spikes = run(net) if record is None else record
    total = sum(loss.at_spike(j, t)[0] for j, t in spikes)
    cells = [net.cell.of(j) for j in range(len(net.cell.tau_m))]
    for e in events:
        c = cells[e.j]
        times, weights = nodes(e.t0, e.t1)
        a, _, k = flow(c, times - e.t0)
        v = np.full_like(times, e.v0) if e.held else c.v_rest + a * (e.v0 - c.v_rest) + k * e.i0
        total += float(np.sum(weights * loss.membrane(e.j, v)[0]))
    return total


def value_and_grad(net, loss, *, restarts=True):
    """The loss, its derivatives by weights and by delays (per ms), and the spikes.

    `restarts=False` forgets that a later spike also restarts the membrane later: wrong, for the controls.
    """
    events, spikes = record = run(net)
    n = len(net.cell.tau_m)
    cells = [net.cell.of(j) for j in range(n)]
    lam_v, lam_i, pending = np.zeros(n), np.zeros(n), np.zeros(n)
    by_time = np.array([loss.at_spike(j, t)[1] for j, t in spikes])
    d_weight, d_delay = np.zeros_like(net.weight), np.zeros_like(net.weight)
    for e in reversed(events):
        c, j = cells[e.j], e.j
        if e.kind == "arrival":
            sender, number = e.sender
            free = 0.0 if e.held else 1.0
            later = net.weight[sender, j] * (lam_i[j] / c.tau_s - free * c.r / c.tau_m * lam_v[j])
            d_weight[sender, j] += lam_i[j]
            d_delay[sender, j] += later
            if number is not None:
                by_time[number] += later
        elif e.kind == "release":
            pending[j] = lam_v[j] * slope(c, e.v, e.i) if restarts else 0.0
            lam_v[j] = 0.0
        elif e.kind == "spike":
            jump = loss.membrane(j, np.array(c.v_th))[0] - loss.membrane(j, np.array(c.v_reset))[0]
            lam_v[j] = (pending[j] - by_time[e.spike] - jump) / slope(c, e.v, e.i)
            pending[j] = 0.0
        times, weights = nodes(e.t0, e.t1)
        a, _, k = flow(c, times - e.t0)
        a1, b1, k1 = flow(c, e.t1 - e.t0)
        if e.held:
            lam_i[j] = b1 * lam_i[j]
        else:
            source = weights * loss.membrane(j, c.v_rest + a * (e.v0 - c.v_rest) + k * e.i0)[1]
            lam_i[j] = b1 * lam_i[j] + k1 * lam_v[j] + np.sum(source * k)
            lam_v[j] = a1 * lam_v[j] + np.sum(source * a)
    return value(net, loss, record), d_weight, d_delay, spikes


def difference_along(net, loss, part, along, *, h=1e-5):
    """The central difference of the loss when `part`, `"weight"` or `"delay"`, moves along a direction."""
    moved = lambda sign: net._replace(**{part: getattr(net, part) + sign * h * along})
    return (value(moved(1.0), loss) - value(moved(-1.0), loss)) / (2 * h)


def finite_differences(net, loss, part):
    """Central differences by every existing number of `part`."""
    out = np.zeros_like(net.weight)
    for at in zip(*np.nonzero(net.exists)):
        one = np.zeros_like(out)
        one[at] = 1.0
        out[at] = difference_along(net, loss, part, one)
    return out


# --- the circuit of the tests ----------------------------------------------------------------------------------------


def example(*, seed=0, tau_s=3.0, t_ref=1.0, end=40.0, grid=0.5):
    """Four inputs, five recurrent neurons and a read-out; delays are multiples of `grid` ms."""
    rng = np.random.default_rng(seed)
    n_in, n = 4, 6
    cell = Cell(*(np.full(n, x) for x in (8.0, tau_s, 0.1, 1.0, -0.2, t_ref, 1.5)))
    cell.v_th[-1] = np.inf
    cell.tau_s[1] = cell.tau_m[1]  # the limit t exp(-t / tau)
    exists = np.ones((n_in + n, n), bool)
    exists[-1] = False  # the read-out sends nothing
    weight = np.where(np.arange(n_in + n)[:, None] < n_in, rng.uniform(0.4, 1.6, (n_in + n, n)), 0.0)
    weight = weight + np.where(np.arange(n_in + n)[:, None] >= n_in, rng.normal(0.0, 0.4, (n_in + n, n)), 0.0)
    delay = grid * rng.integers(1, 8, (n_in + n, n))
    inputs = sorted((float(grid * rng.integers(1, int(0.8 * end / grid))), int(i)) for i in np.repeat(range(n_in), 4))
    return Circuit(cell, weight * exists, delay, exists, inputs, end)


def example_loss(*, spikes=1.0, membrane=1.0):
    """Every spike pays a smooth function of its time; every membrane, the read-out's more, its distance to a value."""

    def at_spike(j, t):
        x = 0.15 * t + j
        return spikes * np.sin(x), spikes * 0.15 * np.cos(x)

    def at_membrane(j, v):
        scale = membrane * (0.05 if j == 5 else 0.01)
        return scale * (v - 0.3) ** 2, scale * 2.0 * (v - 0.3)

    return Loss(at_spike, at_membrane)
