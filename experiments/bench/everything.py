"""`all`: every workload of a CPU with every peer, and by C where it applies, one after the other.

    python -m experiments.bench all [--repeat 3] [--share 1] [--only cuba,growth]

About 35 minutes on two quiet cores with the environments of the peers made. Each command is a process of its own, whose
lines are kept; one that fails is told at the end, and the others run.
"""

import argparse
import subprocess
import sys
import time
from typing import NamedTuple


class Part(NamedTuple):
    """A command of the bench: its peers, the model time that makes its rounds a few seconds long, and whether by C too.

    `fewer`: rounds less than asked for.
    """

    workload: str
    seconds: float
    peers: tuple[str, ...] = ()
    compiler: bool = True
    fewer: int = 0

    def arguments(self, repeat: int, share: float) -> list[str]:
        given = [self.workload, "--seconds", f"{self.seconds * share:g}", "--repeat", str(max(repeat - self.fewer, 1))]
        given += ["--peers", ",".join(self.peers)] if self.peers else []
        return [*given, "--c"] if self.compiler else given


PARTS = (
    Part("cuba", 2.0, ("brian2", "nest", "brainevent")),
    Part("sweep", 1.0, ("brian2",)),
    Part("cuba-sweep", 1.0, ("brian2", "nest", "brainevent")),
    Part("brunel-sweep", 1.0, ("brian2", "nest"), fewer=1),
    Part("plasticity", 5.0, ("brian2",)),
    Part("song", 100.0, ("brian2",)),
    Part("train", 1.0, ("spikingjelly", "spyx", "snntorch", "norse"), compiler=False),
    Part("loihi", 1.0, ("lava", "nengo-loihi")),
    Part("cores", 1.0),
)


def commands(repeat: int, share: float) -> dict[str, list[str]]:
    """By name: what follows `python -m experiments.bench`. `share`: of the model time, and of the largest network."""
    found = {part.workload: part.arguments(repeat, share) for part in PARTS}
    found["growth"] = ["growth", "--repeat", str(repeat), "--most", f"{max(1e6 * share, 1e4):g}"]
    found["first-use"] = ["first-use", "--repeat", str(repeat)]
    return found


def main(arguments: list[str]) -> None:
    """`python -m experiments.bench all`"""
    parser = argparse.ArgumentParser(prog="python -m experiments.bench all", description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="of the model time: 0.05 shows that all runs")
    parser.add_argument("--only", default="", help="comma-separated: some of it")
    given = parser.parse_args(arguments)
    found = commands(given.repeat, given.share)
    only = given.only.split(",") if given.only else list(found)
    if unknown := sorted({*only} - {*found}):
        parser.error(f"Got --only {','.join(unknown)}, expected some of {','.join(found)}.")
    began, failed = time.monotonic(), []
    for name in only:
        print(f"{(time.monotonic() - began) / 60:.1f} min: {' '.join(found[name])}", file=sys.stderr, flush=True)
        if subprocess.run([sys.executable, "-m", "experiments.bench", *found[name]], check=False).returncode:
            failed.append(name)
    print(f"{(time.monotonic() - began) / 60:.1f} min: done", file=sys.stderr, flush=True)
    if failed:
        raise SystemExit(f"These ended with an error; run them again with --only {','.join(failed)}.")
