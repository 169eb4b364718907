"""Networks of Brian2 for `from_brian2`: tests/golden/brian2/<name>.npz and <name>.out.npz.

Made with Brian2 2.9.0, its NumPy code, float64, dt 0.1 ms. Every case is a function that builds a `Network` as Brian2's
users do. `<name>.npz` is its description, `<name>.out.npz` what Brian2 makes of it in `STEPS` steps: `<group>.step`,
`<group>.neuron` are spikes, `<monitor>.<variable>` traces (samples, record) in SI units. `poisson`, of which no spike
can be compared, has `<group>.counts`: spikes of `SEEDS` runs.
Run from the repository root, with Brian2 and jaxsnn in one environment: python tests/oracles/brian2_networks.py
"""

import pathlib
import sys

import brian2
import numpy as np
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    PopulationRateMonitor,
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
)

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "brian2"
STEPS, SEEDS = 1000, 12


def lif():
    """Ten neurons with time constants and refractory periods of their own; currents that run_regularly sets."""
    v_rest, v_th = -65 * mV, -50 * mV
    G = NeuronGroup(
        10,
        """dv/dt = (v_rest - v + R*I)/tau : volt (unless refractory)
        I : amp
        R : ohm (shared)
        tau : second (constant)
        hold : second""",
        threshold="v > v_th", reset="v = v_rest", refractory="hold", method="exact", name="lif",
    )  # fmt: skip
    G.v, G.R, G.I = "v_rest + i*mV", 100 * brian2.Mohm, "0.14*nA + 0.02*nA*i"
    G[:6].run_regularly("I = 0.22*nA + 0.05*nA*sin(2*pi*50*Hz*t)", dt=0.1 * ms)
    G[6:].run_regularly("I = 0.3*nA", dt=0.1 * ms)
    G.tau, G.hold = "10*ms + i*ms", "1*ms + 0.5*i*ms"
    spikes, trace = SpikeMonitor(G, name="spikes"), StateMonitor(G, "v", record=[0, 9], name="trace")
    return Network(G, spikes, trace), locals()


def cuba():
    """The currents of Vogels and Abbott, from parts of one group."""
    taum, taue, taui, v_t, v_r, e_l = 20 * ms, 5 * ms, 10 * ms, -50 * mV, -60 * mV, -49 * mV
    P = NeuronGroup(
        300,
        """dv/dt = (ge + gi - (v - e_l))/taum : volt (unless refractory)
        dge/dt = -ge/taue : volt
        dgi/dt = -gi/taui : volt""",
        threshold="v > v_t", reset="v = v_r", refractory=5 * ms, method="exact", name="cells",
    )  # fmt: skip
    P.v = "v_r + rand()*(v_t - v_r)"
    we, wi = 1.62 * mV, -9 * mV
    exc = Synapses(P[:240], P, on_pre="ge += we", name="exc")
    inh = Synapses(P[240:], P, on_pre="gi += wi", name="inh")
    exc.connect(p=0.2)
    inh.connect(p=0.2)
    spikes, rate = SpikeMonitor(P[240:], name="spikes"), PopulationRateMonitor(P, name="rate")
    trace = StateMonitor(P, ["v", "ge"], record=[3, 250], dt=1 * ms, name="trace")
    return Network(P, exc, inh, spikes, rate, trace), locals()


def coba():
    """Conductances, with weights, delays and thresholds drawn for each."""
    C, g_l, e_l, e_e, e_i = 200 * pF, 10 * nS, -60 * mV, 0 * mV, -80 * mV
    P = NeuronGroup(
        200,
        """dv/dt = (g_l*(e_l - v) + ge*(e_e - v) + gi*(e_i - v) + I)/C : volt (unless refractory)
        dge/dt = -ge/(5*ms) : siemens
        dgi/dt = -gi/(10*ms) : siemens
        v_th : volt (constant)
        I : amp""",
        threshold="v > v_th", reset="v = e_l", refractory="2*ms", method="exponential_euler", name="cells",
    )  # fmt: skip
    P.v, P.v_th, P.I = "e_l + 10*mV*rand()", "-50*mV + 2*mV*randn()", 0.15 * nA
    P.ge = "2*nS*rand()"
    S = Synapses(P, P, "w : siemens", on_pre={"fast": "ge += w", "slow": "gi += 3*w*(i % 4 == 0)"}, name="S")
    S.connect("i != j", p=0.1)
    S.w = "6*nS*rand()"
    S.fast.delay, S.slow.delay = "3*ms*rand()", "1*ms + 0.01*ms*j"
    return Network(P, S, SpikeMonitor(P, name="spikes"), StateMonitor(P, "gi", record=[7], name="trace")), locals()


