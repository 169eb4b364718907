"""Shared by the oracle scripts: seeded networks, the golden file format, and a NumPy float64 reference loop.

The loop is the order of events of the design's section 4, written out for one network of N neurons. The oracle scripts
assert that it gives the same spikes as the simulator, which proves that slots, delays and counters in the files mean
what README.md says. Needs numpy only, so that it runs inside every simulator's own environment.
"""

import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
N, N_EXC, STEPS, DT = 400, 320, 5000, 0.1
TRACED, TRACE_STEPS = [0, 7, 350], 800


def network(seed, *, out_degree=30, w_exc, w_inh, spread=0.3, d_min=1, d_max=30, input_hz, slot_min=1, lattice=None):
    """Unique (pre, post) pairs with autapses, a weight and a delay in steps for each, and input events (slot, neuron).

    Weights are float32 numbers: their sums are exact in float64, so the order of summation cannot matter.
    """
    rng = np.random.default_rng(seed)
    post = np.sort(np.stack([rng.permutation(N)[:out_degree] for _ in range(N)]), axis=1).ravel()
    pre = np.repeat(np.arange(N), out_degree)
    weight = np.where(pre < N_EXC, w_exc, w_inh) * np.clip(rng.normal(1.0, spread, pre.size), 0.1, 1.9)
    if lattice:
        weight = np.round(weight / lattice) * lattice
    delay = rng.integers(d_min, d_max + 1, pre.size)
    hit = rng.random((STEPS, N)) < input_hz * DT * 1e-3
    hit[:slot_min] = False
    in_step, in_neuron = np.nonzero(hit)
    return {
        "pre": pre,
        "post": post,
        "weight": weight.astype(np.float32).astype(float),
        "delay": delay,
        "in_step": in_step,
        "in_neuron": in_neuron,
        "u0": rng.random(N).astype(np.float32).astype(float),
    }


def advance(p, v, ports):
    """One membrane step: exact for current ports, exponential Euler where there are conductances."""
    dt, tau = p["dt"], p["tau_m"]
    u = p["gain"] * p["I_e"] + np.zeros_like(v)  # constant drive in mV
    decay, extra, slope, pull = np.exp(-dt / tau), 0.0, 1.0, 0.0
    for port in ports:
        kind, ts = port["kind"], port["tau"]
        if kind == "cond":
            slope, pull = slope + port["s"], pull + port["s"] * port["E"]
        elif kind == "frozen":
            u = u + p["gain"] * port["s"]
        elif kind in ("exp", "alpha"):
            delta = 1 / ts - 1 / tau
            one = (np.exp(-dt / tau) - np.exp(-dt / ts)) / delta
            extra = extra + p["gain"] / tau * one * port["s"]
            if kind == "alpha":
                extra = extra + p["gain"] / tau * (one - dt * np.exp(-dt / ts)) / delta * port["y"]
    if any(port["kind"] == "cond" for port in ports):
        rest = (p["E_L"] + u + pull) / slope
        return rest + (v - rest) * np.exp(-dt * slope / tau)
    return p["E_L"] + u + (v - p["E_L"] - u) * decay + extra


