"""Ours and the peers side by side: `python -m experiments.bench WORKLOAD [--peers brian2,nest]`, a JSON line a subject.

`--against PATH` runs another checkout of this repository as a peer, e.g. a worktree of the commit before a change.
Where subjects give the same whole numbers, `agrees` says whether every register at the end is the same as ours.

Every subject is a process of its own that builds and compiles once, and then runs when asked to. They are asked in turn
(ours, peer, peer, ours, ...), so that a busy machine is busy for all of them; medians of `--repeat` rounds are printed,
progress goes to stderr.

    cuba           one network of 4 000 neurons (Brette et al. 2007), one thread each: the run loop alone
    cuba-sweep     16 points with scaled weights, each with a graph of its own, on 2 cores: making graphs included
    sweep          64 points of the same for 1 s: beside it the sweep on one core, and its points without a sweep
    brunel-sweep   16 points (g, eta) of Brunel's network of 2 500 neurons on 2 cores, likewise
    brian2-sweep   32 time constants of one Brian2 `Network` of 4 000 neurons, taken in by `from_brian2` (0.2 s: give
                   `--seconds 0.2`), beside Brian2 itself, whose spikes are compared first; float64, on 2 cores
    plasticity     10^6 synapses with pair STDP at 5 Hz, and the same without (`static_us_per_step`), one thread each
    song           Song, Miller and Abbott (2000): 1 000 plastic synapses of one neuron (100 s: `--seconds 100`)
    train          1 024 spike trains into Linear and LIF of 1 024 units, batch 16, 500 steps, forwards and backwards
    loihi          the four that follow: 1 024 cells of the chip with 1 024 x 1 024 dense synapses, a step is 1 ms
    loihi-calm     5 % of the cells fire in a step
    loihi-busy     17 %
    loihi-batch    256 programs with other weights, decays and thresholds on 2 cores; a peer runs one
    loihi-learning all synapses learn by pairs, epochs of 4 steps (a fifth of `--seconds`)
    cores          the three that follow: one network on one core, and beside it on two devices of the host
    cores-100k     10^5 neurons with 10^7 synapses at 10 Hz, delays from 2 ms
    cores-400k     four times that, at 5 Hz
    cores-1m       10^6 neurons with 2 x 10^7 synapses at 5 Hz
    first-use      a fresh process from `import jaxsnn` to the README's result: processor seconds and compilations
    release        a wheel and a source distribution, each built, installed in an environment of its own and used: sizes
    accelerator    what a step costs on an H100 or a TPU v5e that is not there, by the programs compiled for it:
                   `accelerator [--target h100|v5e] [PROGRAM ...]`, in an environment of its own (5 GB, 0.5 GB)
    gpu            the same, measured on a card that is here, after its results have been compared with those of the
                   CPU: `gpu [--rehearse] [--out FILE]`, at most eight minutes
    growth         a step of 10^3 to 10^6 neurons, 1 to 100 Hz, fan-outs of 10 to 10^4, delays, instances: exponents
    all            every workload of a CPU with every peer, in one go: about 35 minutes
    tables         `tables RESULTS`: the tables of docs/pages/performance.md from a kept file or commit
    compare        `compare OLD NEW`: two kept results side by side, each a file or a commit

Every line is kept in `experiments/bench/results/COMMIT.json`. A round in which others may still compile comes first,
and is not counted.

`us_per_step` is wall time over steps (of all points), `cpu_us_per_step` processor time, which forgives a busy machine.
`ratio_to_jaxsnn` is the median over rounds of a subject's `us_per_step` over ours: above 1 is slower than we are;
`cpu_ratio_to_jaxsnn` the same of processor time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import accelerator, everything, records, release, tables, taken
from .environments import PEERS, python_of

WORKLOADS = {  # by peer: its script and arguments; two cores are two threads of ours, two processes of theirs
    "cuba": ("cuba.py", []),
    "cuba-sweep": ("cuba.py", ["--sweep", "16", "--processes", "2"]),
    "sweep": ("cuba.py", ["--sweep", "64", "--processes", "2"]),
    "brunel-sweep": ("brunel.py", ["--processes", "2"]),
    "brian2-sweep": ("taken.py", ["--processes", "2"]),
    "plasticity": ("plasticity.py", []),
    "song": ("song.py", []),
    "train": ("train.py", []),
    "loihi-calm": ("loihi.py", []),
    "loihi-busy": ("loihi.py", ["--busy"]),
    "loihi-batch": ("loihi.py", []),
    "loihi-learning": ("loihi.py", ["--learning"]),
    "cores-100k": ("cores.py", []),
    "cores-400k": ("cores.py", []),
    "cores-1m": ("cores.py", []),
}
TOGETHER = {
    "loihi": ["loihi-calm", "loihi-busy", "loihi-batch", "loihi-learning"],
    "cores": ["cores-100k", "cores-400k", "cores-1m"],
}
BESIDE = {  # what else of ours runs with it
    "sweep": ("sweep-one-core", "sweep-points"),
    **{name: (f"{name}-on-two",) for name in TOGETHER["cores"]},
}
BY_C = "by-c"  # behind a subject of ours: the same, compiled by C
VARIABLES = {  # of the environment of a subject of ours, by what it is or by the workload of all its subjects
    f"{name}-on-two": {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"} for name in TOGETHER["cores"]
}
UNABLE = {("loihi-learning", "nengo-loihi"): "its emulator knows no rule but PES"}
GRID = [(g, eta) for g in (3.0, 4.5, 5.0, 6.0) for eta in (0.9, 2.0, 3.0, 4.0)]  # contains all four regimes


class Subject:
    """A process that prints a JSON line for every line it is sent."""

    def __init__(
        self, name: str, command: list[str], *, alone: bool, variables: dict[str, str], cwd: Path | None = None
    ):
        self.name, self.lines = name, []
        # one thread is one core from the start: on two, XLA splits work of microseconds, which costs more than it saves
        pin = (lambda: os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})) if alone else None
        self.process = subprocess.Popen(
            command, preexec_fn=pin, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=cwd,
            env=os.environ | variables,
        )  # fmt: skip

    def run(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):
                self.lines.append(json.loads(line))
                return
        raise SystemExit(f"{self.name} ended with code {self.process.wait()} before it had measured; see above.")

    def end(self) -> int:
        """Wait until it has ended; its code."""
        with self.process:  # whose pipes are closed behind
            return self.process.wait()

    def median(self, ours: "Subject") -> dict:
        """The last line with medians in place of times, and beside them `rounds`: the time of each."""
        out: dict[str, Any] = dict(self.lines[-1], runs=len(self.lines))
        out["rounds"] = {
            name: [round(line[name], 3) for line in self.lines]
            for name in ("us_per_step", "cpu_us_per_step")
            if name in out
        }
        for name in ("us_per_step", "cpu_us_per_step", "loop_us_per_step", "static_us_per_step", "seconds", "build_s"):
            if name in out:
                out[name] = round(statistics.median(line[name] for line in self.lines), 3)
        if "fingerprint" in out:
            out["agrees"] = all(a["fingerprint"] == b["fingerprint"] for a, b in zip(self.lines, ours.lines))
        for kind in ("", "cpu_"):
            if all(f"{kind}us_per_step" in line for line in self.lines + ours.lines):
                pairs = zip(self.lines, ours.lines)
                ratios = (a[f"{kind}us_per_step"] / b[f"{kind}us_per_step"] for a, b in pairs)
                out[f"{kind}ratio_to_jaxsnn"] = round(statistics.median(ratios), 3)
        return out


def compare(
    workload: str, peers: list[str], repeat: int, seconds: float, against: Path | None, compiler: bool, folder: Path
) -> None:
    """Every subject `repeat` times in turn, and a JSON line each. `folder`: for files of a run."""
    script, extra = WORKLOADS[workload]
    peers = ["brian2"] if workload == "brian2-sweep" else peers
    seconds = seconds / 5 if workload == "loihi-learning" else seconds
    common = ["--seconds", str(seconds), "--repeat", str(repeat + 1), "--on-request"]
    if script == "brunel.py":
        extra = [*extra, "--points", ",".join(f"{g}:{eta}" for g, eta in GRID)]
    if workload == "brian2-sweep":
        os.environ["JAX_ENABLE_X64"] = "1"
        extra = [*extra, "--network", str(taken.prepared(python_of("brian2-and-jaxsnn"), seconds, folder))]
    commands = {"jaxsnn": [sys.executable, "-m", "experiments.bench.ours", workload, *common]}
    if script == "brunel.py":
        commands["jaxsnn"] += extra[-2:]
    if workload == "brian2-sweep":
        commands["jaxsnn"] += extra[-2:]
    for other in BESIDE.get(workload, ()):
        commands[other] = [sys.executable, "-m", "experiments.bench.ours", other, *common]
    if compiler:
        commands[BY_C] = [*commands["jaxsnn"], "--compiler", "c"]
        for other in BESIDE.get(workload, ()) if workload in TOGETHER["cores"] else ():
            commands[f"{other}-{BY_C}"] = [*commands[other], "--compiler", "c"]
    if against is not None:
        commands["against"] = commands["jaxsnn"]
    for name in peers:
        if why := UNABLE.get((workload, name)):
            print(f"{workload} without {name}: {why}", file=sys.stderr)
            continue
        path = Path(__file__).parent / "peers" / f"{name}_{script}"
        python = python_of("brian2-and-jaxsnn" if workload == "brian2-sweep" else name)
        task = ["run"] if workload == "brian2-sweep" else []
        commands[name] = [str(python), str(path), *task, *common, *extra]
    alone = not workload.endswith(("sweep", "batch", "train")) and hasattr(os, "sched_setaffinity")
    of_ours = lambda name: name.removesuffix(f"-{BY_C}")
    several = {"lava", *BESIDE.get(workload, ())}  # Lava's runtime is several processes, which need a core each
    subjects = [
        Subject(
            name,
            command,
            alone=alone and of_ours(name) not in several,
            variables=VARIABLES.get(workload, {}) | VARIABLES.get(of_ours(name), {}) if name not in peers else {},
            cwd=against if name == "against" else None,
        )
        for name, command in commands.items()
    ]
    for i in range(repeat + 1):
        for subject in subjects:
            subject.run()
            line = subject.lines[-1]
            print(f"round {i}: {subject.name} {line['us_per_step']} us/step", file=sys.stderr, flush=True)
    for subject in subjects:
        del subject.lines[0]  # others were still compiling
    for subject in subjects:
        told(subject.median(subjects[0]) | {"workload": workload, "subject": subject.name})
        subject.end()


def told(line: dict) -> None:
    """Printed, and kept."""
    line = line | {"command": " ".join(["python -m experiments.bench", *sys.argv[1:]])}
    print(json.dumps(line), flush=True)
    records.keep(line)


def first_use(repeat: int) -> None:
    """Medians over fresh processes, without what JAX has kept on disk, with the byte code that an installation has."""
    command = [sys.executable, "-m", "experiments.bench.first_use"]
    left_out = ("JAX_COMPILATION_CACHE_DIR", "PYTHONDONTWRITEBYTECODE")
    fresh = {name: value for name, value in os.environ.items() if name not in left_out}
    with tempfile.TemporaryDirectory() as folder:
        fresh["PYTHONPYCACHEPREFIX"] = folder
        run = lambda: subprocess.run(command, env=fresh, stdout=subprocess.PIPE, text=True, check=True).stdout
        run()  # writes it
        lines = [json.loads(run()) for _ in range(repeat)]
    told({"workload": "first-use", "subject": "jaxsnn"} | {k: statistics.median(x[k] for x in lines) for k in lines[0]})


def main() -> None:
    if sys.argv[1:2] == ["compare"]:
        if len(sys.argv) != 4:
            raise SystemExit("usage: python -m experiments.bench compare OLD NEW")
        print("\n".join(records.compared(*map(records.read, sys.argv[2:]))))
        return
    if sys.argv[1:2] == ["all"]:
        return everything.main(sys.argv[2:])
    if sys.argv[1:2] == ["tables"]:
        return tables.main(sys.argv[2:])
    if sys.argv[1:2] == ["accelerator"]:
        return accelerator.main(sys.argv[2:], told)
    if sys.argv[1:2] == ["release"]:
        return release.main()
    if sys.argv[1:2] == ["gpu"]:
        from . import gpu  # which imports JAX

        return gpu.main(sys.argv[2:], told)
    if sys.argv[1:2] == ["growth"]:
        from . import growth  # likewise

        return growth.main(sys.argv[2:], told)
    parser = argparse.ArgumentParser(prog="python -m experiments.bench", description="Ours and the peers side by side.")
    parser.add_argument("workload", choices=[*WORKLOADS, *TOGETHER, "first-use"])
    parser.add_argument("--peers", default="", help=f"comma-separated, of {', '.join(PEERS)}")
    parser.add_argument("--against", type=Path, help="another checkout of this repository, run as a peer of this one")
    parser.add_argument("--c", action="store_true", help="beside it, as `by-c`, the same compiled by C")
    parser.add_argument("--repeat", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="model time of one network (default 1)")
    arguments = parser.parse_args()
    peers = [name for name in arguments.peers.split(",") if name]
    for name in peers:
        if name not in PEERS:
            parser.error(f"Got peer {name!r}, expected some of {', '.join(PEERS)}.")
    if arguments.workload == "first-use":
        return first_use(arguments.repeat)
    with tempfile.TemporaryDirectory() as folder:
        for workload in TOGETHER.get(arguments.workload, [arguments.workload]):
            given = (peers, arguments.repeat, arguments.seconds, arguments.against, arguments.c)
            compare(workload, *given, Path(folder))


if __name__ == "__main__":
    main()
