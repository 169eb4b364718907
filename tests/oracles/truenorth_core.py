"""TrueNorth's neuron in Python's whole numbers, one axon and one neuron at a time, written as a specification."""

import numpy as np

NORMAL, LINEAR, NONE = 0, 1, 2


def sign(x):
    return int(x > 0) - int(x < 0)


def gate(x, rho):
    """`F(x, rho) sgn(x)` of the published equations."""
    return sign(x) if abs(x) >= rho else 0


def leak(v, lam, *, reversal=0, ringing=True):
    new = v + (sign(v) if reversal else 1) * lam
    return 0 if reversal and not ringing and sign(new) == -sign(v) else new


def compare(v, alpha, beta, reset, mode, saturates, *, eta=0, inclusive=False):
    """The potential after both thresholds, and whether there is a spike."""
    if v >= alpha + eta:
        return {NORMAL: reset, LINEAR: v - (alpha + eta), NONE: v}[mode], 1
    least = -beta if saturates else -(beta + eta)
    if v < least or (inclusive and v == least):
        return -beta if saturates else {NORMAL: -reset, LINEAR: v + beta + eta, NONE: v}[mode], 0
    return v, 0


def run(cores, packets, steps, *, later=0, inclusive=False, leak_last=False, negative=False, merge=True):
    """Potentials and spikes of every core after each step, `(steps, n)`, and how many spikes were lost at axons.

    `cores`: by name, with `axons` (types), `connections` (axons, n), and `neurons`: of each `weights` (4), `leak`,
    `positive_threshold`, `negative_threshold` (0 or less), `reset_potential`, `current_potential`, `reset_mode`,
    `saturates`, `reversal`, `to` (name or None), `destination_axon`, `destination_tick`. `packets`: of every step, as
    (core, axon, tick): those of a step with tick 0 arrive in it. A neuron's packet takes `later + tick` steps.

    For negative controls: `leak_last`, after both thresholds; `negative`: a linear reset at the negative threshold
    takes it off; `merge`: False: two spikes at an axon count twice.
    """
    words = {(name, t): {} for name in cores for t in range(steps + 32)}
    v = {name: [each["current_potential"] for each in core["neurons"]] for name, core in cores.items()}
    found = {name: ([], []) for name in cores}
    merged = 0

    def send(to, axon, at):
        words[to, at][axon] = words[to, at].get(axon, 0) + 1

    for t in range(steps):
        for name, axon, tick in packets[t] if t < len(packets) else []:
            send(name, axon, t + tick)
        for name, core in cores.items():
            arrived = words[name, t]
            merged += sum(count - 1 for count in arrived.values())
            fired = []
            for j, each in enumerate(core["neurons"]):
                now = v[name][j]
                lost = dict(reversal=each.get("reversal", 0))
                for axon, count in sorted(arrived.items()):
                    if core["connections"][axon][j]:
                        now += each["weights"][core["axons"][axon]] * (1 if merge else count)
                now = now if leak_last else leak(now, each["leak"], **lost)
                alpha, beta, mode = each["positive_threshold"], -each["negative_threshold"], each["reset_mode"]
                ends = alpha, beta, each["reset_potential"], mode, each.get("saturates", 0)
                after, spike = compare(now, *ends, inclusive=inclusive)
                if negative and mode == LINEAR and not spike and after != now:
                    after = now - beta
                v[name][j] = leak(after, each["leak"], **lost) if leak_last else after
                fired.append(spike)
                if spike and each["to"] is not None:
                    send(each["to"], each["destination_axon"], t + later + each["destination_tick"])
            found[name][0].append(list(v[name]))
            found[name][1].append(fired)
    return {name: tuple(map(np.array, each)) for name, each in found.items()}, merged
