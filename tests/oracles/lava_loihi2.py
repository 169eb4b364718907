"""Freezes `tests/golden/lava_loihi2.npz`: Lava 0.10's fixed-point models of the kinds of cells that Loihi 2 has.

Every kind, and LIF, hears one input of graded spikes through a Dense and itself through another, a DelayDense where
there are delays. A third of the configurations is driven beyond what registers hold. Models are made from Lava's
processes as its builder makes them, and driven step by step without the runtime; that they give the same in Lava's
runtime is checked for some. Needs lava-nc 0.10 with numpy < 2. Run from the repository root; `... lava_loihi2.py 400
FILE` writes another number of configurations elsewhere, which `python -m tests.chips.loihi.loihi2 FILE` compares.
"""

import lava_import  # noqa: F401  # isort: skip
import sys

import loihi_cases
import numpy as np
from lava.magma.core.model.py.type import LavaPyType
from lava.proc.atrlif.models import PyATRLIFModelFixed
from lava.proc.atrlif.process import ATRLIF
from lava.proc.conv.models import PyConvModelFixed
from lava.proc.conv.process import Conv
from lava.proc.dense.models import PyDelayDenseModelBitAcc, PyDenseModelBitAcc
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.graded.models import PyGradedReluVecModelFixed, PyGradedVecModelFixed
from lava.proc.graded.process import GradedReluVec, GradedVec
from lava.proc.lif.models import PyLifModelBitAcc, PyLifResetModelBitAcc, PyTernLifModelFixed
from lava.proc.lif.process import LIF, LIFReset, TernaryLIF
from lava.proc.prodneuron.models import PyProdNeuronModelFixed
from lava.proc.prodneuron.process import ProdNeuron
from lava.proc.resfire.models import PyRFZeroModelFixed
from lava.proc.resfire.process import RFZero
from lava.proc.rf.models import PyRFModelFixed
from lava.proc.rf.process import RF
from lava.proc.rf_iz.models import PyRF_IZModelFixed
from lava.proc.rf_iz.process import RF_IZ
from lava.proc.sdn.models import PyDeltaModelFixed, PySigmaDeltaModelFixed, PySigmaModelFixed
from lava.proc.sdn.process import ActivationMode, Delta, Sigma, SigmaDelta
from lava.proc.sparse.models import PySparseModelBitAcc
from lava.proc.sparse.process import Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix

SIGN = {"mixed": SignMode.MIXED, "exc": SignMode.EXCITATORY, "inh": SignMode.INHIBITORY}
N, M, STEPS = 4, 3, 20
DELAYED = ("cuba", "ternary", "graded", "delta", "resonator")  # have delays of their own on what they send themselves
SHAPE = (N,)


# --- kinds: how registers are drawn, what process of Lava has them, and where its model keeps its state ---


def leaky(r, reach):
    """Registers of LIF and its kin: decays, threshold and bias."""
    decay = lambda: int(r.choice([1, 4096]) if r.random() < 0.2 else r.integers(1, 4097))
    top = int(np.clip(reach * r.uniform(0.1, 1.5), 1, 131071))
    bias = {"bias": r.integers(-4095, 4096, N), "bias_exponent": r.integers(0, 8, N)}
    return {"decay_u": decay(), "decay_v": decay() - 1, **bias}, top


def lava_leaky(c):
    return {
        "shape": SHAPE,
        "du": c["decay_u"] - 1,
        "dv": c["decay_v"],
        "bias_mant": c["bias"],
        "bias_exp": c["bias_exponent"],
    }


def threshold(r, reach, most=2**23 - 1):
    return int(np.clip(reach * r.uniform(0.05, 1.2), 0, most))


def draw_cuba(r, reach):
    registers, top = leaky(r, reach)
    return {**registers, "threshold": top}


def draw_ternary(r, reach):
    registers, top = leaky(r, reach)
    return {**registers, "upper": top, "lower": int(-top * r.uniform(0.2, 1.0)) if r.random() < 0.9 else top - 1}


def draw_reset(r, reach):
    return {**draw_cuba(r, reach), "interval": int(r.integers(1, 12)), "offset": int(r.integers(0, 15))}


def draw_adaptive(r, reach):
    registers, top = leaky(r, reach)
    more = {"decay_theta": int(r.integers(0, 4097)), "decay_r": int(r.integers(0, 4097))}
    return {**registers, **more, "threshold": top, "step_up": int(r.integers(0, 2 * top + 1) % 131072)}


