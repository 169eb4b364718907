"""An experiment for processes that share a store: every point takes its time, and says that it ran."""

import os
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn

SPACE = {"a": snn.Axis(1.0, lo=0.5, hi=4.0, n=100), "n": snn.Static(1, values=[1, 2])}
LOG, PAUSE = "RAN", "PAUSE"  # a file to which every point is written when it has run, and how long it takes, s


def _said(a, n):
    if LOG in os.environ:
        with Path(os.environ[LOG]).open("a") as file:
            file.write(f"{float(a):.6f} {int(n)} {os.getpid()}\n")
    time.sleep(float(os.environ.get(PAUSE, 0)))
    return np.float32(0.0)


def experiment(point, key):
    walk = jax.lax.fori_loop(0, 20_000 * point["n"], lambda i, x: jnp.sin(3.0 * x + point["a"]), point["a"])
    done = jax.pure_callback(
        lambda a: _said(a, point["n"]), jax.ShapeDtypeStruct((), jnp.float32), point["a"] + 0 * walk
    )
    return {"walk": walk + done, "noise": jax.random.normal(key, (50,)) * point["a"]}


def sweep(out, **how):
    how = {"batch": 2, "progress": snn.progress.Quiet(), **how}
    return snn.sweep(experiment, snn.product(SPACE), key=3, out=out, **how)


if __name__ == "__main__":
    if len(sys.argv) > 2:  # a process among several that know of each other
        address, number, count = sys.argv[2:]
        jax.distributed.initialize(address, int(count), int(number))
    print(int((sweep(sys.argv[1]).status == 0).sum()))
