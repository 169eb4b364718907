"""A chain of layers as a file that Lava-DL's loader runs bit for bit."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ....lowering.cells import AbstractCells, InputCells
from ....lowering.program import Program
from ....models import known
from ..cells import CubaCells, core_of
from ..convolution import ConvSynapses
from ..cores import ShiftAfterSum
from ..sparse import SparseSynapses
from ..synapses import Synapses
from .inside import BLOCK, seal
from .weights import loaded

BIAS_EXPONENT = 6  # the loader's, for every layer


class Layer(NamedTuple):
    """Cells, the synapses that come in from the layer before, and those among themselves."""

    name: str
    cells: CubaCells
    link: Synapses | ConvSynapses
    again: Synapses | None


def to_netx(program: Program, path: str | os.PathLike[str]) -> None:
    """Write a program to an HDF5 file from which `lava.lib.dl.netx.hdf5.Network` runs it, spike for spike.

    What the format has: a chain of `InputCells` and layers of `CubaCells`, one parameter a layer, joined by `Synapses`
    (delays of a sender, of a receiver or of all; recurrent ones without delays) or `ConvSynapses`.

    **Raises:** ValueError that names the part which the format or the loader cannot hold: the loader's own handling of
    weights is gone through, and nothing is written that it would change. A checksum stands before what HDF5 reads,
    which `from_netx` compares. ImportError without `h5py` (extra `data`).
    """
    import h5py

    matrices = {n: g.matrix() if isinstance(g, SparseSynapses) else g for n, g in program.synapses.items()}
    program = dataclasses.replace(program, synapses=matrices)
    layers = list(_chain(program))
    description = [_input(program, layers), *(entry for layer in layers for entry in _entries(program, layer))]
    with h5py.File(path, "w", userblock_size=BLOCK) as file:
        for i, entry in enumerate(description):
            _write(file.create_group(f"layer/{i}"), entry)
        file["simulation/Ts"], file["simulation/tSample"] = 1, 1
    seal(path)


def _write(group: Any, entry: dict[str, Any]) -> None:
    for name, value in entry.items():
        if isinstance(value, dict):
            _write(group.create_group(name), value)
        elif isinstance(value, str):
            group.create_dataset(name, (1,), "S10", value.encode("ascii"))
        else:
            group.create_dataset(name, data=value)


def _refuse(name: str, why: str) -> ValueError:
    return ValueError(f"{name!r} cannot be written for Lava-DL: {why}.")


def _chain(program: Program) -> Iterator[Layer]:
    """The layers in their order."""
    inputs = [name for name, cells in program.cells.items() if isinstance(cells, InputCells)]
    if len(inputs) != 1:
        raise _refuse(known(inputs), f"its networks have one input, this has {len(inputs)} groups of InputCells")
    (at,), seen = inputs, set(inputs)
    if program.cells[at].message_bits:
        raise _refuse(at, "amplitudes of its spikes are an argument of the loader, and nothing in a file")
    while seen < program.cells.keys():
        onward = {n: g for n, g in program.synapses.items() if g.pre == at and g.post != at}
        if len(onward) != 1:
            raise _refuse(at, f"a layer feeds one other, this feeds {known(g.post for g in onward.values())}")
        ((name, link),) = onward.items()
        if link.post in seen:
            raise _refuse(name, "it leads back, and only a layer's synapses with itself may")
        at = link.post
        again = {n: g for n, g in program.synapses.items() if g.pre == at and g.post == at}
        if len(again) > 1 or any(type(group) is not Synapses for group in again.values()):
            raise _refuse(known(again), "a layer has at most one matrix of Synapses with itself")
        if not isinstance(link, (Synapses, ConvSynapses)):
            raise _refuse(name, f"it is {type(link).__name__}; layers are Synapses or ConvSynapses")
        own = next(iter(again.values()), None)
        assert own is None or isinstance(own, Synapses)
        yield Layer(at, _cuba(at, program.cells[at]), link, own)
        seen.add(at)


def _cuba(name: str, cells: AbstractCells) -> CubaCells:
    if type(cells) is not CubaCells or cells.noise is not None:
        raise _refuse(name, "its layers are CubaCells without noise")
    for part, expected in (("v_start", 0), ("refractory", 1), ("v_min", -(2**23) + 1), ("v_max", 2**23 - 1)):
        if np.any(np.asarray(getattr(cells, part)) != expected):
            raise _refuse(name, f"its cells know no {part}; expected {expected}")
    return cells


def _input(program: Program, layers: list[Layer]) -> dict[str, Any]:
    link = layers[0].link
    shape = link.image if isinstance(link, ConvSynapses) else (program.cells[link.pre].n,)
    return {"type": "input", "shape": np.array(shape)}


def _entries(program: Program, layer: Layer) -> Iterator[dict[str, Any]]:
    """One layer; before it, that images are flattened where they end."""
    cells, link = layer.cells, layer.link
    bias = _bias(layer.name, cells)
    common = {"neuron": _neuron(layer.name, cells)} | ({"bias": bias} if np.any(bias) else {})
    if isinstance(link, ConvSynapses):
        if int(link.exponent):
            raise _refuse(layer.name, f"kernels have no exponent there, this has {int(link.exponent)}; fold it in")
        pairs = {name: np.array(getattr(link, name)) for name in ("stride", "padding", "dilation")}
        numbers = {"inChannels": link.image[0], "outChannels": link.out_image[0], "groups": link.groups}
        kernel = {"kernelSize": np.array(link.weight.shape[2:]), "weight": np.asarray(link.weight)}
        if "bias" in common:  # one a channel, or one a place in the loader's order of axes
            each = bias.reshape(link.out_image)
            common["bias"] = each[:, 0, 0] if np.all(each == each[:, :1, :1]) else each.transpose(2, 1, 0)
        yield {"type": "conv", "shape": np.array(link.out_image), **numbers, **kernel, **pairs, **common}
        return
    before = [g for g in program.synapses.values() if g.post == link.pre and isinstance(g, ConvSynapses)]
    if before:
        yield {"type": "flatten", "shape": np.array([link.weight.shape[0]])}
    weight = _effective(layer.name, program, link).T
    delay = _delay(layer.name, np.asarray(link.delay))
    entry = {"shape": np.array([cells.n]), "inFeatures": weight.shape[1], "outFeatures": cells.n, "weight": weight}
    if layer.again is None:
        _lossless(layer.name, weight)
        yield {"type": "dense", **entry, **({} if delay is None else {"delay": delay}), **common}
        return
    if delay is not None or np.any(np.asarray(layer.again.delay)):
        raise _refuse(layer.name, "the loader scales recurrent layers with delays wrongly")
    recurrent = _effective(layer.name, program, layer.again).T
    _lossless(layer.name, weight, recurrent)
    yield {"type": "dense_rec", **entry, "weight_rec": recurrent, **common}


def _neuron(name: str, cells: CubaCells) -> dict[str, Any]:
    parts = {"iDecay": cells.decay_u, "vDecay": cells.decay_v, "vThMant": cells.threshold}
    numbers = {}
    for part, value in parts.items():
        values = np.unique(np.asarray(value))
        if len(values) != 1:
            raise _refuse(name, f"one {part} a layer, this has {len(values)}; split the layer or choose one")
        numbers[part] = int(values[0])
    return {"type": "CUBA", **numbers, "refDelay": 1, "gradedSpike": 0}


def _bias(name: str, cells: CubaCells) -> np.ndarray:
    exponent = np.asarray(cells.bias_exponent)
    effective = np.floor(np.asarray(cells.bias, np.float64) * 2.0**exponent).astype(np.int64)
    mantissa = np.broadcast_to(effective >> BIAS_EXPONENT, (cells.n,))
    if np.any(effective % 2**BIAS_EXPONENT) or np.any(np.abs(mantissa + 0.5) > 4096):
        raise _refuse(name, "biases are multiples of 64 there, from -4096 * 64 to 4095 * 64")
    return mantissa


def _effective(name: str, program: Program, group: Synapses) -> np.ndarray:
    """What a spike adds, in units of 2^6: whole numbers."""
    core = core_of(program.cells[group.post])
    if not isinstance(core.scaling, ShiftAfterSum):
        return np.asarray(group.effective(core))
    exact = np.asarray(group.stored(core), np.float64) * 2.0 ** int(group.exponent)
    if np.any(exact % 1):
        raise _refuse(name, f"weights are whole numbers there, and exponent {int(group.exponent)} leaves fractions")
    return exact.astype(np.int64)


def _lossless(name: str, *parts: np.ndarray) -> None:
    """Refuses weights that the loader would change."""
    try:
        after = loaded(*parts)
    except ValueError as error:
        raise _refuse(name, str(error)) from None
    for weight, made in zip(parts, after):
        for post, pre in np.argwhere(made.effective != weight)[:1]:
            change = f"{made.effective[post, pre]:g} of the weight {weight[post, pre]} from cell {pre} to cell {post}"
            raise _refuse(name, f"the loader makes {change}; change it or scale the layer")


def _delay(name: str, delay: np.ndarray) -> np.ndarray | None:
    """A delay for all, one a receiver, or one a sender; None where there are none."""
    if not np.any(delay):
        return None
    if delay.ndim == 0 or np.all(delay == delay.flat[0]):
        return np.asarray(delay.flat[0])
    n_pre, n_post = delay.shape
    if np.all(delay == delay[:1]):
        return delay[0]
    if np.all(delay == delay[:, :1]) and n_pre != n_post:  # as many of both would be read as a receiver's
        return delay[:, 0]
    raise _refuse(name, "a layer has one delay a sender (if there are as many receivers: not even that), or a receiver")
