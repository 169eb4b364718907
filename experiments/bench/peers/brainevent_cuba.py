"""CUBA-4k (the network of brian2_cuba.py, delay 0) in JAX with brainevent's products, on a CPU: one JSON line a repeat.

A compiled scan over steps, exact integration, single precision. What spikes send is one event-driven product: all rows
in one `CSR`, whose columns are the excitatory and then the inhibitory ports. brainevent 0.3 calls its Numba kernel from
Python, so that one product costs half of what one a population does; `FixedNumPerPre` and its kernel of pure XLA
(`jax_raw`) are slower.

With --sweep P: P points whose weights are scaled by 0.99 .. 1.01, as `jax.vmap` of the same. They share one graph, so
that their product is one of two matrices; graphs of their own, as the other subjects have, would not be faster.
`us_per_step` is the wall time of the compiled run, making the network (`build_s`) is outside.

Made for brainevent 0.3 in its own environment:

    python experiments/bench/peers/brainevent_cuba.py --seconds 10 --repeat 3 [--sweep 16]
"""

import argparse
import json
import time

import brainevent
import jax
import jax.numpy as jnp
import numpy as np

N, EXCITATORY, DT = 4000, 3200, 0.1
FREE = np.exp(-DT / 20.0)  # of the membrane
DECAY = np.exp(-DT / np.array([5.0, 10.0]))  # of the ports
GAIN = np.array([5.0, 10.0]) / (np.array([5.0, 10.0]) - 20.0) * (DECAY - FREE)  # what a port adds to the membrane
WEIGHT = np.array([1.62, -9.0])


def graph():
    """Pairs with probability 0.02; columns: excitatory ports, inhibitory ports."""
    pairs = np.random.default_rng(1).random((N, N)) < 0.02
    sender, receiver = np.nonzero(pairs)
    place = receiver + np.where(sender < EXCITATORY, 0, N)
    start = np.concatenate([[0], np.cumsum(pairs.sum(1))])
    one = jnp.float32(1.0)  # weights differ by port alone, which keeps them out of the product
    return brainevent.CSR((one, jnp.asarray(place, jnp.int32), jnp.asarray(start, jnp.int32)), shape=(N, 2 * N))


def simulation(rows, steps):
    """From membranes and a scale of all weights to the spikes of each neuron."""

    def run(v, scale):
        def step(carry, _):
            v, g, held, count = carry
            g_exc, g_inh = g
            moved = -49.0 + (v + 49.0) * FREE + GAIN[0] * g_exc + GAIN[1] * g_inh
            v = jnp.where(held > 0, v, moved)
            spikes = (held <= 0) & (v > -50.0)
            sent = (brainevent.BinaryArray(spikes) @ rows).reshape(2, N)
            g = g * DECAY[:, None] + sent * (scale * WEIGHT)[:, None]
            held = jnp.where(spikes, 50, held - 1)
            return (jnp.where(spikes, -60.0, v), g, held, count + spikes), None

        still = jnp.zeros(N, jnp.int32)
        (_, _, _, count), _ = jax.lax.scan(step, (v, jnp.zeros((2, N)), still, still), None, length=steps)
        return count

    return run


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=1.0, help="model time")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--sweep", type=int, default=0, help="points of the sweep; 0: one network")
    parser.add_argument("--processes", type=int, default=2, help="(of other peers)")
    parser.add_argument("--on-request", action="store_true", help="wait for a line of standard input before each run")
    args = parser.parse_args()
    steps, points = round(args.seconds * 1e3 / DT), max(args.sweep, 1)
    begin = time.perf_counter()
    run = simulation(graph(), steps)
    v = np.random.default_rng(2).uniform(-60.0, -50.0, (points, N)).astype(np.float32)
    scale = np.linspace(0.99, 1.01, points).astype(np.float32) if args.sweep else np.ones(1, np.float32)
    given = jax.device_put((v, scale) if args.sweep else (v[0], scale[0]))
    run = jax.jit(jax.vmap(run) if args.sweep else run)
    build_s = time.perf_counter() - begin
    begin = time.perf_counter()
    jax.block_until_ready(run(*given))
    first = time.perf_counter() - begin
    for _ in range(args.repeat):
        if args.on_request:
            input()
        wall, cpu = time.perf_counter(), time.process_time()
        count = np.asarray(run(*given))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        rates = count.reshape(points, N).sum(1) / N / args.seconds
        line = {"workload": "cuba-sweep" if args.sweep else "cuba", "subject": "brainevent", "steps": steps}
        line |= {"version": brainevent.__version__, "jax": jax.__version__, "points": points}
        line |= {"us_per_step": round(wall * 1e6 / steps / points, 3), "build_s": round(build_s, 2)}
        line |= {"cpu_us_per_step": round(cpu * 1e6 / steps / points, 3), "compile_s": round(first - wall, 2)}
        line |= {"rate_hz": round(float(rates.mean()), 3), "rates_hz": [round(float(rate), 3) for rate in rates]}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