def draw_delta(r, reach):
    spike, state = (int(x) for x in r.integers(0, 5, 2))
    vth = threshold(r, reach / 4, (2**23 - 1) >> (spike + state))
    return {"threshold": vth << (spike + state), "spike_exponent": spike, "state_exponent": state}


def draw_sigma_delta(r, reach):
    c = draw_delta(r, reach)
    power = c["spike_exponent"] + c["state_exponent"]
    most = min(reach / 8, 2.0 ** (23 - power) - 1)
    return {**c, "bias": int(r.uniform(-most, most)) << power}


def draw_product(r, reach):
    exponent = int(r.integers(0, 20))
    return {"exponent": exponent, "threshold": threshold(r, min(reach**2 / 2**exponent / 8, 2.0**24))}


def draw_resonator(r, reach):
    c = {"period": float(r.uniform(2.1, 30.0)), "loss": float(r.uniform(0.0, 0.3)), "bits": int(r.integers(6, 16))}
    state = int(r.integers(0, 7))
    return {**c, "state_exponent": state, "threshold": threshold(r, reach, (2**23 - 1) >> state) << state}


def draw_phase(r, reach):
    return {"frequency": r.uniform(20.0, 300.0, N), "tau": r.uniform(0.002, 0.1, N), "threshold": threshold(r, reach)}


def lava_sigma_delta(c, **choice):
    power = c["spike_exponent"] + c["state_exponent"]
    exponents = {"spike_exp": c["spike_exponent"], "state_exp": c["state_exponent"]}
    return SigmaDelta(shape=SHAPE, vth=c["threshold"] >> power, bias=c["bias"] >> power, **exponents, **choice)


def lava_delta(c, **choice):
    exponents = {"spike_exp": c["spike_exponent"], "state_exp": c["state_exponent"]}
    return Delta(shape=SHAPE, vth=c["threshold"] >> sum(exponents.values()), **exponents, **choice)


def lava_adaptive(c):
    deltas = {"delta_i": (c["decay_u"] - 1) / 4096, "delta_v": c["decay_v"] / 4096}
    deltas |= {"delta_theta": c["decay_theta"] / 4096, "delta_r": c["decay_r"] / 4096}
    bias = {"bias_mant": c["bias"], "bias_exp": c["bias_exponent"]}
    return ATRLIF(shape=SHAPE, theta_0=c["threshold"], theta_step=c["step_up"], **deltas, **bias)


def lava_resonator(process):
    def make(c):
        vth, e = c["threshold"] >> c["state_exponent"], c["state_exponent"]
        made = process(SHAPE, c["period"], c["loss"], state_exp=e, decay_bits=c["bits"], vth=vth)
        c |= {"sin": int(made.sin_decay.init), "cos": int(made.cos_decay.init)}  # what Lava makes of the period
        return made

    return make


def lava_phase(c):
    made = RFZero(SHAPE, c["frequency"], c["tau"], uth=c["threshold"])
    c |= {"sin": made.lst.init, "cos": made.lct.init}
    return made


class Kind:
    """`ports`: of what arrives. `states`: ours by Lava's name. `graded`: whether amplitudes are sent, not spikes."""

    def __init__(self, draw, process, model, states, *, ports=("a_in",), graded=False, signs=("mixed", "mixed")):
        self.draw, self.process, self.model, self.states = draw, process, model, states
        self.ports, self.graded, self.signs = ports, graded, signs


