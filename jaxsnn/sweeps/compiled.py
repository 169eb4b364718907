"""The program of a call: points one after the other on a CPU core, all at once on an accelerator."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import jaxpr_as_fun
from jax.sharding import Mesh, SingleDeviceSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array

from .collect import with_status
from .program import Traced
from .split import POINT, SEED, split

Outputs = tuple[list[np.ndarray], np.ndarray]  # results in the order of the form, and the status of every point


class Call(NamedTuple):
    """Some points that run together: their rows in the grid, sorted by seed, and their numbers."""

    rows: np.ndarray
    axes: dict[str, np.ndarray]
    seed: np.ndarray


class Layout(NamedTuple):
    """How a call is laid out: `size` points on each of the devices of `mesh`, one by one or `together` as a batch,
    whose points may have `one_seed`."""

    size: int
    mesh: Mesh
    together: bool = False
    one_seed: bool = False

    @property
    def devices(self) -> int:
        """How many devices."""
        return self.mesh.devices.size

    @property
    def most(self) -> int:
        """Points of the largest call."""
        return self.size * self.devices


class Program(NamedTuple):
    """A compiled program and its calls."""

    run: Callable[[Call], Outputs]
    nbytes: int  # of one call on one device, as the compiler counts them
    fresh: bool  # compiled just now, and not found


def compiled(traced: Traced, layout: Layout, key: Array) -> Program:
    """What runs calls of up to `layout.most` points.

    Compiled programs are kept, the last 32 of a process, and found by what they compute: another sweep of the same
    experiment, or of one that comes to the same program, compiles nothing.
    """
    executable, fresh = _kept(lower(traced, layout, key), layout)

    def run(call: Call) -> Outputs:
        out, status = jax.tree.map(np.asarray, executable(*_arguments(traced, layout, call, key)))
        at = _places(len(call.rows), layout)
        return [values[at] for values in out], status[at]

    return Program(run, _nbytes(executable), fresh)


def lower(traced: Traced, layout: Layout, key: Array) -> jax.stages.Lowered:
    """The program of a call, not yet compiled.

    On a mesh every device runs a part of its own (`shard_map`): nothing is exchanged between them.
    """
    body = _together(traced, layout) if layout.together else _one_by_one(traced, layout.size)
    spread = P(layout.mesh.axis_names)
    some = Call(np.zeros(1, int), {n: np.zeros(1, x.dtype) for n, x in _forms(traced).items()}, np.zeros(1, np.int32))
    arguments = _arguments(traced, layout, some, key)
    if layout.devices > 1:
        specs = (*(spread for _ in arguments[:-1]), P())
        body = jax.shard_map(body, mesh=layout.mesh, in_specs=specs, out_specs=spread, check_vma=False)
    device = layout.mesh.devices.flat[0]
    program = jax.jit(body, keep_unused=True)  # so that the text of the program says which argument is which
    if layout.devices == 1 and device != jax.devices()[0]:
        program = jax.jit(body, keep_unused=True, in_shardings=SingleDeviceSharding(device))
    return program.lower(*(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in arguments))


def _one_by_one(traced: Traced, size: int) -> Callable[..., Any]:
    """Two loops: over the seeds of a call, and over the points of each.

    What depends on the seed alone, as a graph does, is computed when the seed changes. How many seeds and points there
    are is known only while it runs: one program serves calls of any number of points up to `size`, so that nothing is
    padded, and the loop over a point's steps is compiled in the same way whatever its neighbours.
    """
    point = _with_status(traced)
    n = len(traced.axes)
    of_seed, of_point = map(jaxpr_as_fun, split(point, [*[POINT] * n, SEED, SEED]))
    form = point.out_avals

    def call(*arguments: Array) -> tuple[list[Array], Array]:
        axes, (seeds, starts, count, key) = arguments[:n], arguments[n:]

        def seed_loop(k: Array, out: list[Array]) -> list[Array]:
            shared = of_seed(seeds[k], key)

            def point_loop(i: Array, out: list[Array]) -> list[Array]:
                found = of_point(*shared, *(values[i] for values in axes), seeds[k], key)
                return [lax.dynamic_update_index_in_dim(x, new, i, 0) for x, new in zip(out, found, strict=True)]

            return lax.fori_loop(starts[k], starts[k + 1], point_loop, out)

        *out, status = lax.fori_loop(0, count[0], seed_loop, [jnp.zeros((size, *x.shape), x.dtype) for x in form])
        return out, status

    return call


def _together(traced: Traced, layout: Layout) -> Callable[..., Any]:
    """One batch; what depends on the seed alone is computed once where its points have one seed."""
    point = jaxpr_as_fun(_with_status(traced))
    n = len(traced.axes)
    batched = (*[0] * n, None if layout.one_seed else 0, None)

    def call(*arguments: Array) -> tuple[list[Array], Array]:
        axes, (seeds, _, _, key) = arguments[:n], arguments[n:]
        seed = seeds[0] if layout.one_seed else seeds
        *out, status = jax.vmap(point, in_axes=batched, axis_size=layout.size)(*axes, seed, key)
        return out, status

    return call


def _with_status(traced: Traced) -> Any:
    own = None if "status" not in traced.form else [*traced.form].index("status")

    def point(*arguments: Array) -> list[Array]:
        out, status = with_status(traced.program)(*arguments)
        return [*out, status if own is None else status | out[own].astype(jnp.uint32)]

    return jax.make_jaxpr(point)(*(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in traced.program.in_avals))


def _forms(traced: Traced) -> dict[str, Any]:
    return dict(zip(traced.axes, traced.program.in_avals, strict=False))


def _arguments(traced: Traced, layout: Layout, call: Call, key: Array) -> tuple[Any, ...]:
    """The numbers of a call, each device's part after the other, filled up with the last point of the part."""
    parts = _parts(len(call.rows), layout)
    size, devices = layout.size, layout.devices
    seeds = np.zeros((devices, size), np.int32)
    starts = np.zeros((devices, size + 1), np.int32)
    counts = np.zeros(devices, np.int32)
    at = np.zeros((devices, size), int)
    for device, part in enumerate(parts):
        own = call.seed[part]
        at[device] = np.minimum(part.start + np.arange(size), max(part.stop - 1, 0))
        if layout.together:
            seeds[device] = call.seed[at[device]]
        elif len(own):
            begin = np.flatnonzero(np.diff(own, prepend=own[0] - 1))
            counts[device] = len(begin)
            seeds[device, : len(begin)] = own[begin]
            starts[device] = len(own)
            starts[device, : len(begin)] = begin
    axes = (np.ascontiguousarray(call.axes[name][at.reshape(-1)]) for name in traced.axes)
    return *axes, seeds.reshape(-1), starts.reshape(-1), counts, key


