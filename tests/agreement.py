"""The table of agreement between estimators: `python -m tests.agreement` prints it, in double precision.

Each row is the largest difference of two gradients, relative to the largest number of the leaf (EventProp: of norms).
Rows marked `control` must disagree.
"""

import jax
import numpy as np

import jaxsnn as snn
from tests.gradients.cut import cut
from tests.gradients.grid import KEY, OracleLoss, as_oracle, on_grid
from tests.gradients.online import NotAdapting, bellec, bptt, disagreement, grads, lif, single, stacked
from tests.oracles import event_driven as exact


def rows():
    """Name, oracle, and how far apart they are; rows come as they are computed."""
    net = single(lif())
    yield "RTRL, weights of a recurrent net", "BPTT", disagreement(grads(snn.RTRL(), net)[1], grads(bptt(), net)[1])

    gradient = grads(snn.EProp(), stacked(lif()))[1]
    detached = stacked(lif(detach=True))
    yield (
        "EProp, two layers, refractory LIF, delays",
        "BPTT, cut",
        disagreement(gradient, grads(bptt(), cut(detached))[1]),
    )
    yield "control: the same", "BPTT, not cut", disagreement(gradient, grads(bptt(), detached)[1])

    gradient = grads(snn.EProp(), single(bellec()))[1]
    for name, cell in (
        ("BPTT, cut", bellec(detach=True)),
        ("BPTT, cut, path through the reset kept", bellec()),
        ("BPTT, cut, adaptation cut too", bellec(kind=NotAdapting, detach=True)),
    ):
        apart = disagreement(gradient, grads(bptt(), cut(single(cell)))[1])
        what = "EProp, adaptive LIF" if name == "BPTT, cut" else "control: the same"
        yield what, name, apart

    circuits = [exact.example(t_ref=1.7, seed=seed, end=30.0) for seed in range(10)]
    oracles = [exact.value_and_grad(c, exact.example_loss()) for c in circuits]
    for part, at in (("weight", 1), ("delay", 2)):
        differences = exact.finite_differences(circuits[0], exact.example_loss(), part)
        apart = np.max(np.abs(differences - oracles[0][at])) / np.max(np.abs(differences))
        yield f"event-driven adjoint, {part}s", "its finite differences", apart
    est = snn.EventProp(delays="*.delay")
    for dt in (0.1, 0.025, 0.00625):
        apart = {"weight": [], "delay": []}
        for circuit, oracle in zip(circuits, oracles):
            net, drive, _ = on_grid(circuit, dt, via=snn.Sparse())
            gradient = est.value_and_grad(OracleLoss(dt=dt), net, drive, None, key=KEY)[1]
            for part, at in (("weight", 1), ("delay", 2)):
                error = as_oracle(gradient, circuit, part) - oracle[at]
                apart[part].append(np.linalg.norm(error) / np.linalg.norm(oracle[at]))
        for part, errors in apart.items():
            mean = float(np.exp(np.mean(np.log(errors))))
            yield f"EventProp, {part}s, dt = {dt:g} ms, 10 circuits", "event-driven adjoint", mean


def main():
    """Prints the table."""
    jax.config.update("jax_enable_x64", True)
    print("| gradient | against | relative difference |\n|---|---|---|")
    for what, oracle, apart in rows():
        print(f"| {what} | {oracle} | {apart:.1e} |", flush=True)


if __name__ == "__main__":
    main()
