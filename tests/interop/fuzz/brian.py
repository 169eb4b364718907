"""Random networks of Brian2, some of which Brian2 itself would not run; in an environment with Brian2 2.9."""

import brian2
import numpy as np
from brian2 import (
    Hz,
    Mohm,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    ms,
    mV,
    nA,
    nS,
    pF,
    second,
)

from jaxsnn.interop import from_brian2
from tests.interop.fuzz.descriptions import lived, pick

brian2.prefs.codegen.target = "numpy"
brian2.BrianLogger.suppress_hierarchy("brian2")
ERRORS = (ValueError,)
NAMESPACE = {
    "tau": 10 * ms, "El": -65 * mV, "vt": -50 * mV, "R": 100 * Mohm, "C": 200 * pF, "gl": 10 * nS, "ms": ms, "mV": mV,
    "nA": nA, "nS": nS, "Hz": Hz, "second": second, "zero": 0 * ms, "inf_": float("inf"), "nan_": float("nan"),
    "table": TimedArray(np.array([0.0, 0.3, 0.1]) * nA, dt=1 * ms), "k": 3,
}  # fmt: skip
MEMBRANES = [
    "dv/dt = (El - v + R*I)/tau : volt", "dv/dt = (El - v + R*I)/tau : volt (unless refractory)",
    "dv/dt = (gl*(El - v) + I + ge*(0*mV - v))/C : volt", "dv/dt = (El - v)/tau + xi*mV*tau**-0.5 : volt",
    "dv/dt = (El - v)/zero : volt", "dv/dt = 0*mV/ms : volt", "dv/dt = -v**3/(mV**2*ms) : volt", "v : volt",
    "dv/dt = (0.04/ms/mV)*v**2 + (5/ms)*v + 140*mV/ms : volt", "dv/dt = (El - v + R*table(t))/tau : volt",
    "dv/dt = (El - v + 3*mV*sin(2*pi*5*Hz*t))/tau : volt", "dv/dt = (El - v)*nan_/tau : volt", "v = El + i*mV : volt",
    "dv/dt = -v/(int(i > 3)*tau) : volt", "dv/dt = (El-v)/(tau*abs(i-4)) : volt", "dv/dt = exp(v/mV)*mV/ms : volt",
]  # fmt: skip
CURRENTS = ["I : amp", "dI/dt = -I/(5*ms) : amp", "I = 0.3*nA*rand() : amp", "I : amp (shared)", "I : amp (constant)"]
PORTS = [
    "dge/dt = -ge/(5*ms) : siemens",
    "ge : siemens",
    "dge/dt = -ge/zero : siemens",
    "dge/dt = (1*nS-ge)*k/ms : siemens",
]
THRESHOLDS = [
    "v > vt",
    "v > -50*mV",
    "True",
    "False",
    None,
    "v > vt and i % 2 == 0",
    "rand() < 0.1",
    "v/0 > vt",
    "v >= inf_*mV",
]
RESETS = [
    "v = El",
    "v -= 15*mV",
    "v = El; ge = 0*nS",
    "v += 1*mV*randn()",
    None,
    "v = v",
    "v = El/0",
    "v = nan_*mV",
    "i = 3",
]
REFRACTORY = [False, 2 * ms, "2*ms", "v > vt", 0.05 * ms, -1 * ms, "i*ms", "rand()*ms", float("inf") * ms]
METHODS = ["exact", "euler", "rk2", "rk4", "exponential_euler", "heun", "milstein", "gsl_rkf45", None]
MODELS = [
    "", "w : siemens", "w : 1", "w : siemens\ndx/dt = -x/tau : 1 (event-driven)", "w : siemens (shared)", "w : integer",
    "ge_post = w*k : siemens (summed)\nw : siemens", "w : siemens\ndx/dt = -x/tau : 1 (clock-driven)",
]  # fmt: skip
PATHWAYS = [
    "ge += 1*nS", "ge += w", "v += 1*mV", "v_post += 2*mV", "ge += w*rand()", "x += 1; ge += w*x", "ge = 3*nS",
    "w = clip(w, 0*nS, 5*nS)", "ge *= 1.1", "v_pre += 1*mV", "ge += w/0", "I += 0.1*nA", "lastupdate = t",
]  # fmt: skip
CONNECTIONS = [
    dict(p=0.5), dict(), dict(condition="i != j"), dict(j="i"), dict(j="k for k in range(i)"), dict(p=0.0), dict(p=2.0),
    dict(i=[0, 1], j=[1, 0]), dict(j="(i+1) % N_post", n=3), dict(condition="i > 99"),
]  # fmt: skip
DELAYS = [None, 1 * ms, "rand()*3*ms", 0 * ms, -1 * ms, 1e4 * ms, "j*0.05*ms", float("nan") * ms]