UV, BOTH = {"u": "u", "v": "v"}, ("a_real_in", "a_imag_in")
CHANGES = {"act": "act", "residue": "residue", "error": "error"}
KINDS = {
    "cuba": Kind(
        draw_cuba, lambda c: LIF(**lava_leaky(c), vth=c["threshold"]), PyLifModelBitAcc, UV, signs=("exc", "mixed")
    ),
    "ternary": Kind(
        draw_ternary,
        lambda c: ternary(c),
        PyTernLifModelFixed,
        UV,
        graded=True,
    ),
    "reset": Kind(
        draw_reset,
        lambda c: LIFReset(**lava_leaky(c), vth=c["threshold"], reset_interval=c["interval"], reset_offset=c["offset"]),
        PyLifResetModelBitAcc,
        UV,
        signs=("mixed", "inh"),
    ),
    "adaptive": Kind(
        draw_adaptive, lava_adaptive, PyATRLIFModelFixed, {"u": "i", "v": "v", "theta": "theta", "r": "r"}
    ),
    "graded": Kind(
        lambda r, reach: {"threshold": threshold(r, reach)},
        lambda c: GradedVec(SHAPE, c["threshold"]),
        PyGradedVecModelFixed,
        {},
        graded=True,
    ),
    "relu": Kind(
        lambda r, reach: {"threshold": threshold(r, reach)},
        lambda c: GradedReluVec(SHAPE, c["threshold"]),
        PyGradedReluVecModelFixed,
        {},
        graded=True,
        signs=("mixed", "inh"),
    ),
    "product": Kind(
        draw_product,
        lambda c: ProdNeuron(SHAPE, c["threshold"], c["exponent"]),
        PyProdNeuronModelFixed,
        {},
        ports=("a_in1", "a_in2"),
        graded=True,
    ),
    "sigma": Kind(
        lambda r, reach: {}, lambda c: Sigma(shape=SHAPE), PySigmaModelFixed, {"sigma": "sigma"}, graded=True
    ),
    "delta": Kind(draw_delta, lava_delta, PyDeltaModelFixed, CHANGES, graded=True),
    "delta_summed": Kind(draw_delta, lambda c: lava_delta(c, cum_error=True), PyDeltaModelFixed, CHANGES, graded=True),
    "sigma_delta": Kind(
        draw_sigma_delta, lava_sigma_delta, PySigmaDeltaModelFixed, {"sigma": "sigma", **CHANGES}, graded=True
    ),
    "sigma_delta_unit_summed": Kind(
        draw_sigma_delta,
        lambda c: lava_sigma_delta(c, act_mode=ActivationMode.UNIT, cum_error=True),
        PySigmaDeltaModelFixed,
        {"sigma": "sigma", **CHANGES},
        graded=True,
        signs=("exc", "inh"),
    ),
    "resonator": Kind(draw_resonator, lava_resonator(RF), PyRFModelFixed, {"real": "real", "imag": "imag"}, ports=BOTH),
    "izhikevich": Kind(
        draw_resonator, lava_resonator(RF_IZ), PyRF_IZModelFixed, {"real": "real", "imag": "imag"}, ports=BOTH
    ),
    "phase": Kind(draw_phase, lava_phase, PyRFZeroModelFixed, UV, ports=("u_in", "v_in"), graded=True),
}


def ternary(c):
    """Lava refuses a lower threshold above the upper one as numbers, not as arrays."""
    both = {"vth_hi": np.array([c["upper"]]), "vth_lo": np.array([c["lower"]])}
    return TernaryLIF(**lava_leaky(c), **both)


# --- Lava's models without its runtime ---


class Port:
    """What channels and ports do: cast to the sender's type, and add to zeros of the receiver's."""

    def __init__(self, lava_type, shape):
        self.dtype, self.shape, self.values = lava_type.d_type, shape, []

    def send(self, value):
        self.values = [np.asarray(value).astype(self.dtype)]

    def recv(self):
        total = np.zeros(self.shape, self.dtype)
        for value in self.values:
            total = total + value
        return total


def built(model, process):
    """A model with the variables and ports that Lava's builder would give it."""
    made = model(process.proc_params)
    types = {
        name: kind for cls in model.__mro__[::-1] for name, kind in vars(cls).items() if isinstance(kind, LavaPyType)
    }
    for var in process.vars:
        kind = types.get(var.name)
        if kind is None:
            continue
        if issubclass(kind.cls, np.ndarray):
            value = np.ndarray(var.shape, kind.d_type)
            value[:] = var.init
        else:
            value = var.init
        setattr(made, var.name, value)
    for port in [*process.in_ports, *process.out_ports]:
        setattr(made, port.name, Port(types[port.name], port.shape))
    made.time_step = 0
    return made


def step(model):
    model.time_step += 1
    model.run_spk()


def link_process(link, weight, delay, graded):
    """The Dense or DelayDense of a part of a link's receivers."""
    parameters = {"weight_exp": link["exponent"], "num_weight_bits": link["bits"], "sign_mode": SIGN[link["sign"]]}
    parameters |= {"num_message_bits": 24 if graded else 0, "weights": weight.T.copy()}
    if delay.any():
        return DelayDense(**parameters, delays=delay.T.copy(), max_delay=int(delay.max())), PyDelayDenseModelBitAcc
    return Dense(**parameters), PyDenseModelBitAcc


def halves(link, inlets):
    """Weights and delays into every inlet."""
    return [(link["weight"][:, i * N : (i + 1) * N], link["delay"][:, i * N : (i + 1) * N]) for i in range(inlets)]


