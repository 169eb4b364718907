"""Spike trains of Brian2 for identical networks: tests/golden/brian2_<scenario>.npz (format: README.md).

Made with Brian2 2.9.0, numpy 2.3, float64, dt 0.1 ms, codegen target cython, 400 neurons,
5000 steps, delays of 0 to 30 steps set at exact multiples of dt; seeds are in the files. Voltages and currents are
dimensionless numbers in mV, so that lattices stay lattices. Asserts that the NumPy loop of golden.py (Brian2 order)
gives the same spikes, and prints controls that must differ. Run from the repository root, in an environment with brian2
and numpy<2.4:

    python tests/oracles/brian2_spikes.py                  # all scenarios
    python tests/oracles/brian2_spikes.py delta conductance  # some
"""

import sys

import brian2 as b2
import numpy as np
from golden import DT, N_EXC, STEPS, TRACE_STEPS, TRACED, N, check_and_save, network

CELL = {"tau_m": 20.0, "E_L": 0.0, "V_th": 20.0, "V_reset": 10.0, "I_e": 15.0, "refractory": 2.1}
JUMPS = {"w_exc": 0.9, "w_inh": -4.0, "input_hz": 25.0}
CURRENTS = {"w_exc": 7.0, "w_inh": -17.0, "input_hz": 25.0}
COND = {"w_exc": 0.15, "w_inh": 1.5, "input_hz": 25.0}
HELD, FREE = " (unless refractory)", ""
EXP = {"kind": "exp", "tau_exc": 3.0, "tau_inh": 7.0}
ALPHA = {"kind": "alpha", "tau_exc": 1.5, "tau_inh": 4.0}
COBA = {"kind": "cond", "tau_exc": 5.0, "tau_inh": 10.0, "E_exc": 70.0, "E_inh": -15.0}
SCENARIOS = {  # name: (cell, ports, flag of v, flag of the ports, network, input weight)
    "delta": (CELL, {}, HELD, FREE, JUMPS, 7.3),
    "delta_ref0": (dict(CELL, refractory=0.0), {}, HELD, FREE, JUMPS, 7.3),
    "delta_ref5": (dict(CELL, refractory=5.0), {}, HELD, FREE, JUMPS, 7.3),
    "delta_free": (dict(CELL, refractory=5.0), {}, FREE, FREE, JUMPS, 7.3),
    "delta_subtract": (dict(CELL, V_sub=12.0), {}, HELD, FREE, JUMPS, 7.3),
    "delta_subtract_free": (dict(CELL, V_sub=12.0), {}, FREE, FREE, JUMPS, 7.3),
    "delta_lattice": (
        dict(CELL, tau_m=1e20, V_th=16.0, V_reset=4.0, I_e=0.0),
        {},
        HELD,
        FREE,
        {"w_exc": 1.0, "w_inh": -3.0, "input_hz": 25.0, "lattice": 0.5, "spread": 0.4},
        6.0,
    ),
    "exp": (CELL, EXP, HELD, FREE, CURRENTS, 55.0),
    "exp_deaf": (dict(CELL, refractory=5.0), EXP, HELD, HELD, CURRENTS, 55.0),
    "alpha": (CELL, ALPHA, HELD, FREE, CURRENTS, 55.0),
    "conductance": (dict(CELL, refractory=5.0), COBA, HELD, FREE, COND, 1.5),
    "conductance_current": (dict(CELL, refractory=5.0), dict(COBA, tau_cur=4.0), HELD, FREE, COND, 40.0),
}


def equations(ports, v_flag, port_flag):
    """Brian2 equations, integration method, and the statement with which a spike of weight w enters each port."""
    kind = ports.get("kind", "delta")
    if kind == "delta":
        return f"dv/dt = (E_L + I_e - v)/tau_m : 1{v_flag}", "exact", dict.fromkeys(("exc", "inh"), "v_post += {w}")
    if kind == "exp":
        lines = [f"dv/dt = (E_L + I_e - v + s_exc + s_inh)/tau_m : 1{v_flag}"]
        lines += [f"ds_{p}/dt = -s_{p}/tau_{p} : 1{port_flag}" for p in ("exc", "inh")]
        return "\n".join(lines), "exact", {p: f"s_{p}_post += {{w}}" for p in ("exc", "inh")}
    if kind == "alpha":
        lines = [f"dv/dt = (E_L + I_e - v + s_exc + s_inh)/tau_m : 1{v_flag}"]
        for p in ("exc", "inh"):
            lines += [
                f"ds_{p}/dt = y_{p} - s_{p}/tau_{p} : 1{port_flag}",
                f"dy_{p}/dt = -y_{p}/tau_{p} : Hz{port_flag}",
            ]
        return "\n".join(lines), "exact", {p: f"y_{p}_post += {{w}}*e/tau_{p}" for p in ("exc", "inh")}
    current = " + s_cur" if "tau_cur" in ports else ""
    drive = f"E_L + I_e - v{current} + s_exc*(E_exc - v) + s_inh*(E_inh - v)"
    lines = [f"dv/dt = ({drive})/tau_m : 1{v_flag}"]
    names = ("exc", "inh", "cur") if current else ("exc", "inh")
    lines += [f"ds_{p}/dt = -s_{p}/tau_{p} : 1{port_flag}" for p in names]
    return "\n".join(lines), "exponential_euler", {p: f"s_{p}_post += {{w}}" for p in names}


