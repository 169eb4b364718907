"""The kill test as often as one likes: `python -m tests.sweeps.killing 20 2` kills one of 2 processes, 20 times."""

import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.sweeps.test_processes import POINTS, finished, ran, same, start
from tests.sweeps.work_of_processes import sweep


def main(kills, processes):
    place = Path(tempfile.mkdtemp())
    alone, chance = sweep(place / "alone").load(), random.Random(kills)
    running, instants = [start(place, pause=0.1) for _ in range(processes)], []
    count = lambda: sum(ran(place)[0].values()) if (place / "ran").exists() else 0
    for _ in range(kills):
        before, begin = count(), time.monotonic()
        while count() < before + 3 and time.monotonic() - begin < 60.0:  # it computes
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 0.7))  # a shard is written every half second
        victim = running.pop(chance.randrange(processes))
        instants.append(count() if victim.poll() is None else "done")
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        running.append(start(place, pause=0.1))
    finished(running)
    counted, pids = ran(place)
    print(f"{processes} processes, killed when so many points had run: {instants}")
    print(f"{POINTS} points, {len(counted)} of them ran, {sum(counted.values())} runs in {pids} processes that ran any")
    print("the same result, bit for bit:", same(place, alone))
    shutil.rmtree(place)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
