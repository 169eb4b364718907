"""Groups of Brian2, equation for equation: tests/golden/equations_brian2.npz.

Made with Brian2 2.9.0, numpy, float64, dt 0.1 ms. Every case is a text with its threshold, reset, refractoriness and
method, the same for Brian2 and for `snn.equations.neuron`: `N` neurons with a current of their own (`drive`, pA), and
spikes at `step`, `neuron`, each of which adds the case's `jump` to a variable (after the threshold of the step).
`<case>.spike_step`, `<case>.spike_neuron`: spikes. `<case>.<variable>`: the state after each of the first `TRACED`
steps, (steps, n). Noise is NumPy's, from `SEED`: `RandomState(SEED).randn(steps, n)`, or `rand`.
Run from the repository root: python tests/oracles/brian2_equations.py
"""

import pathlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "equations_brian2.npz"
N, STEPS, TRACED, DT, SEED = 4, 2000, 150, 0.1, 5


class Case(NamedTuple):
    """A group, its constants, and what a spike adds to which variable. `start`: initial values, in SI units."""

    equations: str
    threshold: str | None = "v > v_th"
    reset: str | None = "v = v_r"
    refractory: str | None = None
    method: str | None = "exact"
    values: Mapping[str, str] = MappingProxyType({})
    jump: tuple[str, float, str] = ("v", 1.0, "mV")
    start: Mapping[str, tuple[float, str]] = MappingProxyType({"v": (-60.0, "mV")})
    drive: float = 250.0  # pA, the mean


LEAKY = dict(tau="20*ms", v_rest="-60*mV", v_th="-50*mV", v_r="-62*mV")
LIF = {**LEAKY, "R": "100*Mohm"}
CASES = {
    "lif": Case(
        "dv/dt = (v_rest - v + R*I)/tau : volt (unless refractory)\nI : amp", refractory="3*ms", values=LIF, drive=150.0
    ),
    "cuba": Case(
        """dv/dt = (ge + gi - (v - v_rest))/tau : volt (unless refractory)
        dge/dt = -ge/(5*ms) : volt
        dgi/dt = (R*I - gi)/(10*ms) : volt  # three in a chain
        I : amp""",
        refractory="5*ms", values=LIF, jump=("ge", 3.0, "mV"), drive=90.0,
    ),
    "alpha": Case(
        """dv/dt = (v_rest - v + g)/tau : volt
        dg/dt = (x - g)/tau_g : volt
        dx/dt = -x/tau_x : volt
        I : amp""",
        values={**LEAKY, "tau_g": "4*ms", "tau_x": "2*ms"}, jump=("x", 60.0, "mV"),
    ),
    "resonator": Case(  # variables that drive each other, and one of them is held
        """dv/dt = (R*(I - w) - (v - v_rest))/tau : volt (unless refractory)
        dw/dt = (a*(v - v_rest) - w)/tau_w : amp
        I : amp""",
        reset="v = v_r; w += b", refractory="t_ref",
        values={**LIF, "a": "0.5*nS", "tau_w": "40*ms", "b": "20*pA", "t_ref": "2*ms"}, drive=400.0,
    ),
    "hh": Case(
        """dv/dt = (g_l*(e_l - v) + I - g_na*m**3*h*(v - 50*mV) - g_kd*n**4*(v + 90*mV))/c : volt
        dm/dt = alpha_m*(1 - m) - beta_m*m : 1
        dn/dt = alpha_n*(1 - n) - beta_n*n : 1
        dh/dt = alpha_h*(1 - h) - beta_h*h : 1
        alpha_m = 0.32*4/exprel((13*mV - v + v_t)/(4*mV))/ms : Hz
        beta_m = 0.28*5/exprel((v - v_t - 40*mV)/(5*mV))/ms : Hz
        alpha_h = 0.128*exp((17*mV - v + v_t)/(18*mV))/ms : Hz
        beta_h = 4/(1 + exp((40*mV - v + v_t)/(5*mV)))/ms : Hz
        alpha_n = 0.032*5/exprel((15*mV - v + v_t)/(5*mV))/ms : Hz
        beta_n = 0.5*exp((10*mV - v + v_t)/(40*mV))/ms : Hz
        I : amp""",
        threshold="v > -40*mV", reset=None, refractory="v > -40*mV", method="exponential_euler",
        values={"c": "200*pF", "g_l": "10*nS", "e_l": "-65*mV", "g_na": "20*usiemens", "g_kd": "6*usiemens",
                "v_t": "-63*mV"},
    ),
    "adex": Case(
        """dv/dt = (g_l*(e_l - v) + g_l*d_t*exp((v - v_t)/d_t) + I - w)/c : volt
        dw/dt = (a*(v - e_l) - w)/tau_w : amp
        I : amp""",
        threshold="v > v_t + 5*d_t", reset="v = v_r; w += b", method="euler",
        values={"c": "281*pF", "g_l": "30*nS", "e_l": "-70.6*mV", "v_t": "-50.4*mV", "d_t": "2*mV", "tau_w": "144*ms",
                "a": "4*nS", "b": "0.0805*nA", "v_r": "-70.6*mV"}, drive=1000.0,
    ),
    "izhikevich": Case(
        """dv/dt = (0.04/ms/mV)*v**2 + (5/ms)*v + 140*mV/ms - u + I/c : volt
        du/dt = a*(b*v - u) : volt/second
        I : amp""",
        threshold="v >= 30*mV", reset="v = -65*mV; u += 8*mV/ms", method="euler",
        values={"a": "0.02/ms", "b": "0.2/ms", "c": "10*pF"}, start={"v": (-65.0, "mV"), "u": (-13.0, "volt/second")},
        drive=100.0,
    ),
    "forced rk4": Case(
        """dv/dt = (v - v**3/(3*mV**2) - w + R*I*(1 + sin(2*pi*f*t)))/tau : volt
        dw/dt = (v + 0.7*mV - 0.8*w)/(12.5*tau) : volt
        I : amp""",
        threshold=None, reset=None, method="rk4", start={},
        values={"tau": "1*ms", "f": "20*Hz", "R": "2*Mohm"}, jump=("w", 0.05, "mV"),
    ),
    "rk2": Case(
        "dv/dt = -(v - v_rest)/tau + I/(c + c*sqrt(abs(v/v_rest))*exp(-t/tau)) : volt (unless refractory)\nI : amp",
        refractory="2*ms", method="rk2", values={**LEAKY, "c": "100*pF"}, drive=100.0,
    ),
    "threshold moves": Case(  # and so does a parameter, and the refractory period
        """dv/dt = (v_rest - v + R*I + clip(kick, 0*mV, 4*mV))/tau : volt (unless refractory)
        dv_th/dt = (-50*mV - v_th)/(50*ms) : volt
        kick = 8*mV*int(v > v_rest)*int(spikes < 5) : volt
        spikes : 1
        rest : second
        I : amp""",
        reset="v = v_r; v_th += 2*mV; spikes += 1; rest = clip(rest*1.5, 1*ms, 4*ms)",
        refractory="rest", method="euler",
        values={name: LIF[name] for name in LIF if name != "v_th"},
        start={"v": (-60.0, "mV"), "v_th": (-50.0, "mV"), "rest": (1.0, "ms")}, drive=150.0,
    ),
    "noise euler": Case(
        """dv/dt = (v_rest - v + R*I)/tau + sigma*sqrt(2/tau)*xi : volt (unless refractory)
        I : amp""",
        refractory="2*ms", method="euler", values={**LIF, "sigma": "3*mV"}, drive=100.0,
    ),
    "noise heun": Case(
        "dv/dt = (v_rest - v + R*I)/tau + 0.2*(v - v_rest)*sqrt(1/tau)*xi : volt\nI : amp",
        method="heun", values=LIF, drive=120.0,
    ),
    "noise milstein": Case(
        "dv/dt = (v_rest - v + R*I)/tau + 0.2*(v - v_rest)*sqrt(1/tau)*xi : volt\nI : amp",
        method="milstein", values=LIF, drive=120.0,
    ),
    "chance": Case(
        "dv/dt = (v_rest - v + R*I)/tau : volt (unless refractory)\nI : amp",
        threshold="rand() < dt*exp((v - v_th)/(2*mV))/(4*ms)", refractory="4*ms", values=LIF,
    ),
}  # fmt: skip