def hh():
    """Hodgkin and Huxley's membrane, a spike while it is above a potential, and synapses that add to both sides."""
    G = NeuronGroup(
        12,
        """dv/dt = (g_l*(e_l - v) - g_na*m**3*h*(v - 50*mV) - g_kd*n**4*(v + 90*mV) + I + ge*(0*mV - v))/C : volt
        dm/dt = 0.32*4/exprel((13*mV - v + v_t)/(4*mV))/ms*(1 - m) - 0.28*5/exprel((v - v_t - 40*mV)/(5*mV))/ms*m : 1
        dn/dt = 0.032*5/exprel((15*mV - v + v_t)/(5*mV))/ms*(1 - n) - 0.5*exp((10*mV - v + v_t)/(40*mV))/ms*n : 1
        dh/dt = 0.128*exp((17*mV - v + v_t)/(18*mV))/ms*(1 - h) - 4/(1 + exp((40*mV - v + v_t)/(5*mV)))/ms*h : 1
        dge/dt = -ge/(5*ms) : siemens
        I : amp
        sent : 1
        heard : integer""",
        threshold="v > -40*mV", refractory="v > -40*mV", method="exponential_euler", name="hh",
        namespace={
            "C": 200 * pF, "g_l": 10 * nS, "e_l": -65 * mV, "g_na": 20e3 * nS, "g_kd": 6e3 * nS, "v_t": -63 * mV,
        },
    )  # fmt: skip
    G.v, G.I = -65 * mV, "0.05*nA*i"
    S = Synapses(G, G, on_pre="ge += 4*nS; heard += 1; sent_pre += 1", on_post="sent_pre += 0.25", name="S")
    S.connect(j="(i + 1) % N_post")
    S.delay = 0.35 * ms  # between two steps
    traces = StateMonitor(G, ["v", "sent", "heard"], record=True, dt=0.5 * ms, name="trace")
    return Network(G, S, SpikeMonitor(G, name="spikes"), traces), locals()


def tables():
    """Tables over time and given spikes; an adaptive threshold; a parameter that spikes change."""
    stimulus = TimedArray(np.sin(np.arange(30) / 3.0)[:, None] * np.arange(1, 6) * 3 * mV, dt=2.5 * ms)
    ramp = TimedArray(np.linspace(0.0, 1.5, 400), dt=0.1 * ms)
    A = NeuronGroup(
        5,
        """dv/dt = (e_l + stimulus(t, i) + g - v)/(8*ms) : volt (unless refractory)
        dv_th/dt = (-52*mV - v_th)/(15*ms) : volt
        lift = 0.2*stimulus(t, i) : volt
        g : volt""",
        threshold="v > v_th + lift", reset="v = e_l; v_th += 3*mV; g *= 0.5", refractory=1 * ms, method="euler",
        name="adaptive", namespace={"e_l": -60 * mV, "stimulus": stimulus},
    )  # fmt: skip
    A.v, A.v_th = -60 * mV, -52 * mV
    B = NeuronGroup(
        4,
        """dx/dt = (gain*drive - x)/(5*ms) + 0.02/ms : 1
        drive = ramp(t) : 1
        gain : 1 (constant)""",
        threshold="x > 1", reset="x = 0", method="rk2", name="plain", namespace={"ramp": ramp},
    )  # fmt: skip
    B.gain = [0.9, 1.0, 1.1, 1.3]
    rng = np.random.default_rng(3)
    times = np.sort(rng.choice(900, 60, replace=False)) * 0.1 * ms
    given = SpikeGeneratorGroup(6, rng.integers(0, 6, 60), times, name="given")
    kick = Synapses(given, A[1:4], "w : volt", on_pre="g += w*rank_post", namespace={"rank_post": 0.5}, name="kick")
    kick.connect()
    kick.w = "(1 + j)*mV"
    across = Synapses(A, B, on_pre="x_post += 0.03*gain_post", delay=0 * ms, name="across")
    across.connect()
    traces = StateMonitor(A, ["v", "g"], record=[0, 2], name="of_a"), StateMonitor(B, "x", record=True, name="of_b")
    return Network(A, B, given, kick, across, *traces, SpikeMonitor(A), SpikeMonitor(B)), locals()


