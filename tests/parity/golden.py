"""Golden files as networks of this library: `tests/oracles/README.md` states the format, `load` and `build` read it."""

import json
import pathlib
from typing import NamedTuple

import jax
import numpy as np

import jaxsnn as snn

FOLDER = pathlib.Path(__file__).parents[1] / "golden"
NAMES = sorted(path.stem for kind in ("nest", "brian2") for path in FOLDER.glob(f"{kind}_*.npz"))
MAX_DELAY = 3.1  # ms: room for d + 1 in every file, so that a changed delay needs no program of its own


class Golden(NamedTuple):
    """A file: its parameters, and its arrays with integers widened."""

    params: dict
    arrays: dict[str, np.ndarray]

    @property
    def spikes(self):
        """What the other simulator did, as a set of (step, neuron)."""
        return set(zip(self.arrays["step"].tolist(), self.arrays["neuron"].tolist(), strict=True))


def load(name):
    with np.load(FOLDER / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file.files if key != "params"}
        params = json.loads(str(file["params"]))
    wide = {np.dtype(np.int16): int, np.dtype(np.float32): float}
    return Golden(params, {key: x.astype(wide.get(x.dtype, x.dtype)) for key, x in arrays.items()})


def port(spec, held):
    made = {
        "delta": lambda: snn.Delta(),
        "exp": lambda: snn.Exponential(spec["tau"]),
        "frozen": lambda: snn.Exponential(spec["tau"], hold=snn.synapses.ZeroOrderHold()),
        "alpha": lambda: snn.Alpha(spec["tau"]),
        "cond": lambda: snn.Conductance(spec["tau"], spec["E"]),
    }[spec["kind"]]()
    return snn.UnlessRefractory(made) if held else made


def hearing(p):
    if not p["v_held"]:
        return snn.refractory.Ungated()
    return {"drop": snn.refractory.Clamp, "discount": snn.refractory.Buffer}[p["jump_held"]]()


def cell(p):
    hard = p["reset"] == "hard"
    return snn.LIF(
        tau=p["tau_m"],
        v_rest=p["E_L"],
        v_th=p["V_th"],
        v_reset=p["V_reset"] if hard else p["V_th"] - p["V_sub"],
        t_ref=p["R"] * p["dt"],
        bias=p["I_e"],
        gain=snn.gains.Resistance(p["gain"]),
        comparator={">=": snn.thresholds.GreaterEqual, ">": snn.thresholds.Greater}[p["comparator"]](),
        reset_mechanism=snn.resets.ToValue() if hard else snn.resets.Subtract(),
        refractory_input=hearing(p),
    )


def build(golden, **change):
    """The network and its drive. `change` overrides parameters; `delay_shift`, `delay_floor` change delays (steps)."""
    p = {"delay_shift": 0, "delay_floor": 0, **golden.params, **change}
    pre, post, weight, delay, step, neuron, v0 = (
        golden.arrays[key] for key in ("pre", "post", "weight", "delay", "in_step", "in_neuron", "v0")
    )
    delay = np.maximum(delay + p["delay_shift"], p["delay_floor"])

    def link(port, some):
        far = dict(delay=delay[some] * p["dt"], max_delay=MAX_DELAY)
        return snn.Connection("N", f"N.{port}", snn.FromArrays(pre[some], post[some]), weight=weight[some], **far)

    ports = {name: port(spec, p["port_held"]) for name, spec in p["ports"].items()}
    net = snn.network(
        dt=p["dt"],
        key=jax.random.key(0),
        populations={"N": snn.Population(cell(p), p["n"], ports=ports, init={"v": v0})},
        projections={"to_exc": link("exc", pre < p["n_exc"]), "to_inh": link("inh", pre >= p["n_exc"])},
        order={"nest": snn.NestOrder, "brian2": snn.BrianOrder}[p["order"]](),
    )
    raster = np.zeros((p["steps"], p["n"]))
    np.add.at(raster, (step, neuron), 1.0)
    return net, snn.Replay(jax.numpy.asarray(raster), into=f"N.{p['in_port']}", weight=p["w_in"])


def run(golden, compiler=snn.compilers.XLA(), **change):
    """The library's spikes as a set of (step, neuron), and `v` of the traced neurons, row `j` at time `t_(j+1)`."""
    net, drive = build(golden, **change)
    record = {"spikes": snn.Raster("N"), "v": snn.Trace("N.v", index=golden.arrays["trace_neuron"])}
    steps, quiet = golden.params["steps"], snn.progress.Quiet()
    key = jax.random.key(0)
    out = snn.simulate(net, drive, steps=steps, key=key, record=record, progress=quiet, compiler=compiler)
    step, neuron = out["spikes"].events()
    return set(zip(step.tolist(), neuron.tolist(), strict=True)), np.asarray(out["v"])
