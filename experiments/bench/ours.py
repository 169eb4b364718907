"""Our side of a workload, one process: builds and compiles once, then prints a JSON line for every run.

    python -m experiments.bench.ours cuba --seconds 1 --repeat 3

`us_per_step` of `cuba` is the wall time of `simulate` on a network that is there, its start and end included. Sweeps
make the graphs inside the compiled program: their time holds everything but `compile_s`. As in the peers' scripts,
spikes are only counted.
"""

import argparse
import dataclasses
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.cli import load

from .cores import SIZES, TWO, measure_cores
from .loihi import measure_loihi, measure_loihi_batch
from .taken import measure_taken
from .train import measure_train

Line = dict[str, Any]
Compiler = snn.compilers.AbstractCompiler
COMPILERS = {"xla": snn.compilers.XLA(), "c": snn.compilers.C(required=True)}
EXPERIMENTS = Path(__file__).parents[1]
brunel, cuba = load(EXPERIMENTS / "brunel.py"), load(EXPERIMENTS / "cuba.py")


def by_equations(net: snn.Network) -> snn.Network:
    """Brian2's CUBA with its cells as the text that they are there: synapses add to variables of the neuron."""
    cell = snn.equations.neuron(
        """dv/dt = (exc + inh - (v - El))/(20*ms) : volt (unless refractory)
        dexc/dt = -exc/(5*ms) : volt
        dinh/dt = -inh/(10*ms) : volt""",
        threshold="v > Vt", reset="v = Vr", refractory="5*ms", method="exact", El="-49*mV", Vt="-50*mV", Vr="-60*mV",
    )  # fmt: skip
    populations = {
        name: dataclasses.replace(p, neuron=cell(), ports=cell.into("exc", "inh"))
        for name, p in net.populations.items()
    }
    return dataclasses.replace(net, populations=populations)


