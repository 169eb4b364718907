"""Freezes what Lava's learning engine does to 36 rules in `tests/golden/lava_learning.npz`. Needs lava-nc 0.10.

    python tests/oracles/lava_learning.py            # a few seconds

Drives the process model itself (`PyLearningDenseModelBitApproximate`) with ports that hand in given spikes; nothing is
written unless `loihi_learning.py` gives the same in every variable and step.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import lava_import  # noqa: F401  # makes Lava importable
import numpy as np
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule
from lava.proc.dense.models import PyLearningDenseModelBitApproximate
from lava.proc.dense.process import LearningDense
from lava.utils.weightutils import SignMode
from loihi_learning import Engine

PRE, POST, STEPS = 7, 5, 160
SIGNS = {"mixed": SignMode.MIXED, "excitatory": SignMode.EXCITATORY, "inhibitory": SignMode.INHIBITORY}
GOLDEN = Path(__file__).parents[1] / "golden" / "lava_learning.npz"
WRITTEN = [  # rules of the literature: pairs, decay to zero, homeostasis, triplets, reward, all kinds of factors
    dict(dw="2^-1*y0*x1 - 2^-1*x0*y1"),
    dict(dw="2^-4*y0*x1 - 2^-5*u1*w"),
    dict(dw="2^-1*y0*x1*y2 - 2^-2*x0*y1", sign="excitatory"),
    dict(dw="2^-3*y0*x1 + u2*2^-2*(3) - 2^-4*u2*y3", sign="excitatory"),
    dict(dw="u0*t*y2*2^2", dt="2^-1*y0*x1 - 2^-1*x0*y1 - 2^-3*u0*t", received=["y1", "y2", "y3"]),
    dict(dw="x0*sgn(w - 3)*2^-1*(y1 - 5)", dt="x0*(x1 - 4) - y0*sgn(t)*3", dd="3*2^-2*x0*y1 - y0*(d + 1)*2^-3"),
    dict(dw="y0*x0*(x2 + 7)*2^-1 - x0*(y0 + 1)*2", sign="inhibitory"),
    dict(dw="2^3*u1*x1*y1 - 2^2*u1*(w + 20)*x2"),
]


def random_rule(rng, every):
    """One to three products of up to three factors, scaled so that something happens."""
    products = []
    for _ in range(rng.integers(1, 4)):
        dependency = rng.choice(["x0", "y0", f"u{every}"])
        factors, bits = [], 0
        for _ in range(rng.integers(0, 4)):
            name = rng.choice(["x1", "x2", "y1", "y2", "y3", "w", "t", "d", "x0", "y0"], p=[0.14] * 5 + [0.06] * 5)
            constant = int(rng.integers(-20, 21))
            form = rng.integers(3 if name in "wtd" else 2)
            bits += {"x0": 1, "y0": 1, "w": 9, "t": 9, "d": 9}.get(name, 7)
            shift = f"{name} {'+-'[constant < 0]} {abs(constant)}"
            factors.append([name, f"({shift})", f"sgn({shift})"][form])
        lost = max(0, bits + 4 - 15)
        exponent = int(np.clip(lost - bits + rng.integers(2, 8), -7, 8))
        mantissa = int(rng.choice([1, 1, 2, 3, 5, 7]))
        products.append("*".join([f"{mantissa}*2^{exponent}", dependency, *factors]))
    return "".join(f" {rng.choice(['+', '-'])} {p}" for p in products).strip().removeprefix("+ ")


def cases():
    for i in range(36):
        rng = np.random.default_rng(1000 + i)
        case = dict(WRITTEN[i]) if i < len(WRITTEN) else {}
        if not case:
            every = int(rng.integers(0, 3))
            names = ["dw", *(name for name in ("dt", "dd") if rng.random() < 0.6)]
            case = {name: random_rule(rng, every) for name in names}
            case["sign"] = str(rng.choice(["mixed", "mixed", "excitatory", "inhibitory"]))
            if i % 5 == 0:
                case["received"] = ["y1", "y2", "y3"]
        case.setdefault("sign", "mixed")
        case.setdefault("received", [])
        case["epoch"] = int([1, 2, 3, 4, 5, 8][i % 6])
        case["seed"] = int(rng.integers(1, 10**6))
        traces = {}
        for name in ("x1", "x2", "y1", "y2", "y3"):
            tau = float(rng.choice([0.0, 1.5, 4.0, 10.0, 20.0, 33.3], p=[0.05, 0.15, 0.2, 0.25, 0.2, 0.15]))
            traces[name] = (round(float(rng.uniform(3, 50)), int(rng.integers(0, 3))), tau)
        case["traces"] = traces | dict.fromkeys(case["received"], (0.0, 65535.0))
        yield i, case, rng


def data(case, rng):
    """Weights, tags, delays, spikes, and what comes in."""
    low, high = {"mixed": (-200, 200), "excitatory": (0, 250), "inhibitory": (-250, 0)}[case["sign"]]
    weight = rng.integers(low, high + 1, (PRE, POST)) // 2 * 2
    tag, delay = rng.integers(-60, 61, (PRE, POST)), rng.integers(0, 30, (PRE, POST))
    pre, post = rng.random((STEPS, PRE)) < 0.15, rng.random((STEPS, POST)) < 0.15
    received = rng.integers(0, 128, (STEPS, 3, POST)) * (rng.random((STEPS, 1, 1)) < 0.7)
    return weight, tag, delay, pre, post, received


def rule_of(case):
    flat = {f"{n}_{part}": v[k] for n, v in case["traces"].items() for k, part in enumerate(("impulse", "tau"))}
    strings = {name: case[name] for name in ("dw", "dt", "dd") if name in case}
    kind = Loihi3FLearningRule if case["received"] else Loihi2FLearningRule
    if case["received"]:
        flat = {name: value for name, value in flat.items() if name[0] == "x"}
    return kind(**strings, **flat, t_epoch=case["epoch"], rng_seed=case["seed"])


def table(rule):
    """Lava's own reading of the strings: (dependency, mantissa, exponent, [(variable, constant, is a sign)])."""
    return {
        target[1]: [
            (
                p.dependency + (str(p._decimate_exponent) if p.dependency == "u" else ""),
                int(p.s_mantissa),
                int(p.s_exp) - 7,
                [(f.state_var, int(f.const or 0), bool(f.is_sgn)) for f in p.factors],
            )
            for p in series.products
        ]
        for target, series in rule.active_product_series.items()
    }