def spikes():
    """Input spikes: the step and the neuron of each."""
    rng = np.random.default_rng(3)
    at = np.sort(rng.choice(STEPS * N, 300, replace=False))
    return at // N, at % N


def drive(case):
    """The current of each neuron, pA."""
    return case.drive * np.linspace(0.8, 1.2, N)


def run(case, step, neuron):
    import brian2 as b2

    b2.start_scope()
    b2.prefs.codegen.target = "numpy"
    b2.defaultclock.dt = DT * b2.ms
    of = lambda text: eval(text, vars(b2))  # texts of this file
    cells = b2.NeuronGroup(
        N, case.equations, threshold=case.threshold, reset=case.reset, method=case.method,
        refractory=False if case.refractory is None else case.refractory,
        namespace={name: of(text) for name, text in case.values.items()},
    )  # fmt: skip
    cells.I = drive(case) * b2.pA
    for name, (number, unit) in case.start.items():
        setattr(cells, name, number * of(unit))
    source = b2.SpikeGeneratorGroup(N, neuron, step * DT * b2.ms)
    variable, number, unit = case.jump
    synapses = b2.Synapses(source, cells, on_pre=f"{variable}_post += {number}*{unit}")
    synapses.connect(j="i")
    variables = [*cells.equations.diff_eq_names]
    trace = b2.StateMonitor(cells, variables, record=True)
    net = b2.Network(cells, source, synapses, trace)
    fired = b2.SpikeMonitor(cells) if case.threshold else None
    if fired is not None:
        net.add(fired)
    b2.seed(SEED)
    net.run(STEPS * DT * b2.ms)
    out = {name: np.asarray(getattr(trace, name)).T[1 : TRACED + 1] for name in variables}
    if fired is not None:
        out |= {
            "spike_step": np.rint(fired.t / b2.ms / DT).astype(np.int16),
            "spike_neuron": np.asarray(fired.i, np.int8),
        }
    return out


def main():
    step, neuron = spikes()
    found = {}
    for name, case in CASES.items():
        out = run(case, step, neuron)
        ranges = {key: (float(x.min()), float(x.max())) for key, x in out.items() if key[:5] != "spike"}
        print(name, len(out.get("spike_step", ())), ranges, flush=True)
        assert all(np.all(np.isfinite(x)) for x in out.values()), name
        found |= {f"{name}.{key}": x for key, x in out.items()}
    np.savez_compressed(GOLDEN, **found)


if __name__ == "__main__":
    main()