def lava(kind, c, links, raster):
    """States and what was sent, in every step; and whether a sum that Lava has in 64 bits needed more than 32."""
    cells = built(kind.model, kind.process(c))
    into = {key: [] for key in links}
    for key, link in links.items():
        graded = key == "in" or kind.graded
        for weight, delay in halves(link, len(kind.ports)):
            process, model = link_process(link, weight, delay, graded)
            into[key].append(built(model, process))
    out = {name: [] for name in (*kind.states, "s")}
    wide = False
    for row in raster:
        for i, port in enumerate(kind.ports):
            heard = [m.a_buff if m.a_buff.ndim == 1 else m.a_buff[:, 0] for m in (into[key][i] for key in links)]
            getattr(cells, port).values = [np.asarray(a).astype(np.int32) for a in heard]
        step(cells)
        sent = cells.s_out.values[0]
        for name, theirs in kind.states.items():
            out[name].append(np.array(getattr(cells, theirs)))
        out["s"].append(np.array(sent))
        for key in links:
            for m in into[key]:
                m.s_in.values = [row.astype(np.int32) if key == "in" else sent]
                m.run_spk()
                if isinstance(m, PyDelayDenseModelBitAcc):
                    products = np.abs(m.weights.astype(np.int64)) @ np.abs(m.s_in.values[0].astype(np.int64))
                    wide |= bool(products.max() >= 2**31)
    return {name: np.array(rows, np.int64) for name, rows in out.items()}, wide


