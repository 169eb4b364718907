"""First use, in a fresh process: processor seconds and compilations from `import jaxsnn` to the README's result.

`jax_s` is importing JAX alone, `import_s` what the library adds to it with all that the README's network names, which
is imported when it is asked for. Then, each in seconds beyond the import and in programs that XLA compiled (small ones,
of one operation, included): `network` builds the README's network and `first`
runs it; `second` is another network of the same structure, `longer` another `t`, `probe` another probe of the same
kind, `continued` a run from the state of the first.
"""

import time

BEGAN = time.process_time()
import jax  # noqa: E402

JAX = time.process_time()
import jaxsnn as snn  # noqa: E402

NAMES = ("FixedInDegree", "Delta", "LIF", "Poisson", "ISI", "Raster", "Trace", "Uniform", "network", "simulate")
for name in NAMES:
    getattr(snn, name)

IMPORTED = time.process_time()
import json  # noqa: E402

compiled = 0


def count(event: str, duration_secs: float, **_: str | int) -> None:
    global compiled
    compiled += event == "/jax/core/compile/backend_compile_duration"


def balanced(seed: int) -> snn.Network:
    """The network of the README."""

    def cell(size):
        neuron = snn.LIF(tau=20.0, v_th=20.0, v_reset=10.0, t_ref=2.0)
        return snn.Population(neuron, size, ports={"in": snn.Delta()}, init={"v": snn.Uniform(0.0, 20.0)})

    def link(pre, post, in_degree, weight):
        return snn.Connection(pre, post, snn.FixedInDegree(in_degree), weight=weight, delay=snn.Uniform(0.5, 3.0))

    return snn.network(
        dt=0.1,
        key=jax.random.key(seed),
        populations={"E": cell(2000), "I": cell(500)},
        projections={
            "EE": link("E", "E", 100, 0.5),
            "EI": link("E", "I", 100, 0.5),
            "IE": link("I", "E", 25, -3.0),
            "II": link("I", "I", 25, -3.0),
        },
    )


def main() -> None:
    jax.monitoring.register_event_duration_secs_listener(count)
    found = {"jax_s": JAX - BEGAN, "import_s": IMPORTED - JAX}
    drive = snn.Poisson(rate=3_000.0, weight=0.5, into=("E", "I"))
    record = {"raster": snn.Raster("E[0:200]"), "isi": snn.ISI("E"), "v": snn.Trace("E[0:5].v", every=1.0)}

    def run(net, t=1000.0, **more):
        return snn.simulate(net, drive, **{"t": t, "key": jax.random.key(1), "record": record, **more})

    def timed(name, what):
        began, before = time.process_time(), compiled
        out = jax.block_until_ready(what())
        found[f"{name}_s"], found[f"{name}_compilations"] = time.process_time() - began, compiled - before
        return out

    net = timed("network", lambda: balanced(0))
    first = timed("first", lambda: run(net))
    timed("second", lambda: run(balanced(1)))
    timed("longer", lambda: run(net, t=500.0))
    timed("probe", lambda: run(net, record=record | {"v": snn.Trace("E[5:10].v", every=1.0)}))
    timed("continued", lambda: run(net, state=first.state))
    print(json.dumps({name: round(x, 2) for name, x in found.items()}), flush=True)


if __name__ == "__main__":
    main()