class Port:
    """A port that hands in what it was given, and swallows what is sent."""

    def recv(self):
        return self.value

    def send(self, value):
        pass


def run(case, weight, tag, delay, pre, post, received):
    """Every variable after every step."""
    process = LearningDense(
        weights=weight.T.copy(), tag_1=tag.T.copy(), tag_2=delay.T.copy(), learning_rule=rule_of(case),
        sign_mode=SIGNS[case["sign"]],
    )  # fmt: skip
    parameters = process.proc_params
    model = PyLearningDenseModelBitApproximate(parameters)
    for name in ("x0", "y0"):
        setattr(model, name, np.zeros(getattr(process, name).shape, bool))
    for name in ("tx", "x1", "x2", "ty", "y1", "y2", "y3"):
        setattr(model, name, np.zeros(getattr(process, name).shape, int))
    model.weights, model.weights_set = weight.T.astype(np.int32), False
    model.tag_1, model.tag_2 = tag.T.astype(int), delay.T.astype(int)
    model.a_buff, model.num_message_bits = np.zeros(POST, np.int32), np.zeros(1, int)
    for name in ("s_in", "a_out", "s_in_bap", "s_in_y1", "s_in_y2", "s_in_y3"):
        setattr(model, name, Port())
    kept = {name: [] for name in ("w", "t", "d", "x1", "x2", "y1", "y2", "y3")}
    for step in range(STEPS):
        model.time_step = step + 1
        model.s_in.value, model.s_in_bap.value = pre[step], post[step]
        model.s_in_y1.value, model.s_in_y2.value, model.s_in_y3.value = received[step]
        model.run_spk()
        if model.lrn_guard():
            model.run_lrn()
        for name, value in (("w", model.weights), ("t", model.tag_1), ("d", model.tag_2)):
            kept[name].append(np.array(value).T)
        for name in ("x1", "x2", "y1", "y2", "y3"):
            kept[name].append(np.array(getattr(model, name)))
    return {name: np.array(values) for name, values in kept.items()}


def main():
    arrays, configurations, mismatches, compared = {}, [], 0, 0
    for i, case, rng in cases():
        weight, tag, delay, pre, post, received = given = data(case, rng)
        kept = run(case, *given)
        case["parsed"] = rules = table(rule_of(case))
        engine = Engine(
            rules, case["traces"], weight, tag=tag, delay=delay, epoch=case["epoch"], seed=case["seed"],
            sign=case["sign"], received=case["received"],
        )  # fmt: skip
        wrong = 0
        for step in range(STEPS):
            engine.step(pre[step], post[step], dict(zip(("y1", "y2", "y3"), received[step])))
            for name, value in (engine.synapse | engine.trace).items():
                wrong += np.sum(value != kept[name][step])
                compared += value.size
        changed = {name: int(np.sum(np.diff(kept[name], axis=0) != 0)) for name in "wtd"}
        print(i, {k: v for k, v in case.items() if k != "traces"}, "changes", changed, "oracle mismatches", wrong)
        mismatches += wrong
        configurations.append(case)
        arrays[f"{i}_spikes"] = np.packbits(np.concatenate([pre, post], axis=1), axis=0)
        arrays |= {f"{i}_start": np.stack([weight, tag, delay]).astype(np.int16)}
        if case["received"]:
            arrays[f"{i}_received"] = received.astype(np.uint8)
        for name in "wtd":
            arrays[f"{i}_{name}"] = kept[name][case["epoch"] - 1 :: case["epoch"]].astype(np.int16)
        for name in ("x1", "x2", "y1", "y2", "y3"):
            arrays[f"{i}_{name}"] = kept[name].astype(np.uint8)
    print("compared", compared, "mismatches", mismatches)
    assert mismatches == 0
    np.savez_compressed(GOLDEN, cases=json.dumps(configurations), **arrays)


if __name__ == "__main__":
    main()
