"""Matrices of pairs of spike trains, beside Elephant and PySpike: `python -m experiments.bench.trains [--trains 60]`.

Poisson trains of 27 Hz for a second on a grid of 0.1 ms. A line a measure and library: seconds (the least of three
rounds in turns), the ratio to ours, and the largest difference of the two matrices off the diagonal. NumPy on one core.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from .environments import python_of


class Process:
    """A process that measures when it is asked to."""

    def __init__(self, name: str):
        python = sys.executable if name == "jaxsnn" else python_of("trains")
        script = Path(__file__).parent / "peers" / "spike_trains.py"
        pipe = subprocess.PIPE
        process = subprocess.Popen([str(python), str(script), name], stdin=pipe, stdout=pipe, text=True)
        assert process.stdin is not None and process.stdout is not None
        self.question, self.answer = process.stdin, process.stdout

    def __call__(self, *question: object) -> list:
        self.question.write(json.dumps(question) + "\n")
        self.question.flush()
        return json.loads(self.answer.readline())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trains", type=int, default=60)
    options = parser.parse_args()
    both = {name: Process(name) for name in ("jaxsnn", "peer")}
    for measure in ("sttc", "van_rossum", "victor_purpura", "isi", "spike", "sync"):
        seconds: dict[str, list[float]] = {name: [] for name in both}
        sums: dict[str, list[float]] = {}
        for _ in range(3):
            for name, process in both.items():
                took, sums[name] = process(measure, options.trains)
                seconds[name].append(took)
        least = {name: min(took) for name, took in seconds.items()}
        difference = max(abs(a - b) for a, b in zip(*sums.values(), strict=True))
        line = {"measure": measure, "trains": options.trains, **{f"{k} s": round(v, 4) for k, v in least.items()}}
        print(json.dumps({**line, "ratio": round(least["peer"] / least["jaxsnn"], 2), "difference": difference}))


if __name__ == "__main__":
    main()