def driven_cells():
    """Three neurons with excitatory conductances, and what sends to them."""
    rng = np.random.default_rng(5)
    steps = np.sort(rng.choice(950, 300, replace=False))
    source = SpikeGeneratorGroup(25, rng.integers(0, 25, 300), steps * 0.1 * ms, name="source")
    cells = NeuronGroup(
        3,
        """dv/dt = (ge*(0*mV - v) - 74*mV - v)/(10*ms) : volt
        dge/dt = -ge/(5*ms) : 1""",
        threshold="v > -54*mV", reset="v = -60*mV", method="euler", name="cells",
    )  # fmt: skip
    cells.v = -60 * mV
    return source, cells


def stdp():
    """Spike-timing-dependent plasticity in its usual text, with a delay of its own for each synapse."""
    source, cells = driven_cells()
    taupre, taupost, g_max, up = 20 * ms, 25 * ms, 0.4, 0.02
    S = Synapses(
        source, cells,
        """w : 1
        dapre/dt = -apre/taupre : 1 (event-driven)
        dapost/dt = -apost/taupost : 1 (event-driven)""",
        on_pre="""ge += w
        apre += up*g_max
        w = clip(w + apost, 0, g_max)""",
        on_post="""apost -= 1.05*up*g_max
        w = clip(w + apre, 0, g_max)""",
        name="S",
    )  # fmt: skip
    S.connect(p=0.8)
    S.w, S.delay = "rand()*g_max", "3*ms*rand()"
    monitors = SpikeMonitor(cells), StateMonitor(S, "w", record=[0, 5, 7, 30], name="weights")
    return Network(source, cells, S, *monitors), locals()


def inhibition():
    """The rule of Vogels et al. (2011): the weight changes before it is passed on; nearest spikes after."""
    rng = np.random.default_rng(6)
    steps = np.sort(rng.choice(950, 200, replace=False))
    source = SpikeGeneratorGroup(20, rng.integers(0, 20, 200), steps * 0.1 * ms, name="source")
    cells = NeuronGroup(
        4, "dv/dt = (-35*mV - v - g*20*mV)/(10*ms) : volt (unless refractory)\ndg/dt = -g/(10*ms) : 1",
        threshold="v > -55*mV", reset="v = -65*mV", refractory=2 * ms, method="exponential_euler", name="cells",
    )  # fmt: skip
    cells.v = "-65*mV + 2*mV*i"
    S = Synapses(
        source, cells,
        """w : 1
        before : 1
        dx/dt = -x/tau : 1 (event-driven)
        dy/dt = -y/tau : 1 (event-driven)""",
        on_pre="x += 1; w = clip(w + (y - target)*eta, 0, 0.2); g += gain*w",
        on_post="before = y; y = 1; w = clip(w + x*eta*(1 + 0.5*before), 0, 0.2)",
        name="S", namespace={"tau": 20 * ms, "target": 0.3, "eta": 0.002, "gain": 1.25},
    )  # fmt: skip
    S.connect()
    S.w = "0.03*rand()"
    return Network(source, cells, S, SpikeMonitor(cells), StateMonitor(S, "w", record=True, name="weights")), locals()


def short_term():
    """Depression and facilitation in the usual text, with weights and delays of each synapse."""
    rng = np.random.default_rng(8)
    source = SpikeGeneratorGroup(6, rng.integers(0, 6, 120), np.sort(rng.choice(950, 120, replace=False)) * 0.1 * ms,
                                 name="source")  # fmt: skip
    cells = NeuronGroup(
        5, "dv/dt = (-70*mV - v + g)/(10*ms) : volt\ndg/dt = -g/(5*ms) : volt", threshold="v > -62*mV",
        reset="v = -70*mV", method="exact", name="cells",
    )  # fmt: skip
    cells.v = -70 * mV
    S = Synapses(
        source, cells,
        """w : volt
        du/dt = -u/(30*ms) : 1 (event-driven)
        dx/dt = rec*(1 - x) : 1 (event-driven)""",
        on_pre="""u += U*(1 - u)
        r = u*x
        x -= r
        g += w*r""",
        name="S", namespace={"U": 0.4, "rec": 20 / brian2.second},
    )  # fmt: skip
    S.connect()
    S.x, S.w, S.delay = 1, "45*mV*rand()", "2*ms*rand()"
    return Network(source, cells, S, SpikeMonitor(cells), StateMonitor(cells, "g", record=True, name="of_g")), locals()