def _parts(points: int, layout: Layout) -> list[slice]:
    """Which points of a call each device runs: as even as can be."""
    ends = [points * (device + 1) // layout.devices for device in range(layout.devices)]
    return [slice(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]


def _places(points: int, layout: Layout) -> np.ndarray | slice:
    """Where the results of the points of a call stand in what the program returns."""
    if layout.devices == 1:
        return slice(0, points)
    parts = _parts(points, layout)
    return np.concatenate([d * layout.size + np.arange(part.stop - part.start) for d, part in enumerate(parts)])


_programs: OrderedDict[str, jax.stages.Compiled] = OrderedDict()
_lock = threading.Lock()


def _kept(lowered: jax.stages.Lowered, layout: Layout) -> tuple[jax.stages.Compiled, bool]:
    form = f"{jax.default_backend()} {layout.mesh.devices.flatten().tolist()} {lowered.in_tree} {lowered.out_tree}"
    name = hashlib.sha256(f"{form} {lowered.as_text()}".encode()).hexdigest()
    with _lock:
        program = _programs.pop(name, None)
    fresh = program is None
    if program is None:
        program = lowered.compile()
    with _lock:
        _programs[name] = program
        while len(_programs) > 32:
            _programs.popitem(last=False)
    return program, fresh


def _nbytes(executable: jax.stages.Compiled) -> int:
    found = executable.memory_analysis()
    if found is None:
        return 0
    names = ("temp_size_in_bytes", "output_size_in_bytes", "argument_size_in_bytes")
    return sum(int(getattr(found, name, 0)) for name in names)