def reference(case, **change):
    """Run a case and return (step, neuron, v of all neurons at t_0..t_steps, exact ties v == V_th)."""
    p = {**case["params"], "delay_shift": 0, "delay_floor": 0, **change}
    n, dt, brian, at_or_above = p["n"], p["dt"], p["order"] == "brian2", p["comparator"] == ">="
    delay = np.maximum(case["delay"] + p["delay_shift"], max(p["delay_floor"], 0 if brian else 1))
    names = list(p["ports"])
    ports = [dict(spec, s=np.zeros(n), y=np.zeros(n)) for spec in p["ports"].values()]
    to_port = np.where(case["pre"] < p["n_exc"], names.index("exc"), names.index("inh"))
    order = np.argsort(case["pre"], kind="stable")
    post, weight, delay, to_port = case["post"][order], case["weight"][order], delay[order], to_port[order]
    row = np.searchsorted(case["pre"][order], np.arange(n + 1))
    event = np.searchsorted(case["in_step"], np.arange(p["steps"] + 1))
    ring = np.zeros((delay.max() + 1, len(ports), n))
    v, r, stored = case["v0"].copy(), np.zeros(n, int), np.zeros(n)
    trace, out_step, out_neuron, ties = [v], [], [], 0

    def push(k, spike):
        for i in np.nonzero(spike)[0]:
            e = slice(row[i], row[i + 1])
            np.add.at(ring, ((k + delay[e]) % len(ring), to_port[e], post[e]), weight[e])

    for k in range(p["steps"]):
        held = r > 0
        moved = advance(p, v, ports) + np.where(held, 0.0, stored)
        stored = np.where(held, stored, 0.0)
        v = np.where(held, v, moved) if p["v_held"] else moved
        for port in ports:  # decay
            if port["kind"] != "delta":
                f, still = np.exp(-dt / port["tau"]), held & p["port_held"]
                port["s"] = np.where(still, port["s"], f * (port["s"] + dt * port["y"]))
                port["y"] = np.where(still, port["y"], f * port["y"])
        if brian:
            ties += np.sum((v == p["V_th"]) & ~held)
            spike = (v >= p["V_th"] if at_or_above else v > p["V_th"]) & ~held
            push(k, spike)
        arrivals = ring[k % len(ring)].copy()
        ring[k % len(ring)] = 0.0
        now = case["in_neuron"][event[k] : event[k + 1]]
        arrivals[names.index(p["in_port"]), now] += p["w_in"]
        deaf = held | spike if brian else held
        for port, jump in zip(ports, arrivals, strict=True):
            if port["kind"] == "delta":
                v = v + (jump if p["jump_held"] == "keep" else np.where(deaf, 0.0, jump))
                if p["jump_held"] == "discount":
                    stored = stored + np.where(held, jump * np.exp(-r * dt / p["tau_m"]), 0.0)
            else:
                jump = np.where(deaf, 0.0, jump) if p["port_held"] else jump
                if port["kind"] == "alpha":
                    port["y"] = port["y"] + jump * np.e / port["tau"]
                else:
                    port["s"] = port["s"] + jump
        if not brian:
            ties += np.sum((v == p["V_th"]) & ~held)
            spike = (v >= p["V_th"] if at_or_above else v > p["V_th"]) & ~held
            push(k, spike)
        v = np.where(spike, p["V_reset"] if p["reset"] == "hard" else v - p["V_sub"], v)
        r = np.where(spike, p["R"], np.maximum(r - 1, 0))
        out_step.append(np.full(spike.sum(), k))
        out_neuron.append(np.nonzero(spike)[0])
        trace.append(v)
    return np.concatenate(out_step), np.concatenate(out_neuron), np.array(trace), int(ties)


def mismatches(a, b):
    """Spikes that are in one train set and not in the other."""
    return len(set(zip(*map(np.ndarray.tolist, a), strict=True)) ^ set(zip(*map(np.ndarray.tolist, b), strict=True)))


def control(case, spikes, change):
    """Mismatches of a changed reference loop; the other order also gets its best shift by a step (stamps differ)."""
    step, neuron = reference(case, **change)[:2]
    return min(mismatches(spikes, (step + shift, neuron)) for shift in ((-1, 0, 1) if "order" in change else (0,)))


def isi_cv(step, neuron, n, least=5):
    """Mean over neurons with at least `least` spikes of std/mean of their intervals."""
    order = np.lexsort((step, neuron))
    trains = np.split(step[order], np.searchsorted(neuron[order], np.arange(1, n)))
    gaps = [np.diff(t) for t in trains if len(t) >= least]
    return float(np.mean([g.std() / g.mean() for g in gaps])) if gaps else float("nan")


def check_and_save(name, case, step, neuron, trace_step, trace_v, controls):
    """Assert that the reference loop equals the simulator, measure the controls, write the golden file."""
    p = case["params"]
    order = np.lexsort((neuron, step))
    step, neuron = step[order], neuron[order]
    mine = reference(case)
    bad = mismatches((step, neuron), mine[:2])
    error = np.abs(mine[2][trace_step][:, TRACED] - trace_v).max()
    p["rate_hz"] = round(len(step) / (N * STEPS * DT * 1e-3), 3)
    p["isi_cv"] = round(isi_cv(step, neuron, N), 3)
    p["ties"] = mine[3]
    p["controls"] = {key: control(case, (step, neuron), change) for key, change in controls.items()}
    print(
        f"{name}: {len(step)} spikes, {p['rate_hz']} Hz, CV {p['isi_cv']}, ties {mine[3]}, mismatches {bad}, "
        f"v error {error:.1e}, controls {p['controls']}",
        flush=True,
    )
    assert bad == 0 and error < 1e-7, name
    assert len(case["weight"]) == len(set(zip(case["pre"], case["post"], strict=True)))
    GOLDEN.mkdir(exist_ok=True)
    np.savez_compressed(
        GOLDEN / f"{name}.npz",
        params=json.dumps(p),
        pre=case["pre"].astype(np.int16),
        post=case["post"].astype(np.int16),
        delay=case["delay"].astype(np.int16),
        weight=case["weight"].astype(np.float32),
        v0=case["v0"],
        in_step=case["in_step"].astype(np.int16),
        in_neuron=case["in_neuron"].astype(np.int16),
        step=step.astype(np.int16),
        neuron=neuron.astype(np.int16),
        trace_step=trace_step.astype(np.int16),
        trace_neuron=np.array(TRACED, np.int16),
        trace_v=trace_v,
    )