def split():
    """Exponential Euler of an equation that is not linear in its own variable (Morris and Lecar 1981)."""
    G = NeuronGroup(
        6,
        """dV/dt = (-2*nS*(V + 60*mV) - 4.4*nS*open*(V - 120*mV) - 8*nS*w*(V + 84*mV) + I)/(20*pF) : volt
        dw/dt = 0.08*cosh((V - 2*mV)/(60*mV))*(0.5*(1 + tanh((V - 2*mV)/(30*mV))) - w)/ms : 1
        open = 0.5*(1 + tanh((V + 1.2*mV)/(18*mV))) : 1
        I : amp""",
        threshold="V > 0*mV", refractory="V > 0*mV", method="exponential_euler", name="G",
    )  # fmt: skip
    G.V, G.w, G.I = "-60*mV + 5*mV*i", 0.01, "90*pA + 10*pA*i"
    return Network(G, SpikeMonitor(G), StateMonitor(G, "V", record=True, name="of_g")), locals()


def gap():
    """Membranes that are joined, as a sum over synapses in every step; and a neuron that another group drives."""
    G = NeuronGroup(
        8, "dv/dt = (1.05 - v + joined)/tau : 1\njoined : 1", threshold="v > 1", reset="v = 0", method="exact",
        name="G", namespace={"tau": 10 * ms},
    )  # fmt: skip
    G.v = "i/(N - 1.0)"
    H = NeuronGroup(
        3,
        """dx/dt = (0.4*level - x)/(5*ms) : volt
        level : volt
        gain : 1""",
        threshold="x > 1*mV + 0.1*level", reset="x = 0*mV", method="euler", name="H",
    )  # fmt: skip
    H.gain = "0.5 + 0.25*i"
    S = Synapses(G, G, "w : 1\njoined_post = w*(v_pre - v_post) : 1 (summed)", name="S")
    S.connect("i != j", p=0.7)
    S.w = "0.05*rand()"
    T = Synapses(G, H, "level_post = gain_post*v_pre*size : volt (summed)", namespace={"size": 4 * mV}, name="T")
    T.connect("i % 3 == j")
    traces = StateMonitor(G, "v", record=True, name="of_g"), StateMonitor(H, "x", record=True, name="of_h")
    return Network(G, H, S, T, *traces, SpikeMonitor(G), SpikeMonitor(H)), locals()


def clocked():
    """Gates of NMDA receptors, integrated in every synapse and summed, with a weight and a delay of each synapse."""
    rng = np.random.default_rng(9)
    source = SpikeGeneratorGroup(5, rng.integers(0, 5, 90), np.sort(rng.choice(900, 90, replace=False)) * 0.1 * ms,
                                 name="source")  # fmt: skip
    cells = NeuronGroup(
        6,
        """dv/dt = (-70*mV - v + drive*s_total)/(10*ms) : volt (unless refractory)
        s_total : 1""",
        threshold="v > -52*mV", reset="v = -62*mV", refractory=2 * ms, method="euler", name="cells",
        namespace={"drive": 14 * mV},
    )  # fmt: skip
    H = NeuronGroup(
        4, "dv/dt = (-70*mV - v + g)/(8*ms) : volt\ng : volt", threshold="v > -60*mV", reset="v = -70*mV",
        method="exponential_euler", name="H",
    )  # fmt: skip
    cells.v, H.v = -70 * mV, -70 * mV
    S = Synapses(
        source, cells,
        """w : 1
        ds/dt = -s/tau_d + a*x*(1 - s) : 1 (clock-driven)
        dx/dt = -x/tau_r : 1 (clock-driven)
        s_total_post = w*s : 1 (summed)""",
        on_pre="x += 1", method="euler", name="S", namespace={"tau_d": 40 * ms, "tau_r": 2 * ms, "a": 0.5 / ms},
    )  # fmt: skip
    S.connect()
    S.w = "0.5 + 0.5*rand()"
    S.delay = "1.5*ms*rand()"
    T = Synapses(
        cells, H,
        """w : volt
        fresh : 1
        dq/dt = -q/(6*ms + 0.5*ms*i) : 1 (clock-driven)
        g_post = w*q*(1 - 0.1*v_post/mV/70) : volt (summed)""",
        on_pre="q += 0.5*(1 + fresh); fresh = 0", on_post="q *= 0.5; fresh = 1", method="exact", name="T",
    )  # fmt: skip
    T.connect("(i + j) % 2 == 0")
    T.w, T.fresh = "30*mV*rand()", 1
    traces = StateMonitor(cells, "v", record=True, name="of_cells"), StateMonitor(H, "v", record=True, name="of_h")
    return Network(source, cells, H, S, T, *traces, SpikeMonitor(cells), SpikeMonitor(H)), locals()


