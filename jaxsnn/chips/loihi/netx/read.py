"""A file of Lava-DL as a program: what Lava would run, in its arithmetic."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from ...._archive import FileError, said
from ....lowering.cells import AbstractCells, InputCells
from ....lowering.program import Program
from ....lowering.synapses import AbstractSynapses
from ..build import program
from ..cells import CubaCells
from ..convolution import ConvSynapses
from ..cores import LavaCore
from ..synapses import Synapses, sign_of
from .inside import Section, read
from .weights import loaded
from .write import BIAS_EXPONENT

LONGEST = 62  # steps; the loader clamps delays to it
LARGEST = 2**24  # of a number in a file


def from_netx(path: str | os.PathLike[str]) -> Program:
    """Read an HDF5 network of Lava-DL: dense (delays, recurrent), convolutional and flattening layers of CUBA cells.

    Cells are named `"input"`, `"layer1"`, `"layer2"` ... by their number in the file, synapses likewise `"to layer1"`,
    and `"in layer1"` for recurrent ones; drives feed `"input"`. The core is `LavaCore()`.

    Nothing outside the file is read. Its checksum is compared where it has one, as those of `to_netx` have: a file of
    Lava-DL has none, and a number that was changed in it is taken as it stands.

    **Raises:** `FileError` (a ValueError) for a file that is damaged, or leads out of itself; ValueError for layers,
    neurons or weights that are not of these kinds; ImportError without `h5py`.
    """
    where = f"{os.fspath(path)!r}" if isinstance(path, (str, os.PathLike)) else repr(path)
    file = read(path, "a network that Lava-DL exports")
    if "layer" not in file:
        raise FileError(f"{where} has no group 'layer'; expected a network as Lava-DL exports it.")
    layers = file.section("layer")
    cells: dict[str, AbstractCells] = {}
    synapses: dict[str, AbstractSynapses] = {}
    at, image = "input", None
    for i in range(len(layers.names())):
        place = f"Layer {i} of {where}"
        try:
            at, image = _layer(layers.section(str(i)), i, at, image, place, cells, synapses)
        except FileError:
            raise
        except Exception as error:  # whatever numbers of another kind or shape make NumPy and the parts raise
            raise FileError(f"{place} cannot be read: {said(error)}.") from None
    try:
        return program(cells, synapses, LavaCore())
    except ValueError as error:
        raise FileError(f"{where} is no chain of layers: {said(error)}.") from None


def _layer(
    layer: Section, i: int, at: str, image: Any, where: str, cells: dict[str, Any], synapses: dict[str, Any]
) -> tuple[str, Any]:
    """Adds a layer to what there is. Returns the name of its cells, and its image if it has one."""
    kind = _text(layer["type"])
    if kind == "input":
        if "neuron" in layer:
            raise FileError(f"{where} is an input with a neuron of its own; expected one that takes spikes.")
        image = tuple(int(n) for n in layer["shape"])
        _few(image)
        cells["input"] = InputCells(math.prod(image))
    elif kind in ("dense", "dense_rec", "conv"):
        pre, at = at, f"layer{i}"
        if kind == "conv":
            made = [_conv(layer, pre, at, image, where)]
            image = made[0].out_image
        else:
            made, image = _dense(layer, pre, at, where), None
            cells.setdefault("input", InputCells(made[0].weight.shape[0]))
        _few(image or ())
        cells[at] = _cells(layer, image or (made[0].weight.shape[1],), where)
        synapses |= dict(zip((f"to {at}", f"in {at}"), made))
    elif kind != "flatten":  # places already stand in the order of a flattened image
        raise FileError(f"{where} is of type {kind!r}; expected input, dense, dense_rec, conv or flatten.")
    return at, image


def _few(shape: tuple[int, ...]) -> None:
    if any(n < 1 for n in shape) or math.prod(shape) > LARGEST:
        raise ValueError(f"a shape of {shape}, expected at most {LARGEST} places")


def _text(data: np.ndarray) -> str:
    if data.dtype.kind != "S" or data.size != 1:
        raise ValueError(f"{data!r} is no word")
    return data.reshape(-1)[0].decode("ascii")


def _whole(data: np.ndarray) -> np.ndarray:
    if data.dtype.kind not in "biuf" or not np.all(np.isfinite(data)) or np.any(np.abs(data.astype(float)) > LARGEST):
        raise ValueError(f"numbers beyond {LARGEST}, or none")
    return data.astype(np.int64)  # towards zero, as the loader


def _matrix(layer: Section, name: str) -> np.ndarray:
    weight = _whole(layer[name])
    return weight.reshape(math.prod(int(n) for n in layer["shape"]), -1)


def _dense(layer: Section, pre: str, post: str, where: str) -> list[Synapses]:
    """The synapses from the layer before and, where it is recurrent, those with itself."""
    parts = [_matrix(layer, name) for name in ("weight", "weight_rec") if name in layer]
    n_post, n_pre = parts[0].shape
    delay = np.zeros((), int) if "delay" not in layer else np.clip(_whole(layer["delay"]), 0, LONGEST)
    if delay.size not in (1, n_post, n_pre):
        raise FileError(f"{where} has {delay.size} delays; expected one, {n_post} or {n_pre}.")
    if np.any(delay) and len(parts) > 1:
        raise FileError(f"{where} is recurrent with delays, which Lava-DL scales wrongly; expected no delays.")
    if np.ptp(delay) == 0:
        delay = delay.max()
    else:
        delay = np.broadcast_to(delay[None] if delay.size == n_post else delay[:, None], (n_pre, n_post))
    try:
        made = loaded(*parts)
    except ValueError as error:
        raise FileError(f"{where}: {error}.") from None
    if made[0].bits > 8:
        raise FileError(
            f"{where} has odd weights above 127 beside negative ones; expected even ones, which 8 bits hold."
        )
    return [
        Synapses(
            sender, post, part.mantissa.T, part.exponent, part.bits, sign_of(part.mantissa), delay,
            max_delay=int(np.max(delay)),
        )
        for sender, part in zip((pre, post), made)
    ]  # fmt: skip


def _conv(layer: Section, pre: str, post: str, image: Any, where: str) -> ConvSynapses:
    if image is None or len(image) != 3:
        raise FileError(f"{where} is a convolution of {image}; expected an image (channels, height, width) before it.")
    if "delay" in layer:
        raise FileError(f"{where} is a convolution with delays, which Lava-DL leaves out; expected none.")
    weight = _whole(layer["weight"])
    stride, padding, dilation = (np.broadcast_to(layer[name], 2).tolist() for name in ("stride", "padding", "dilation"))
    return ConvSynapses(
        pre,
        post,
        weight.reshape(weight.shape[:4]),
        image=image,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=int(np.max(layer["groups"])),
    )


def _cells(layer: Section, shape: tuple[int, ...], where: str) -> CubaCells:
    if "neuron" not in layer or _text(layer["neuron/type"]) not in ("CUBA", "LOIHI"):
        given = f"neurons of type {_text(layer['neuron/type'])!r}" if "neuron" in layer else "no neuron"
        raise FileError(f"{where} has {given}; expected CUBA.")
    u, v, threshold = (int(np.max(layer[f"neuron/{name}"])) for name in ("iDecay", "vDecay", "vThMant"))
    bias = _whole(layer["bias"]) if "bias" in layer else np.zeros(1, np.int64)
    if len(shape) == 3:  # one a channel, or one a place in the loader's order of axes
        bias = bias.transpose(2, 1, 0) if bias.ndim == 3 else bias.reshape(-1, 1, 1)
    bias = np.broadcast_to(bias, shape).reshape(-1)
    return CubaCells(bias.size, u, v, threshold, bias, BIAS_EXPONENT)
