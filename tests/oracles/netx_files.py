"""Writes the networks of `tests/chips/loihi/networks.py` for Lava-DL to `tests/golden/netx_*.net`, and their inputs.

python -m tests.oracles.netx_files       # in the project's environment; then lava_netx.py in Lava's
"""

from pathlib import Path

import numpy as np

from jaxsnn.chips.loihi.netx.write import to_netx
from tests.chips.loihi.networks import CASES, case, file_of

GOLDEN = Path(__file__).parents[1] / "golden"

if __name__ == "__main__":
    inputs = {}
    for name in CASES:
        program, x = case(name)
        to_netx(program, GOLDEN / file_of(name))
        inputs[file_of(name)] = x
    np.savez_compressed(GOLDEN / "netx_inputs.npz", **inputs)