def measure_cuba(compiler: Compiler, seconds: float, equations: bool = False) -> Iterator[Line]:
    """Brian2's `examples/CUBA.py`, once after the other from the same start."""
    net, _ = cuba.network(cuba.VARIANTS["b2_cuba"], key=jax.random.key(1))
    net = by_equations(net) if equations else net
    steps = round(seconds * 1e3 / cuba.DT)

    def run() -> tuple[float, float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        probes = {p: snn.Count(p) for p in cuba.SIZES}
        out = snn.simulate(
            net, steps=steps, key=jax.random.key(2), record=probes, progress=snn.progress.Quiet(), compiler=compiler
        )
        spikes = sum(float(jnp.sum(out[p])) for p in cuba.SIZES)
        return time.perf_counter() - wall, time.process_time() - cpu, spikes / sum(cuba.SIZES.values()) / seconds

    first, _, _ = run()
    while True:
        wall, cpu, rate = run()
        line = {"steps": steps, "threads": 1, "us_per_step": wall * 1e6 / steps, "cpu_us_per_step": cpu * 1e6 / steps}
        yield line | {"compile_s": first - wall, "rate_hz": rate}


def measure_sweep(experiment: Callable[..., Any], space: Any, steps: int, threads: int = 2) -> Iterator[Line]:
    """A sweep whose experiment returns `rate_hz`."""
    while True:
        cpu = time.process_time()
        ds = snn.sweep(
            experiment, snn.zipped(space), key=jax.random.key(1), threads=threads, progress=snn.progress.Quiet()
        )
        cpu, seconds = time.process_time() - cpu, ds.attrs["wall_s"] - ds.attrs["compile_s"]
        points = ds.sizes["point"]
        line = {"steps": steps, "points": points, "threads": threads, "seconds": seconds}
        line |= {"us_per_step": seconds * 1e6 / steps / points, "compile_s": ds.attrs["compile_s"]}
        rates = ds.rate_hz.values
        yield line | {"rate_hz": float(rates.mean()), "rates_hz": [round(float(rate), 3) for rate in rates]}


def cuba_point(compiler: Compiler, seconds: float) -> Callable[[Any, Any], Line]:
    """An experiment: CUBA with all weights times `scale`, on a graph of its own."""
    steps = round(seconds * 1e3 / cuba.DT)

    def experiment(point: Any, key: Any) -> Line:
        net, _ = cuba.network(cuba.VARIANTS["b2_cuba"], excitation=point["scale"], inhibition=point["scale"], key=key)
        run = snn.simulate(net, steps=steps, key=key, record={p: snn.Count(p) for p in cuba.SIZES}, compiler=compiler)
        spikes = sum(jnp.sum(run[p]) for p in cuba.SIZES)
        return {"rate_hz": spikes / (sum(cuba.SIZES.values()) * seconds), "status": run.status}

    return experiment


def measure_cuba_sweep(compiler: Compiler, seconds: float, points: int = 16, threads: int = 2) -> Iterator[Line]:
    """Weights scaled by 0.99 .. 1.01, each point with a graph of its own."""
    space = {"scale": snn.Axis(1.0, values=np.linspace(0.99, 1.01, points).tolist()), "seed": snn.Seeds(points)}
    return measure_sweep(cuba_point(compiler, seconds), space, round(seconds * 1e3 / cuba.DT), threads)


def measure_cuba_points(compiler: Compiler, seconds: float, points: int, threads: int = 2) -> Iterator[Line]:
    """The points of `measure_cuba_sweep` as one would call them without a sweep: a compiled function, by threads."""
    steps, scales = round(seconds * 1e3 / cuba.DT), np.linspace(0.99, 1.01, points, dtype=np.float32)
    keys = jax.random.split(jax.random.key(1), points)
    one = jax.jit(lambda scale, key: cuba_point(compiler, seconds)({"scale": scale}, key)["rate_hz"])
    compiling = time.perf_counter()
    one(scales[0], keys[0]).block_until_ready()
    compiling = time.perf_counter() - compiling
    while True:
        wall = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            rates = list(pool.map(lambda i: float(one(scales[i], keys[i])), range(points)))
        wall = time.perf_counter() - wall
        line = {"steps": steps, "points": points, "threads": threads, "seconds": wall, "compile_s": compiling}
        yield line | {"us_per_step": wall * 1e6 / steps / points, "rate_hz": float(np.mean(rates))}


def measure_brunel_sweep(compiler: Compiler, seconds: float, points: str) -> Iterator[Line]:
    """Points `g:eta,g:eta,...`, all on one graph."""
    steps, n = round(seconds * 1e3 / brunel.DT), 2500

    def experiment(point: Any, key: Any) -> Line:
        net = brunel.balanced(g=point["g"], n=n, key=key)
        threshold_rate = 1e3 * brunel.V_TH / (brunel.J * brunel.TAU)
        drive = snn.Poisson(point["eta"] * threshold_rate, brunel.J, into=("E", "I"), most=10.0)
        run = snn.simulate(
            net, drive, steps=steps, key=key, record={p: snn.Count(p) for p in ("E", "I")}, compiler=compiler
        )
        return {"rate_hz": sum(jnp.sum(run[p]) for p in ("E", "I")) / (n * seconds), "status": run.status}

    g, eta = np.array([point.split(":") for point in points.split(",")], float).T
    return measure_sweep(experiment, {"g": snn.Axis(5.0, values=g), "eta": snn.Axis(2.0, values=eta)}, steps)


def measure_plasticity(compiler: Compiler, seconds: float, n: int = 4000, fan_out: int = 250) -> Iterator[Line]:
    """10^6 synapses, 5 Hz on both sides, with pair STDP and (`static_us_per_step`) without."""
    cell = snn.LIF(tau=10.0, v_th=50.0, v_reset=0.0, comparator=snn.thresholds.Greater())
    ports = {"syn": snn.Exponential(5.0), "kick": snn.Delta()}
    populations = {"in": snn.SpikeSource(n), "out": snn.Population(cell, n, ports=ports)}
    drive = snn.Poisson(5.0, into="in") + snn.Poisson(5.0, 100.0, into="out.kick")
    steps = round(seconds * 1e4)

    def network(rule: Any) -> snn.Network:
        link = snn.Connection(
            "in", "out.syn", snn.FixedOutDegree(fan_out), weight=snn.Uniform(0.0, 1e-3), delay=1.0, rule=rule
        )
        return snn.network(
            dt=0.1,
            key=jax.random.key(1),
            order=snn.BrianOrder(),
            populations=populations,
            projections={"learnt": link},
        )

    def run(net: snn.Network) -> tuple[float, float]:
        start = time.perf_counter()
        out = snn.simulate(
            net,
            drive,
            steps=steps,
            key=jax.random.key(2),
            record=snn.Count("out"),
            progress=snn.progress.Quiet(),
            compiler=compiler,
        )
        rate = float(jnp.sum(out.record)) / n / seconds
        return time.perf_counter() - start, rate

    plastic, static = network(snn.chain(snn.PairSTDP(1e-5, 1.05e-5), snn.Bound(0.0, 1e-3))), network(None)
    first, _ = run(plastic)
    run(static)
    while True:
        cpu = time.process_time()
        wall, rate = run(plastic)
        cpu, (still, _) = time.process_time() - cpu, run(static)
        line = {"steps": steps, "threads": 1, "us_per_step": wall * 1e6 / steps, "cpu_us_per_step": cpu * 1e6 / steps}
        line |= {"static_us_per_step": still * 1e6 / steps, "ratio_to_static": wall / still}
        yield line | {"compile_s": first - wall, "rate_hz": rate}


def measure_song(compiler: Compiler, seconds: float) -> Iterator[Line]:
    """`experiments/song2000.py`: 1 000 plastic synapses of one neuron."""
    song = load(EXPERIMENTS / "song2000.py")
    net = song.neuron_and_inputs(key=jax.random.key(1))
    steps = round(seconds * 1e3 / song.DT)

    def run() -> tuple[float, float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        drive, record = snn.Poisson(15.0, into="in"), snn.Count("out")
        out = snn.simulate(
            net,
            drive,
            steps=steps,
            key=jax.random.key(2),
            record=record,
            progress=snn.progress.Quiet(),
            compiler=compiler,
        )
        spikes = float(jnp.sum(out.record))
        return time.perf_counter() - wall, time.process_time() - cpu, spikes / seconds

    first, _, _ = run()
    while True:
        wall, cpu, rate = run()
        line = {"steps": steps, "threads": 1, "us_per_step": wall * 1e6 / steps, "cpu_us_per_step": cpu * 1e6 / steps}
        yield line | {"compile_s": first - wall, "rate_hz": rate}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload")
    parser.add_argument("--seconds", type=float, default=1.0, help="model time of one network")
    parser.add_argument("--points", default="3:2,6:4,5:2,4.5:0.9", help="of brunel-sweep: g:eta,g:eta,...")
    parser.add_argument("--network", help="of brian2-sweep: the file of a Brian2 network")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--on-request", action="store_true", help="wait for a line of standard input before each run")
    parser.add_argument("--compiler", choices=COMPILERS, default="xla")
    args = parser.parse_args()
    compiler = COMPILERS[args.compiler]
    runs = {
        "cuba": lambda: measure_cuba(compiler, args.seconds),
        "cuba-equations": lambda: measure_cuba(compiler, args.seconds, equations=True),
        "cuba-sweep": lambda: measure_cuba_sweep(compiler, args.seconds),
        "sweep": lambda: measure_cuba_sweep(compiler, args.seconds, 64),
        "sweep-one-core": lambda: measure_cuba_sweep(compiler, args.seconds, 64, threads=1),
        "sweep-points": lambda: measure_cuba_points(compiler, args.seconds, 64),
        "brunel-sweep": lambda: measure_brunel_sweep(compiler, args.seconds, args.points),
        "brian2-sweep": lambda: measure_taken(compiler, args.seconds, args.network),
        "plasticity": lambda: measure_plasticity(compiler, args.seconds),
        "song": lambda: measure_song(compiler, args.seconds),
        "train": measure_train,
        "loihi-calm": lambda: measure_loihi(compiler, args.seconds),
        "loihi-busy": lambda: measure_loihi(compiler, args.seconds, busy=True),
        "loihi-batch": lambda: measure_loihi_batch(compiler, args.seconds),
        "loihi-learning": lambda: measure_loihi(compiler, args.seconds, learning=True),
    }
    for name in (*SIZES, *(name + TWO for name in SIZES)):
        runs[name] = lambda: measure_cores(compiler, args.workload, args.seconds)
    run = runs[args.workload]()
    about = {"workload": args.workload, "subject": "jaxsnn", "version": snn.__version__, "jax": jax.__version__}
    about |= {"device": jax.devices()[0].platform, "cores": os.cpu_count()}
    for _ in range(args.repeat):
        if args.on_request:
            input()
        line = {name: round(x, 3) if isinstance(x, float) else x for name, x in next(run).items()}
        print(json.dumps(about | line), flush=True)


if __name__ == "__main__":
    main()
