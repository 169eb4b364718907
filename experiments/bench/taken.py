"""A swept Brian2 network beside Brian2: `brian2-sweep` of the bench.

The network of `peers/brian2_taken.py` is taken in by `from_brian2`, and 32 membrane time constants of it are one sweep.
Before anything is timed, all spikes of three of them are compared with Brian2's; the numbers of spikes of every neuron
at every point are the `fingerprint` of a run.
"""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

PEER = Path(__file__).parent / "peers" / "brian2_taken.py"
POINTS = np.linspace(15.0, 25.0, 32)  # ms


def prepared(python: Path, seconds: float, folder: Path) -> Path:
    """The file of the network, whose spikes here are those of Brian2; ends the bench where one differs."""
    network, spikes = folder / "network.npz", folder / "spikes.npz"
    root = str(Path(__file__).parents[2])
    for task, file in (("describe", network), ("spikes", spikes)):
        command = [python, PEER, task, file, "--seconds", str(seconds)]
        subprocess.run(list(map(str, command)), check=True, stdout=sys.stderr, env={**os.environ, "PYTHONPATH": root})
    command = [sys.executable, "-m", "experiments.bench.taken", network, spikes, seconds]
    subprocess.run(list(map(str, command)), check=True, stdout=sys.stderr, cwd=root)
    return network


def compared(network: str, spikes: str, seconds: float) -> None:
    """Every spike of some points, here and in Brian2."""
    import jaxsnn as snn

    net, drive, record, _ = snn.interop.from_brian2(network)
    with np.load(spikes) as file:
        theirs = dict(file)
    for k, tau in zip((name[5:] for name in theirs if name.startswith("step_")), theirs["taum"], strict=True):
        run = snn.simulate(
            snn.set(net, "P.neuron.taum", tau), drive, t=1e3 * seconds, key=jax.random.key(0), record=record,
            progress=snn.progress.Quiet(),
        )  # fmt: skip
        own = {*zip(*map(np.ndarray.tolist, np.nonzero(np.asarray(run["spikes"]))), strict=True)}
        want = {*zip(theirs[f"step_{k}"].tolist(), theirs[f"neuron_{k}"].tolist(), strict=True)}
        print(f"taum = {tau:g} ms: {len(want)} spikes in Brian2, {len(own ^ want)} differ", file=sys.stderr, flush=True)
        if own != want:
            raise SystemExit("The network taken in is not that of Brian2; nothing was timed.")


def measure_taken(compiler: Any, seconds: float, network: str, threads: int = 2) -> Iterator[dict[str, Any]]:
    """The sweep, compiled once; `compile_s` is what its first call took longer than a later one."""
    import jax

    import jaxsnn as snn

    begin = time.perf_counter()
    net, drive, _, _ = snn.interop.from_brian2(network)
    taken = time.perf_counter() - begin
    steps = round(seconds * 1e4)
    space = {"taum": snn.Axis(20.0, values=POINTS.tolist(), unit="ms")}

    def experiment(point: Any, key: Any) -> dict[str, Any]:
        other = snn.set(net, "P.neuron.taum", point["taum"])
        run = snn.simulate(other, drive, steps=steps, key=key, record=snn.Count("P"), throw=False, compiler=compiler)
        return {"count": run.record, "status": run.status}

    while True:
        cpu = time.process_time()
        ds = snn.sweep(experiment, snn.product(space), key=jax.random.key(1), threads=threads,
                       progress=snn.progress.Quiet())  # fmt: skip
        cpu, wall = time.process_time() - cpu, ds.attrs["wall_s"] - ds.attrs["compile_s"]
        counts = np.ascontiguousarray(ds["count"].transpose("taum", ...).values, np.int64)
        line = {"steps": steps, "points": len(POINTS), "threads": threads, "seconds": wall, "take_in_s": taken}
        line |= {"us_per_step": wall * 1e6 / steps / len(POINTS), "compile_s": ds.attrs["compile_s"]}
        rates = [round(float(x.sum()) / 4000 / seconds, 3) for x in counts]
        yield line | {"rates_hz": rates, "fingerprint": hashlib.sha256(counts.tobytes()).hexdigest()[:16]}


if __name__ == "__main__":
    compared(sys.argv[1], sys.argv[2], float(sys.argv[3]))
