"""A file of Lava-DL as a program: what Lava would run, in its arithmetic."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ..cells import AbstractCells, CubaCells, InputCells
from ..convolution import ConvSynapses
from ..cores import LavaCore
from ..program import Program
from ..synapses import AbstractSynapses, Synapses, sign_of
from .weights import loaded
from .write import BIAS_EXPONENT

LONGEST = 62  # steps; the loader clamps delays to it


def from_netx(path: str | os.PathLike[str]) -> Program:
    """Read an HDF5 network of Lava-DL: dense (delays, recurrent), convolutional and flattening layers of CUBA cells.

    Cells are named `"input"`, `"layer1"`, `"layer2"` ... by their number in the file, synapses likewise `"to layer1"`,
    and `"in layer1"` for recurrent ones; drives feed `"input"`. The core is `LavaCore()`.

    **Raises:** ValueError for layers, neurons or weights that are not of these kinds; ImportError without `h5py`.
    """
    import h5py

    cells: dict[str, AbstractCells] = {}
    synapses: dict[str, AbstractSynapses] = {}
    with h5py.File(path, "r") as file:
        if "layer" not in file:
            raise ValueError(f"{os.fspath(path)!r} has no group 'layer'; expected a network as Lava-DL exports it.")
        layers: Any = file["layer"]
        at, image = "input", None
        for i in range(len(layers)):
            layer = layers[str(i)]
            kind = _text(layer["type"])
            where = f"Layer {i} of {os.fspath(path)!r}"
            if kind == "input":
                if "neuron" in layer:
                    raise ValueError(f"{where} is an input with a neuron of its own; expected one that takes spikes.")
                image = tuple(int(n) for n in layer["shape"][()])
                cells["input"] = InputCells(int(np.prod(image)))
            elif kind in ("dense", "dense_rec", "conv"):
                pre, at = at, f"layer{i}"
                if kind == "conv":
                    made = [_conv(layer, pre, at, image, where)]
                    image = made[0].out_image
                else:
                    made, image = _dense(layer, pre, at, where), None
                    cells.setdefault("input", InputCells(made[0].weight.shape[0]))
                cells[at] = _cells(layer, image or (made[0].weight.shape[1],), where)
                synapses |= dict(zip((f"to {at}", f"in {at}"), made))
            elif kind != "flatten":  # places already stand in the order of a flattened image
                raise ValueError(f"{where} is of type {kind!r}; expected input, dense, dense_rec, conv or flatten.")
    return Program(cells, synapses, LavaCore())


def _text(data: Any) -> str:
    value = data[()]
    return (value[0] if np.ndim(value) else value).decode("ascii")


def _whole(data: Any) -> np.ndarray:
    return data[()].astype(np.int64)  # towards zero, as the loader


def _matrix(layer: Any, name: str) -> np.ndarray:
    weight = _whole(layer[name])
    return weight.reshape(int(np.prod(layer["shape"][()])), -1)


def _dense(layer: Any, pre: str, post: str, where: str) -> list[Synapses]:
    """The synapses from the layer before and, where it is recurrent, those with itself."""
    parts = [_matrix(layer, name) for name in ("weight", "weight_rec") if name in layer]
    n_post, n_pre = parts[0].shape
    delay = np.zeros((), int) if "delay" not in layer else np.clip(_whole(layer["delay"]), 0, LONGEST)
    if delay.size not in (1, n_post, n_pre):
        raise ValueError(f"{where} has {delay.size} delays; expected one, {n_post} or {n_pre}.")
    if np.any(delay) and len(parts) > 1:
        raise ValueError(f"{where} is recurrent with delays, which Lava-DL scales wrongly; expected no delays.")
    if np.ptp(delay) == 0:
        delay = delay.max()
    else:
        delay = np.broadcast_to(delay[None] if delay.size == n_post else delay[:, None], (n_pre, n_post))
    try:
        made = loaded(*parts)
    except ValueError as error:
        raise ValueError(f"{where}: {error}.") from None
    if made[0].bits > 8:
        raise ValueError(
            f"{where} has odd weights above 127 beside negative ones; expected even ones, which 8 bits hold."
        )
    return [
        Synapses(
            sender, post, part.mantissa.T, part.exponent, part.bits, sign_of(part.mantissa), delay,
            max_delay=int(np.max(delay)),
        )
        for sender, part in zip((pre, post), made)
    ]  # fmt: skip


def _conv(layer: Any, pre: str, post: str, image: Any, where: str) -> ConvSynapses:
    if image is None or len(image) != 3:
        raise ValueError(f"{where} is a convolution of {image}; expected an image (channels, height, width) before it.")
    if "delay" in layer:
        raise ValueError(f"{where} is a convolution with delays, which Lava-DL leaves out; expected none.")
    weight = _whole(layer["weight"])
    pairs = {n: tuple(int(v) for v in np.broadcast_to(layer[n][()], 2)) for n in ("stride", "padding", "dilation")}
    groups = int(np.max(layer["groups"][()]))
    return ConvSynapses(pre, post, weight.reshape(weight.shape[:4]), image=image, groups=groups, **pairs)


def _cells(layer: Any, shape: tuple[int, ...], where: str) -> CubaCells:
    if "neuron" not in layer or _text(layer["neuron/type"]) not in ("CUBA", "LOIHI"):
        given = f"neurons of type {_text(layer['neuron/type'])!r}" if "neuron" in layer else "no neuron"
        raise ValueError(f"{where} has {given}; expected CUBA.")
    u, v, threshold = (int(np.max(layer[f"neuron/{name}"][()])) for name in ("iDecay", "vDecay", "vThMant"))
    bias = _whole(layer["bias"]) if "bias" in layer else np.zeros(1, np.int64)
    if len(shape) == 3:  # one a channel, or one a place in the loader's order of axes
        bias = bias.transpose(2, 1, 0) if bias.ndim == 3 else bias.reshape(-1, 1, 1)
    bias = np.broadcast_to(bias, shape).reshape(-1)
    numbers = dict(decay_u=u, decay_v=v, threshold=threshold, bias=bias, bias_exponent=BIAS_EXPONENT)
    return CubaCells(bias.size, **numbers)
