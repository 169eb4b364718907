"""Matrices of pairs of trains, for `python -m experiments.bench.trains`: `spike_trains.py NAME`, questions on stdin.

A question is `["sttc", n]` on a line, the answer `[seconds, row sums]`, which two libraries agree on or do not.
"""

import json
import sys
import time

import numpy as np

END = 1000.0  # ms


def trains(n):
    """Poisson trains of 27 Hz, the same in every process."""
    rng = np.random.default_rng(n)
    return [np.unique(rng.integers(1, 10_001, rng.poisson(27))) * 0.1 for _ in range(n)]


def jaxsnn(times):
    from jaxsnn import analysis as an

    given = an.spike_trains(times, t_stop=END)
    return {
        "sttc": lambda: an.spike_time_tiling_coefficient(given, 5.05),
        "van_rossum": lambda: an.van_rossum_distance(given, 10.0),
        "victor_purpura": lambda: an.victor_purpura_distance(given, 100.0),
        "isi": lambda: an.isi_distance(given),
        "spike": lambda: an.spike_distance(given),
        "sync": lambda: an.spike_sync(given),
    }


def peer(times):
    import elephant.spike_train_correlation as correlation
    import elephant.spike_train_dissimilarity as dissimilarity
    import neo
    import pyspike
    import quantities as pq

    neos = [neo.SpikeTrain(x, units="ms", t_stop=END) for x in times]
    spikes = [pyspike.SpikeTrain(x, (0.0, END)) for x in times]

    def sttc():
        found, of = np.ones((len(neos), len(neos))), correlation.spike_time_tiling_coefficient
        for i, one in enumerate(neos):  # it is of one pair, and symmetric
            for j in range(i):
                found[i, j] = found[j, i] = of(one, neos[j], dt=5.05 * pq.ms)
        return found

    return {
        "sttc": sttc,
        "van_rossum": lambda: dissimilarity.van_rossum_distance(neos, 10.0 * pq.ms),
        "victor_purpura": lambda: dissimilarity.victor_purpura_distance(neos, 100.0 * pq.Hz),
        "isi": lambda: pyspike.isi_distance_matrix(spikes),
        "spike": lambda: pyspike.spike_distance_matrix(spikes),
        "sync": lambda: pyspike.spike_sync_matrix(spikes),
    }


def main():
    made = {}
    for line in sys.stdin:
        measure, n = json.loads(line)
        if n not in made:
            made[n] = {"jaxsnn": jaxsnn, "peer": peer}[sys.argv[1]](trains(n))
        begin = time.perf_counter()
        found = np.array(made[n][measure](), float)
        took = time.perf_counter() - begin
        np.fill_diagonal(found, 0.0)
        print(json.dumps([took, found.sum(axis=1).tolist()]), flush=True)


if __name__ == "__main__":
    main()
