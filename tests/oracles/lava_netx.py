"""Runs the files of `netx_files.py` in Lava-DL's netx and freezes their spikes in `tests/golden/lava_netx.npz`.

python tests/oracles/lava_netx.py        # lava-dl 0.6, lava-nc 0.10; half a minute
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import h5py
import lava_import  # noqa: F401  # makes Lava importable
import numpy as np
from lava.lib.dl import netx
from lava.lib.dl.netx.utils import optimize_weight_bits
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as SpikeSource
from lava.utils.weightutils import clip_weights, determine_sign_mode, truncate_weights

GOLDEN = Path(__file__).parents[1] / "golden"


def run(path, x):
    """Spikes of every layer, `(steps, cells)`, cells in the order channel, row, column."""
    steps = len(x)
    net = netx.hdf5.Network(net_config=str(path))
    shape = net.inp.shape  # (width, height, channels), or (n,)
    with h5py.File(path) as file:
        image = tuple(file["layer/0/shape"][()])
    data = x.reshape(steps, *image).transpose(0, *range(len(image), 0, -1)) if len(shape) == 3 else x
    source = SpikeSource(data=np.moveaxis(data, 0, -1).astype(np.int32))
    source.s_out.connect(net.inp)
    sinks = []
    for layer in net.layers:
        sink = Sink(shape=layer.neuron.s_out.shape, buffer=steps)
        layer.neuron.s_out.connect(sink.a_in)
        sinks.append(sink)
    net.run(condition=RunSteps(num_steps=steps), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    out = []
    for sink in sinks:
        spikes = np.moveaxis(sink.data.get(), -1, 0)  # (steps, width, height, channels)
        out.append(spikes.transpose(0, *range(spikes.ndim - 1, 0, -1)).reshape(steps, -1) != 0)
    net.stop()
    return out


def matrices():
    """Small matrices of every sign and size, with the edges of both loaders among them."""
    edges = [[[0, 0]], [[300, 400]], [[-128, 0]], [[-100, 0]], [[-255, -1]], [[-256, -2]], [[255, 1]], [[254, -256]]]
    edges += [[[201, -3]], [[127, -128]], [[7, -300]], [[300, -7]], [[-301, 0]], [[64, 128]], [[1, -1]], [[-77, 0]]]
    rng = np.random.default_rng(9)
    for _ in range(120):
        low, high = sorted(rng.integers(-270, 270, 2) // rng.choice([1, 1, 2, 10]))
        edges.append(rng.integers(low, high + 1, (2, 3)) * rng.choice([1, 2, 4]))
    return [np.array(matrix) for matrix in edges]


def loader(matrix):
    """Mantissas, exponent and bits as the dense process holds them; None where the loader fails."""
    try:
        weight, bits, exponent, _ = optimize_weight_bits(matrix)
    except (OverflowError, ValueError):
        return None
    sign = determine_sign_mode(weight)
    return truncate_weights(clip_weights(weight, sign, num_bits=8), sign, bits).tolist(), exponent, bits


def main():
    found = [(matrix.tolist(), loader(matrix)) for matrix in matrices()]
    (GOLDEN / "lava_weights.json").write_text(json.dumps(found) + "\n")
    inputs = np.load(GOLDEN / "netx_inputs.npz")
    kept = {}
    for name in inputs.files:
        layers = run(GOLDEN / name, inputs[name])
        print(name, "rates", [round(float(s.mean()), 3) for s in layers])
        for i, spikes in enumerate(layers):
            kept[f"{name} {i}"] = np.packbits(spikes, axis=1)
            kept[f"{name} {i} n"] = np.array(spikes.shape[1])
    np.savez_compressed(GOLDEN / "lava_netx.npz", **kept)


if __name__ == "__main__":
    main()