def clocked_stdp():
    """The same rule, with traces that are integrated in every step."""
    source, cells = driven_cells()
    taupre, taupost, g_max, up = 20 * ms, 25 * ms, 0.4, 0.02
    S = Synapses(
        source, cells,
        """w : 1
        dapre/dt = -apre/taupre : 1 (clock-driven)
        dapost/dt = -apost/taupost : 1 (clock-driven)""",
        on_pre="ge += w; apre += up*g_max; w = clip(w + apost, 0, g_max)",
        on_post="apost -= 1.05*up*g_max; w = clip(w + apre, 0, g_max)", method="exact", name="S",
    )  # fmt: skip
    S.connect()
    S.w, S.delay = "0.3*rand()", "2*ms*rand()"
    return Network(source, cells, S, SpikeMonitor(cells), StateMonitor(S, "w", record=True, name="weights")), locals()


def reading():
    """Synapses whose equations read neurons on both sides, in all methods: of groups whose names come before and
    behind theirs; several sums into one group, of both sides and of parts; a sum as a coefficient.
    """
    rng = np.random.default_rng(12)
    source = SpikeGeneratorGroup(8, rng.integers(0, 8, 160), np.sort(rng.choice(950, 160, replace=False)) * 0.1 * ms,
                                 name="source")  # fmt: skip
    alpha = NeuronGroup(
        5,
        """dv/dt = (g_l*(-65*mV - v) + level - I_total + back)/C + reach*(0*mV - v)/C : volt (unless refractory)
        I_total : amp
        back : amp
        reach : siemens
        level : amp
        scale = 1 + 0.1*v/mV/60 : 1""",
        threshold="v > -50*mV", reset="v = -62*mV", refractory=2 * ms, method="euler", name="alpha",
        namespace={"g_l": 10 * nS, "C": 150 * pF},
    )  # fmt: skip
    zeta = NeuronGroup(
        6, "dv/dt = (-68*mV - v + open_*(0*mV - v) + kick)/(12*ms) : volt\nopen_ : 1\nkick : volt",
        threshold="v > -52*mV", reset="v = -66*mV", method="exact", name="zeta",
    )  # fmt: skip
    alpha.v, zeta.v, alpha.level = "-65*mV + i*mV", "-68*mV + 0.5*i*mV", "190*pA + 40*pA*i"
    S = Synapses(
        source, alpha,
        """dg/dt = (-g + x)/(6*ms) : siemens (clock-driven)
        dx/dt = -x/tau_r : siemens (clock-driven)
        tau_r : second (constant)
        w : siemens (constant)
        I_total_post = g*(v_post + 70*mV)*scale_post : amp (summed)""",
        on_pre="x += w", method="rk4", name="mid_s",
    )  # fmt: skip
    S.connect(p=0.7)
    S.w, S.tau_r, S.delay = "-(1 + 3*rand())*nS", "1*ms + rand()*ms", "2*ms*rand()"
    T = Synapses(
        alpha, zeta,
        """ds/dt = (open_gates - s)/(5*ms) + 0.004*(v_post + 68*mV)/mV/ms*s : 1 (clock-driven)
        open_gates = 0.5*(1 + tanh((v_pre + 57*mV)/(4*mV))) : 1
        w : 1
        open__post = w*s : 1 (summed)
        back_pre = 4*pA*s*(v_post - v_pre)/mV : amp (summed)""",
        method="euler", name="mid_t",
    )  # fmt: skip
    T.connect()
    T.w, T.s = "0.06 + 0.06*rand()", "0.1*rand()"
    U = Synapses(
        alpha, zeta[1:4],
        """dq/dt = -q*(1 + exp((v_post + 60*mV)/(10*mV)))/(4*ms) : volt (clock-driven)
        kick_post = q : volt (summed)""",
        on_pre="q += 2*mV*(1 + 0.1*j)", on_post="q *= 0.5", method="exponential_euler", name="mid_u",
    )  # fmt: skip
    U.connect("(i + j) % 2 == 0")
    V = Synapses(
        zeta, alpha,
        """dr/dt = -k*r**2 + (v_pre + 70*mV)*nS/mV/(50*ms) : siemens (clock-driven)
        reach_post = 0.02*r : siemens (summed)""",
        on_pre="r += 1*nS", delay=0.7 * ms, method="rk2", name="mid_v", namespace={"k": 0.1 / (nS * ms)},
    )  # fmt: skip
    V.connect("i == j")
    traces = (
        StateMonitor(alpha, ["v", "I_total"], record=True, name="of_alpha"),
        StateMonitor(zeta, ["v", "open_", "kick"], record=True, name="of_zeta"),
    )
    inner = StateMonitor(T, "s", record=[0, 11, 29], name="of_t"), StateMonitor(U, "q", record=True, name="of_u")
    spikes = SpikeMonitor(alpha), SpikeMonitor(zeta)
    return Network(source, alpha, zeta, S, T, U, V, *traces, *inner, *spikes), locals()