def make_case(seed, cell, ports, v_flag, port_flag, net, w_in):
    case = network(seed, **net, d_min=0, slot_min=0)
    case["v0"] = cell["V_reset"] + (cell["V_th"] - cell["V_reset"]) * case.pop("u0")
    if "lattice" in net:
        case["v0"] = np.floor(case["v0"] / net["lattice"]) * net["lattice"]
    eqs, method, enter = equations(ports, v_flag, port_flag)
    kind = ports.get("kind", "delta")
    table = {
        p: {"kind": "frozen" if p == "cur" else kind, "tau": ports.get(f"tau_{p}"), "E": ports.get(f"E_{p}")}
        for p in enter
    }
    case["params"] = dict(
        cell,
        simulator=f"Brian2 {b2.__version__}",
        order="brian2",
        comparator=">",
        seed=seed,
        n=N,
        n_exc=N_EXC,
        dt=DT,
        steps=STEPS,
        R=max(int(np.floor(cell["refractory"] / DT + 1e-3)) - 1, 0),
        gain=1.0,
        w_in=w_in,
        in_port="cur" if "cur" in enter else "exc",
        v_held=bool(v_flag),
        port_held=bool(port_flag),
        reset="subtract" if "V_sub" in cell else "hard",
        jump_held="drop" if v_flag else "keep",
        ports=table,
        equations=eqs,
        method=method,
        enter=enter,
    )
    return case


def run_brian2(case):
    p = case["params"]
    b2.start_scope()
    b2.defaultclock.dt = DT * b2.ms
    names = ["E_L", "I_e", "V_th", "V_reset", "V_sub"]
    space = {k: p[k] for k in names if k in p} | {"tau_m": p["tau_m"] * b2.ms}
    for port, spec in p["ports"].items():
        space |= {f"tau_{port}": spec["tau"] * b2.ms} if spec["tau"] else {}
        space |= {f"E_{port}": spec["E"]} if spec["E"] is not None else {}
    reset = "v = V_reset" if p["reset"] == "hard" else "v -= V_sub"
    cells = b2.NeuronGroup(
        N,
        p["equations"],
        threshold="v > V_th",
        reset=reset,
        refractory=p["refractory"] * b2.ms,
        method=p["method"],
        namespace=space,
    )
    cells.v = case["v0"]
    parts = [cells]
    for port, which in (("exc", case["pre"] < N_EXC), ("inh", case["pre"] >= N_EXC)):
        link = b2.Synapses(cells, cells, "w : 1", on_pre=p["enter"][port].format(w="w"), namespace=space)
        link.connect(i=case["pre"][which], j=case["post"][which])
        link.w = case["weight"][which]
        link.delay = case["delay"][which] * DT * b2.ms
        parts.append(link)
    source = b2.SpikeGeneratorGroup(N, case["in_neuron"], case["in_step"] * DT * b2.ms)
    feed = b2.Synapses(
        source, cells, on_pre=p["enter"][p["in_port"]].format(w="w_in"), namespace=space | {"w_in": p["w_in"]}
    )
    feed.connect(j="i")
    spikes = b2.SpikeMonitor(cells)
    meter = b2.StateMonitor(cells, "v", record=TRACED)  # at the start of step j: the state at t_j
    b2.Network(*parts, source, feed, spikes, meter).run(STEPS * DT * b2.ms)
    step = np.rint(np.asarray(spikes.t / b2.ms) / DT).astype(int)
    return step, np.asarray(spikes.i), np.arange(TRACE_STEPS + 1), np.asarray(meter.v).T[: TRACE_STEPS + 1]


def main(wanted):
    b2.prefs.codegen.target = "cython"
    for seed, (name, spec) in enumerate(SCENARIOS.items(), start=201):
        if wanted and name not in wanted:
            continue
        case = make_case(seed, *spec)
        controls = {
            "R+1": {"R": case["params"]["R"] + 1},
            "d+1": {"delay_shift": 1},
            "d=0 read as 1": {"delay_floor": 1},
            "other order": {"order": "nest"},
            "other comparator": {"comparator": ">="},
            "jumps kept while held": {"jump_held": "keep"},
            "jumps dropped while held": {"jump_held": "drop"},
            "v held": {"v_held": True},
            "ports not held": {"port_held": False},
        }
        check_and_save(f"brian2_{name}", case, *run_brian2(case), controls)


if __name__ == "__main__":
    main(sys.argv[1:])
