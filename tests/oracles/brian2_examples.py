"""Brian2's own examples, as far as their first `run`: descriptions, and what Brian2 makes of them.

    python tests/oracles/brian2_examples.py EXAMPLES OUT [NAME ...]

`EXAMPLES`: the folder of that name in Brian2's source distribution (2.9.0 here). Every example is a process of its own,
which executes the file up to the first `run`, describes the network for jaxsnn (`OUT/<name>.npz`, or the reason why not
in `OUT/<name>.json`), and lets Brian2 run it, for at most `CAP` ms, with its own NumPy code in float64:
`OUT/<name>.out.npz` has the spikes of every group (steps and neurons) and its variables at the end. `--seeds K` runs
`K` seeds instead and keeps numbers of spikes. Needs Brian2, matplotlib and jaxsnn in one environment.
"""

import contextlib
import importlib
import json
import multiprocessing
import os
import pathlib
import subprocess
import sys

CAP = 200.0  # ms
SLOW = 170  # s that an example may take


class Enough(BaseException):
    """Ends an example after its first run."""


class Alone:
    """A pool of this process."""

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def map(self, function, items, *_):
        return [function(item) for item in items]

    def starmap(self, function, items, *_):
        return [function(*item) for item in items]

    imap = imap_unordered = map


def watched(path: pathlib.Path, out: pathlib.Path, name: str, seeds: int) -> None:
    """Execute one example, with `Network.run` in our hands."""
    import brian2
    import numpy as np

    brian2.prefs.codegen.target = "numpy"
    brian2.prefs.codegen.runtime.numpy.discard_units = False
    for module in (brian2, brian2.devices, brian2.devices.device):
        module.set_device = lambda *_, **__: None
    multiprocessing.Pool = Alone
    own_run = brian2.Network.run

    def run(self, duration, *_, namespace=None, **__):
        if float(duration) == 0.0:
            return own_run(self, duration, namespace=namespace, level=2)
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != str(path):
            frame = frame.f_back
        names = {**frame.f_globals, **frame.f_locals} if frame is not None else {}
        names |= namespace or {}
        brian2.prefs.codegen.target = "numpy"
        dtype = np.dtype(brian2.prefs.core.default_float_dtype).name
        verdict = {"duration": float(duration) * 1e3, "dtype": dtype}
        from jaxsnn.interop.brian2.reading import describe
        from jaxsnn.interop.brian2.stored import store_brian2

        description = None
        try:
            description = describe(self, names)
            store_brian2(description, out / f"{name}.npz")
        except ValueError as error:
            verdict["refused"] = str(error)
        (out / f"{name}.json").write_text(json.dumps(verdict, indent=1))
        if description is None:
            raise Enough
        groups = [x for x in self.objects if x.name in description["groups"]]
        spiking = [x for x in groups if getattr(x, "events", {}).get("spike") or "Generator" in type(x).__name__]
        monitors = {x.name: brian2.SpikeMonitor(x, name=f"watch_{k}") for k, x in enumerate(spiking)}
        inner = {part.name for x in self.objects for part in x.contained_objects}
        for each in self.objects:  # of a script without a Network, they are taken into one of ours
            each._network = None
        net = brian2.Network(*(x for x in self.objects if x.name not in inner), *monitors.values())
        steps = round(min(float(duration) * 1e3, CAP) / (description["dt"] * 1e3))
        kept = {"steps": steps}
        net.store("start")
        counts = {x: [] for x in monitors}
        for k in range(max(seeds, 1)):
            if seeds:
                net.restore("start")
                brian2.seed(1000 + k)
            own_run(net, steps * description["dt"] * brian2.second, namespace=names)
            for x, monitor in monitors.items():
                counts[x].append(len(monitor.i))
        for x, monitor in monitors.items():
            if seeds:
                kept[f"{x}.counts"] = np.array(counts[x])
            else:
                kept[f"{x}.step"] = np.round(np.asarray(monitor.t) / description["dt"]).astype(np.int32)
                kept[f"{x}.neuron"] = np.asarray(monitor.i, np.int32)
        for group in groups:
            for variable in () if seeds else (x["name"] for x in description["groups"][group.name].get("equations", ())
                                              if x["type"] == "differential"):  # fmt: skip
                kept[f"{group.name}.end.{variable}"] = np.array(group.variables[variable].get_value())
        np.savez_compressed(out / (f"{name}.seeds.npz" if seeds else f"{name}.out.npz"), **kept)
        raise Enough

    brian2.Network.run = run
    sys.argv = [str(path)]
    os.chdir(path.parent)
    sys.path.insert(0, str(path.parent))
    brian2.seed(7)
    code = compile(path.read_text(), str(path), "exec")
    importlib.invalidate_caches()
    with contextlib.suppress(Enough):
        exec(code, {"__name__": "__main__", "__file__": str(path)})
        verdict = out / f"{name}.json"
        if not verdict.exists():
            verdict.write_text(json.dumps({"norun": "the example runs no network"}))


def main() -> None:
    given = [x for x in sys.argv[1:] if not x.startswith("--")]
    seeds = int(sys.argv[sys.argv.index("--seeds") + 1]) if "--seeds" in sys.argv else 0
    if seeds:
        given.remove(str(seeds))
    examples, out = pathlib.Path(given[0]).resolve(), pathlib.Path(given[1]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    if "--one" in sys.argv:
        watched(examples / f"{given[2]}.py", out, given[2].replace("/", "+"), seeds)
        return
    names = given[2:] or sorted(str(x.relative_to(examples))[:-3] for x in examples.rglob("*.py"))
    for name in names:
        command = [sys.executable, __file__, str(examples), str(out), name, "--one"]
        command += ["--seeds", str(seeds)] if seeds else []
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=SLOW, env={**os.environ, "MPLBACKEND": "Agg"}
            )
            error = done.stderr.strip().splitlines()[-1:] if done.returncode else []
        except subprocess.TimeoutExpired:
            error = [f"took more than {SLOW} s"]
        verdict = out / f"{name.replace('/', '+')}.json"
        if error and not verdict.exists():
            verdict.write_text(json.dumps({"failed": error[0]}))
        print(name, json.loads(verdict.read_text()), *error, flush=True)


if __name__ == "__main__":
    main()