def group(name, rng):
    kind = rng.integers(0, 8)
    n = int(pick([1, 2, 5, 5, 5, 40], rng))
    if kind == 0:
        return PoissonGroup(n, pick([10 * Hz, 0 * Hz, -5 * Hz, 1e6 * Hz, "i*Hz", float("nan") * Hz], rng), name=name)
    if kind == 1:
        times = pick([[1.0, 2.0], [0.0], [0.1, 0.15], [], [3e8]], rng)
        return SpikeGeneratorGroup(n, rng.integers(0, n, len(times)), np.array(times) * ms, name=name)
    lines = [pick(MEMBRANES, rng), pick(CURRENTS, rng), pick(PORTS, rng)]
    made = NeuronGroup(
        n, "\n".join(lines), threshold=(th := pick(THRESHOLDS, rng)), reset=pick(RESETS, rng) if th else None,
        refractory=pick(REFRACTORY, rng) if th else False, method=pick(METHODS, rng), name=name, namespace=NAMESPACE,
    )  # fmt: skip
    for variable in ("v", "I", "ge"):
        if rng.random() < 0.5:
            unit = {"v": "mV", "I": "nA", "ge": "nS"}[variable]
            x = f"{pick(['-60', '0', '1e30', 'inf_', 'i', 'rand()', 'nan_', '-1e-30'], rng)}*{unit}"
            try:
                setattr(made, variable, x)
            except Exception:
                continue
    if rng.random() < 0.15:
        made.run_regularly(
            pick(["v = El", "I = 0.1*nA*t/ms", "v += rand()*mV"], rng), dt=pick([None, 1 * ms, 0.1 * ms], rng)
        )
    return made


def made(rng):
    groups = [group(f"g{i}", rng) for i in range(rng.integers(1, 4))]
    parts = list(groups)
    for k in range(rng.integers(0, 3)):
        pre, post = pick(groups, rng), pick(groups, rng)
        sides = {} if rng.random() < 0.1 else {"on_pre": pick(PATHWAYS, rng)}
        if rng.random() < 0.2:
            sides["on_post"] = pick(PATHWAYS, rng)
        wire = Synapses(pre, post, pick(MODELS, rng), name=f"s{k}", namespace=NAMESPACE, **sides)
        wire.connect(**pick(CONNECTIONS, rng))
        if (delay := pick(DELAYS, rng)) is not None and hasattr(wire, "pre"):
            wire.delay = delay
        if hasattr(wire, "w") and rng.random() < 0.7:
            wire.w = pick(["1*nS", "rand()*nS", "i*nS", "nan_*nS", "-2*nS", "3"], rng)
        parts.append(wire)
    neurons = [each for each in groups if isinstance(each, NeuronGroup)]
    if neurons and rng.random() < 0.3:
        parts.append(
            PoissonInput(
                pick(neurons, rng), pick(["ge", "v", "I"], rng), 10, 5 * Hz, weight=pick([1 * nS, 1 * mV, 1 * nA], rng)
            )
        )
    if rng.random() < 0.5:
        parts.append(SpikeMonitor(pick(groups, rng), name="spikes"))
    if neurons and rng.random() < 0.5:
        parts.append(
            StateMonitor(
                pick(neurons, rng), pick(["v", "ge", "I"], rng), record=pick([True, [0], 0], rng), name="trace"
            )
        )
    return Network(*parts)


def tried(seed):
    rng = np.random.default_rng([seed, 4])
    brian2.start_scope()
    brian2.seed(seed)
    try:
        network = made(rng)
    except Exception:  # Brian2's own
        return "not made"
    return lived(from_brian2(network, namespace=NAMESPACE))