def calcium():
    """Synapses that pass on a state which spikes of both sides move, with delays on both, and membranes at the spikes;
    several numbers that change, names for a statement, pathways, and what decays by itself between spikes.
    """
    rng = np.random.default_rng(13)
    source = SpikeGeneratorGroup(10, rng.integers(0, 10, 260), np.sort(rng.choice(950, 260, replace=False)) * 0.1 * ms,
                                 name="source")  # fmt: skip
    cells = NeuronGroup(
        4,
        """dv/dt = (-70*mV - v + g)/(10*ms) : volt (unless refractory)
        dg/dt = -g/(4*ms) : volt
        du/dt = (v - u)/(8*ms) : volt
        gain : 1""",
        threshold="v > -58*mV", reset="v = -66*mV", refractory=1 * ms, method="exact", name="cells",
    )  # fmt: skip
    cells.v, cells.u, cells.gain = -70 * mV, -70 * mV, "1 + 0.1*i"
    S = Synapses(
        source, cells,
        """drho/dt = (-rho*(1 - rho)*(0.5 - rho) + 80*(1 - rho)*int(c > 1.3) - 40*rho*int(c > 1))/tau : 1 (clock-driven)
        dc/dt = -c/(15*ms) : 1 (clock-driven)
        tau : second (constant, shared)
        w : volt""",
        on_pre={"calcium": "c += 0.6", "act": "g_post += w*(0.5 + rho)*gain_post"}, on_post="c += 0.9", method="euler",
        name="S",
    )  # fmt: skip
    S.connect(p=0.8)
    S.tau, S.rho, S.w = 1000 * ms, "rand()", "3*mV + 5*mV*rand()"
    S.calcium.delay, S.act.delay, S.post.delay = 1.3 * ms, "1.5*ms*rand()", 0.4 * ms
    R = Synapses(
        source, cells,
        """w : volt
        up : volt
        dx/dt = -x/(16*ms) : 1 (event-driven)
        dy/dt = -y/(22*ms) : 1 (event-driven)""",
        on_pre="""bent = clip((u_post + 69*mV)/mV, 0, 4)
        w = clip(w - 0.05*mV*bent*y, 0*mV, 8*mV)
        up += 0.1*mV*bent; x += 1
        g += w + 0.1*up""",
        on_post="y += 1; w = clip(w + 0.2*x*up, 0*mV, 8*mV); up *= 0.9", name="R",
    )  # fmt: skip
    R.connect("(i + j) % 3 > 0")
    R.w, R.up, R.x, R.delay = "4*mV*rand()", "0.2*mV*rand()", "0.3*rand()", "1*ms*rand()"
    D = Synapses(
        source, cells,
        """w : volt
        part : 1
        rest : second
        dx/dt = (1 - x)/rest : 1 (event-driven)""",
        on_pre="r = part*x; x -= r; g += w*r", on_post="x += 0.2*(1 - x)", name="D",
    )  # fmt: skip
    D.connect(p=0.5)
    D.w, D.part, D.rest, D.x = "6*mV*rand()", "0.2 + 0.6*rand()", "10*ms + 40*ms*rand()", "rand()"
    E = Synapses(cells, cells, on_pre="g += 0.4*(u_post - u_pre)*gain_pre", delay=0.6 * ms, name="E")
    E.connect("i != j")
    traces = (
        StateMonitor(cells, ["v", "g"], record=True, name="of_cells"),
        StateMonitor(S, ["rho", "c"], record=[0, 5, 20], name="of_s"),
    )
    inner = StateMonitor(R, ["w", "up"], record=[0, 3, 12], name="of_r")
    return Network(source, cells, S, R, D, E, *traces, inner, SpikeMonitor(cells)), locals()


