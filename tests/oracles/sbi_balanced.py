"""What sbi's NPE learns from the pairs of `experiments/infer_balanced.py`: `tests/golden/sbi_balanced.npz`.

    jaxsnn sweep experiments/infer_balanced.py --random 3000 --own-seeds --out results/infer_balanced
    PYTHONPATH=. python tests/oracles/sbi_balanced.py results/infer_balanced

In an environment with `sbi` 0.27, `torch` 2.13 (CPU) and jaxsnn's dependencies. It learns from the same five sixths of
the points as the experiment, with everything at its default (a masked autoregressive flow); the others test it.

The file: `u`, `x`, all pairs, parameters in the unit box; `learned`, how many of them were learned from; and of the
others, `gain`, the log density of the true values in nats, restricted to the box as sbi's posterior is, and `ranks`
among 99 draws.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from sbi.inference import NPE
from sbi.utils import BoxUniform

import jaxsnn as snn

DRAWS, MANY = 99, 2000


def main(folder):
    """Learn, test, and write."""
    data = snn.as_training_set(snn.open_sweep(folder))
    u, x = torch.from_numpy(data.unit), torch.from_numpy(data.x)
    learned, d = len(x) * 5 // 6, len(data.parameters)
    torch.manual_seed(0)
    begin = time.process_time()
    inference = NPE(prior=BoxUniform(torch.zeros(d), torch.ones(d)))
    density = inference.append_simulations(u[:learned], x[:learned]).train()
    seconds = time.process_time() - begin
    with torch.no_grad():
        drawn = density.sample((MANY,), condition=x[learned:]).numpy()  # (draws, pairs, d)
        log_density = density.log_prob(u[None, learned:], condition=x[learned:])[0].numpy()
    inside = ((drawn > 0.0) & (drawn < 1.0)).all(axis=2)
    gain = log_density - np.log(inside.mean(axis=0))
    kept = np.stack([drawn[at, i][:DRAWS] for i, at in enumerate(inside.T)])
    ranks = (kept < data.unit[learned:, None]).sum(axis=1)
    about = {
        "parameters": data.parameters,
        "outputs": data.outputs,
        "training_cpu_s": round(seconds, 1),
        "versions": {name: version(name) for name in ("sbi", "torch")},
    }
    print(json.dumps(about), gain.mean(), gain.std(ddof=1) / len(gain) ** 0.5)
    path = Path(__file__).parents[1] / "golden" / "sbi_balanced.npz"
    pairs = {"u": data.unit, "x": data.x, "learned": learned}
    np.savez_compressed(
        path, **pairs, gain=gain.astype(np.float32), ranks=ranks.astype(np.uint8), about=json.dumps(about)
    )


if __name__ == "__main__":
    main(sys.argv[1])