def in_the_runtime(kind, c, links, raster):
    """The same in Lava's own runtime."""
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.proc.io.source import RingBuffer
    from lava.proc.monitor.process import Monitor

    cells, source = kind.process(c), RingBuffer(data=raster.T.astype(np.int32))
    for key, link in links.items():
        for (weight, delay), port in zip(halves(link, len(kind.ports)), kind.ports, strict=True):
            process, _ = link_process(link, weight, delay, key == "in" or kind.graded)
            (source if key == "in" else cells).s_out.connect(process.s_in)
            process.a_out.connect(getattr(cells, port))
    monitors = {name: Monitor() for name in (*kind.states, "s")}
    for name, monitor in monitors.items():
        monitor.probe(cells.s_out if name == "s" else getattr(cells, kind.states[name]), STEPS)
    cells.run(condition=RunSteps(num_steps=STEPS), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    key = lambda name: "s_out" if name == "s" else kind.states[name]
    got = {name: m.get_data()[cells.name][key(name)].astype(np.int64) for name, m in monitors.items()}
    cells.stop()
    return got


# --- what carries graded spikes: a sparse matrix, which must be the Dense, and convolutions ---


def sparse_is_dense(seed):
    """Mismatches of Lava's Sparse and its Dense under the same amplitudes, far beyond what registers hold too."""
    r = np.random.default_rng(seed)
    weight = loihi_cases.weights(r, (6, 5), "mixed", 0.6)
    common = {"weight_exp": int(r.integers(-6, 8)), "num_weight_bits": int(r.integers(1, 9)), "num_message_bits": 24}
    common |= {"sign_mode": SignMode.MIXED}
    dense = built(PyDenseModelBitAcc, Dense(weights=weight.T.copy(), **common))
    sparse = built(PySparseModelBitAcc, Sparse(weights=csr_matrix(weight.T), **common))
    wrong = 0
    for _ in range(20):
        for model in (dense, sparse):
            model.s_in.values = [r.integers(-(2**23), 2**23, 6).astype(np.int32)]
        sparse.s_in.values = dense.s_in.values
        dense.run_spk(), sparse.run_spk()
        wrong += int(np.sum(dense.a_buff != sparse.a_buff))
    return wrong


def convolution(seed):
    """What Conv makes of images of amplitudes: `(channels, rows, columns)` here, the reverse in Lava.

    It sums in float64 and casts to int32, which is defined below 2^31: amplitudes are as large as that allows.
    """
    r = np.random.default_rng(seed)
    groups = int(r.integers(1, 3))
    stride, padding, dilation = (r.integers(low, 3, 2) for low in (1, 0, 1))
    kernel = r.integers(-128, 128, (4, 4 // groups, 2, 3))
    most = 2**31 // (kernel[0].size * 128) - 1
    images = r.integers(-most, most + 1, (3, 4, 5, 6))
    theirs = np.ascontiguousarray(kernel.transpose(0, 3, 2, 1)[:, ::-1, ::-1])
    process = Conv(
        weight=theirs, weight_exp=0, input_shape=(6, 5, 4), stride=tuple(stride[::-1].tolist()), groups=groups,
        padding=tuple(padding[::-1].tolist()), dilation=tuple(dilation[::-1].tolist()), num_message_bits=24,
    )  # fmt: skip
    model, out = built(PyConvModelFixed, process), []
    for image in images:
        model.s_in.values = [image.transpose(2, 1, 0).astype(np.int32)]
        model.run_spk()
        out.append(np.asarray(model.a_buf).transpose(2, 1, 0))
    geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": np.array(groups)}
    return {"kernel": kernel, "images": images, **geometry, "result": np.array(out, np.int64)}


# --- configurations ---


def drawn(seed):
    """Amplitudes of the input: signed, small or large; every third configuration is wild."""
    r = np.random.default_rng(seed)
    wild = seed % 3 == 0
    size = int(2 ** (r.uniform(14, 23) if wild else r.uniform(0, 9)))
    raster = np.where(r.random((STEPS, M)) < 0.6, r.integers(-size, size + 1, (STEPS, M)), 0)
    return raster, size, wild


def case(name, kind, seed, size, wild):
    """Registers and synapses of one kind of cells."""
    r = np.random.default_rng([seed, sorted(KINDS).index(name)])
    inlets = len(kind.ports)
    exponent = int(r.integers(0, 8) if wild else r.integers(-6, 3))
    reach = size * 120.0 * 2.0**exponent
    if kind.graded and name != "ternary":
        back = int(r.integers(-8, 8) if wild else r.integers(-8, -6))
    else:
        back = int(np.clip(np.log2(reach / 100.0) + r.uniform(-1, 2), -6, 7))
    link = lambda n_pre, sign, exponent, density, delay: {
        "weight": loihi_cases.weights(r, (n_pre, inlets * N), sign, density),
        "exponent": exponent,
        "bits": int(r.integers(3, 9)),
        "sign": sign,
        "delay": delay,
    }
    delayed = name in DELAYED and not wild
    delay = r.integers(0, 3, (N, inlets * N)) if delayed else np.zeros((N, inlets * N), int)
    links = {
        "in": link(M, kind.signs[0], exponent, 0.9, np.zeros((M, inlets * N), int)),
        "back": link(N, kind.signs[1], back, 0.5, delay),
    }
    return kind.draw(r, reach), links


def results(seeds, *, in_runtime):
    """Everything as one array a number, over all configurations; and how often the runtime was another."""
    flat, differ, checked, moved = {}, 0, 0, 0
    inputs = [drawn(seed) for seed in seeds]
    flat["input"] = np.array([raster for raster, _, _ in inputs])
    for name, kind in KINDS.items():
        rows = {}
        for i, (seed, (raster, size, wild)) in enumerate(zip(seeds, inputs, strict=True)):
            c, links = case(name, kind, seed, size, wild)
            result, wide = lava(kind, c, links, raster)
            if wide:  # Lava sums in 64 bits where there are delays, and nowhere else
                links["back"]["delay"] = np.zeros_like(links["back"]["delay"])
                result, _ = lava(kind, c, links, raster)
                moved += 1
            if i < in_runtime:
                there = in_the_runtime(kind, c, links, raster)
                found = {key: int(np.sum(there[key] != result[key])) for key in result}
                if any(found.values()):
                    print(f"{name}, seed {seed}: the runtime differs in {found}")
                differ, checked = differ + sum(found.values()), checked + 1
            values = {f"cells.{key}": value for key, value in c.items()}
            for key, link in links.items():
                values |= {f"{key}.{part}": value for part, value in link.items() if part != "sign"}
            values |= {f"result.{key}": value for key, value in result.items()}
            for key, value in values.items():
                rows.setdefault(key, []).append(value)
        for key, value in rows.items():
            value = np.array(value)
            flat[f"{name}.{key}"] = value if value.dtype.kind == "f" else loihi_cases.small(value)
        flat[f"{name}.signs"] = np.array(kind.signs)
        sent = np.array(rows["result.s"])
        print(
            f"{name}: {len(seeds)} configurations, {np.mean(np.any(sent != 0, axis=(1, 2))):.2f} of them send something"
        )
    print(f"the runtime: {checked} checked, {differ} numbers differ; {moved} without delays, as sums need 64 bits")
    assert differ == 0
    return flat


if __name__ == "__main__":
    count, path = (int(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 1 else (30, loihi_cases.GOLDEN / "lava_loihi2.npz")
    assert sum(sparse_is_dense(seed) for seed in range(200)) == 0
    flat = results(range(5000, 5000 + count), in_runtime=2 if len(sys.argv) == 1 else 0)
    for i in range(4):
        flat |= {f"conv{i}.{key}": loihi_cases.small(np.asarray(value)) for key, value in convolution(i).items()}
    np.savez_compressed(path, **flat)