def poisson():
    """Sources that draw: rates as numbers and as text, and the sum of many."""
    steady = PoissonGroup(20, np.arange(1, 21) * 5 * Hz, name="steady")
    waxing = PoissonGroup(10, "300*Hz*(1 + sin(2*pi*t*20*Hz)) + i*10*Hz", name="waxing")
    cells = NeuronGroup(
        30, "dv/dt = -v/(20*ms) + noise*sqrt(2/(20*ms))*xi : 1", threshold="v > 1", reset="v = 0", method="euler",
        name="cells", namespace={"noise": 0.1},
    )  # fmt: skip
    S = Synapses(steady, cells, on_pre="v += 0.05", delay=1.5 * ms, name="S")
    S.connect(p=0.5)
    one = Synapses(waxing, cells, on_pre="v += 0.1", name="one")
    one.connect(j="i + 5")
    lossy = Synapses(steady, cells, on_pre="v += 0.1*int(rand() < 0.3)*(1 + 0.2*randn())", name="lossy")
    lossy.connect("j < 12")
    many = PoissonInput(cells[:10], "v", 100, 15 * Hz, weight=0.06)
    wave = TimedArray([1.0, 0.2, 0.6], dt=30 * ms)
    waving = PoissonInput(cells[10:20], "v", 60, 20 * Hz, weight="0.08*wave(t)")
    return Network(steady, waxing, cells, S, one, lossy, many, waving, SpikeMonitor(cells)), locals()


MADE = (
    lif,
    cuba,
    coba,
    hh,
    tables,
    stdp,
    inhibition,
    short_term,
    split,
    gap,
    clocked,
    clocked_stdp,
    reading,
    calcium,
    poisson,
)
CASES = {f.__name__: f for f in MADE}


def main():
    from jaxsnn.interop.brian2.reading import describe
    from jaxsnn.interop.brian2.stored import store_brian2

    brian2.prefs.codegen.target = "numpy"
    for name in sys.argv[1:] or CASES:
        brian2.seed(11)
        net, namespace = CASES[name]()
        description = describe(net, {**vars(brian2), **namespace})
        store_brian2(description, GOLDEN / f"{name}.npz")
        groups = [net[each] for each in description["groups"]]
        watched = [brian2.SpikeMonitor(each) for each in groups]
        net.add(*watched)
        out = {}
        if name == "poisson":
            net.store()
            for k in range(SEEDS):
                net.restore()
                brian2.seed(100 + k)
                net.run(STEPS * 0.1 * ms, namespace=namespace)
                for each, monitor in zip(groups, watched, strict=True):
                    out.setdefault(f"{each.name}.counts", []).append(len(monitor.i))
        else:
            net.run(STEPS * 0.1 * ms, namespace=namespace)
            for each, monitor in zip(groups, watched, strict=True):
                out[f"{each.name}.step"] = np.round(monitor.t / (0.1 * ms)).astype(np.int16)
                out[f"{each.name}.neuron"] = np.asarray(monitor.i, np.int16)
            for monitor in net.objects:
                if type(monitor).__name__ == "StateMonitor":
                    for variable in monitor.record_variables:
                        out[f"{monitor.name}.{variable}"] = np.asarray(getattr(monitor, variable), float).T[::5]
        np.savez_compressed(GOLDEN / f"{name}.out.npz", **{key: np.asarray(x) for key, x in out.items()})
        print(name, {key: np.shape(x) for key, x in out.items()})


if __name__ == "__main__":
    main()
