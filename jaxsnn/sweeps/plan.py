"""A sweep before anything has run: what is asked for, what is there, and what it will take."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array

from .._cores import cores
from .._memory import available
from .compiled import Layout, Program, compiled
from .grid import Grid
from .identity import Fingerprint
from .program import Traced
from .store import Memory, Store
from .view import View
from .work import Structure, call_of

_BUFFER = 2**26  # bytes of the results of a call
_MOST = 256  # points of a call, where they run one by one
_TOGETHER = 64  # points of a call on a device that runs them at once, before its memory is known


@dataclass
class Job:
    """A structure with points that are missing, traced; or why it cannot be."""

    structure: Structure
    traced: Traced | None
    error: Exception | None = None


@dataclass
class Resources:
    """What calls run on."""

    devices: tuple[Any, ...]
    lanes: int  # calls at a time
    together: bool  # whether the points of a call run at once
    memory: int | None = field(default_factory=available)

    def layout(self, job: Job, batch: int | None) -> Layout:
        """How the calls of a structure are laid out. It depends on the experiment and the device only, not on which
        points are missing, so that a sweep that continues finds its program."""
        assert job.traced is not None
        mesh = Mesh(np.asarray(self.devices), ("points",))
        if batch is not None:
            size = -(-batch // len(self.devices))
            size = size if self.together else max(2, size)  # an array of one row would be compiled in another way
        elif self.together:
            size = _TOGETHER
        else:
            each = 4 + sum(result.nbytes for result in job.traced.form.values())
            size = int(np.clip(_BUFFER // each, 2, _MOST))
            size = 1 << (size.bit_length() - 1)
        points, seeds = len(job.structure.rows), job.structure.seeds
        crowded = self.together and 4 * points // seeds >= min(size, points)
        return Layout(size, mesh, self.together, crowded)

    def first(self, layout: Layout, points: int, batch: int | None) -> int:
        """Points of the first calls: several calls a lane, so that none waits long for the last one."""
        if batch is not None:
            return min(batch, layout.most)
        if self.together:
            return layout.most
        return max(1, min(16 * layout.devices, layout.most, -(-points // (4 * self.lanes))))


def resources(threads: int | None, devices: Any) -> Resources:
    """All local devices, and a thread a core where there is one CPU device; else two calls in flight."""
    found = tuple(jax.local_devices() if devices is None else devices)
    one_by_one = found[0].platform == "cpu"
    lanes = threads or (cores() if one_by_one and len(found) == 1 else 2)
    return Resources(found, lanes, not one_by_one)


@dataclass
class Plan:
    """What a sweep is going to do. `str(plan)` says it in lines."""

    grid: Grid
    key: Array
    whole: Fingerprint
    ids: np.ndarray
    todo: np.ndarray  # by row: whether the point is to be computed
    view: View
    store: Memory | Store
    jobs: list[Job]
    resources: Resources
    batch: int | None
    traced_s: float
    attempt: int = 0
    share: float = 0.0  # where in the work to begin, of a process among several that know their number
    workers: int = 0  # others that are at work on the store
    measured: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The same for every process that runs the same points."""
        return hashlib.blake2b(self.ids.tobytes() + bytes([self.attempt % 256]), digest_size=8).hexdigest()

    @property
    def missing(self) -> int:
        """Points that are to be computed."""
        return int(np.count_nonzero(self.todo))

    def calibrate(self) -> None:
        """Compile the first structure at two sizes, run one call of it, and predict from that."""
        job = next((job for job in self.jobs if job.traced is not None), None)
        if job is None or job.traced is None:
            return
        layout = self.resources.layout(job, self.batch)
        tick = time.monotonic()
        program = compiled(job.traced, layout, self.key)
        self.measured["compile_s"] = time.monotonic() - tick
        half = compiled(job.traced, layout._replace(size=max(1, layout.size // 2)), self.key)
        each = (program.nbytes - half.nbytes) / max(1, layout.size - layout.size // 2)
        self.measured |= {"call": program.nbytes, "point": each, "fixed": program.nbytes - each * layout.size}
        rows = job.structure.rows[self.todo[job.structure.rows]]
        some = self.resources.first(layout, len(rows), self.batch)
        rows = rows[np.arange(some) * len(rows) // some]  # from everywhere, since points differ in what they cost
        tick = time.perf_counter()
        program.run(call_of(self.grid, rows))
        seconds = time.perf_counter() - tick
        self.measured["seconds"] = seconds / len(rows) * self.missing / self.resources.lanes
        self.measured["points"] = len(rows)

    def __str__(self) -> str:
        size = " x ".join(f"{name} {n}" for name, n in zip(self.view.dims, self.view.shape, strict=True))
        stored = self.view.size - self.missing
        lines = [f"points: {self.view.size}" + (f" ({size})" if size else "") + f", {stored} of them stored already"]
        lines.append(f"programs to compile: {len([job for job in self.jobs if job.traced is not None])}")
        for job in self.jobs:
            if job.error is not None:
                lines.append(f"cannot be traced: {len(job.structure.rows)} points ({job.error})")
        kind, how = self.resources.devices[0], "at once" if self.resources.together else "one by one"
        lines.append(
            f"devices: {len(self.resources.devices)} x {kind.platform} {kind.device_kind}, "
            f"{self.resources.lanes} calls at a time, the points of a call {how}"
        )
        if self.workers:
            lines.append(f"others at work on this store: {self.workers}")
        lines.append(f"results: {_bytes(self.view.nbytes)}")
        if m := self.measured:
            lines.append(
                f"memory: {_bytes(m['call'])} a call ({_bytes(m['fixed'])}, and {_bytes(m['point'])} a point), "
                f"{_bytes(m['call'] * self.resources.lanes)} for all lanes"
                + (f", of {_bytes(self.resources.memory)}" if self.resources.memory else "")
            )
            lines.append(
                f"time: {m['seconds']:.3g} s, from a call of {m['points']:.0f} points; {m['compile_s']:.3g} s "
                "compiling a program"
            )
        return "\n".join(lines)


def fits(program: Program, resources: Resources) -> bool:
    """Whether all lanes have the memory that the compiler counts for a call."""
    return resources.memory is None or resources.lanes * program.nbytes < 0.9 * resources.memory


def _bytes(n: float) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if n >= size:
            return f"{n / size:.3g} {unit}"
    return f"{n:.0f} bytes"
