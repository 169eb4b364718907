"""The commands `jaxsnn lower` and `jaxsnn emulate`."""

from __future__ import annotations

import functools
import operator
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import _archive
from ..simulation.drives.trains import Replay
from ..simulation.probes.spikes import Raster
from ..simulation.probes.traces import Last, Trace
from ..simulation.run import simulate
from .cells import InputCells
from .compare import compare_targets
from .file import load_program, save_program
from .pipeline import lower
from .summaries import summary
from .target import target_named

ALL = "all"  # the name of all targets


def lower_file(module: ModuleType, target: str, out: Path, seed: int, report: Path | None = None) -> str:
    """Lower what `module.model(key)` returns, a network or (network, calibration); write the program and its report.

    With the target `all` the table of all targets is the report, and `out` a folder with a program for each that fits.
    """
    if not hasattr(module, "model"):
        raise ValueError(
            f"{module.__name__} has no model; expected a function model(key) that returns a network, or a network and "
            "what to calibrate with."
        )
    made = module.model(jax.random.key(seed))
    net, calibrate = made if isinstance(made, tuple) else (made, None)
    if target == ALL:
        return _to_all(net, calibrate, out, report)
    made = lower(net, target_named(target), calibrate=calibrate)
    save_program(made.program, out)
    lines = [str(made.report), f"program: {out}"]
    if report is not None and made.report is not None:
        made.report.save(report)
        lines.append(f"report: {report}")
    return "\n".join(lines)


def _to_all(net: Any, calibrate: Any, out: Path, report: Path | None) -> str:
    """The table of all targets, after programs and the table are written."""
    if out.suffix or out.is_file():
        raise ValueError(
            f"Got --out {str(out)!r} with --target {ALL}; expected a folder, for a program of each target."
        )
    found = compare_targets(net, calibrate=calibrate)
    out.mkdir(parents=True, exist_ok=True)
    for name, made in found.lowered.items():
        save_program(made.program, out / f"{name}.npz")
    lines = [str(found), "", f"programs: {len(found.lowered)} in {out}"]
    if report is not None:
        found.save(report)
        lines.append(f"report: {report}")
    return "\n".join(lines)


def emulate_file(program: Path, spikes: Path, out: Path | None, seed: int) -> str:
    """Run a program on rasters of shape (steps, n), one for each port that an `.npz` file names.

    Write what every group sent: booleans for spikes, or the amplitudes of graded ones.
    """
    loaded = load_program(program)
    rasters = _archive.read(spikes, "an .npz file of rasters")
    for name, raster in rasters.items():
        if raster.ndim != 2 or raster.dtype.kind not in "biuf":
            raise ValueError(f"{str(spikes)!r} has {name!r} of shape {raster.shape}; expected rasters (steps, n).")
    if not rasters:
        raise ValueError(f"{spikes} has no raster; expected arrays of shape (steps, n) named as the program's inputs.")
    drives: list[Any] = [Replay(jnp.asarray(raster), into=name) for name, raster in rasters.items()]
    steps = max(raster.shape[0] for raster in rasters.values())
    learns = {name: group for name, group in loaded.synapses.items() if group.learned_variable}
    graded = {n: c for n, c in loaded.cells.items() if c.message_bits and not isinstance(c, InputCells)}
    paths = {name: f"{name}.{group.learned_variable}" for name, group in learns.items()}
    record: dict[str, Any] = {name: Raster(name) for name in loaded.sizes} | {p: Last(p) for p in paths.values()}
    record |= {name: Trace(f"{name}.{cells.output_variable}") for name, cells in graded.items()}
    key = jax.random.key(seed)
    run = simulate(loaded, functools.reduce(operator.add, drives), steps=steps, key=key, record=record, throw=False)
    sent = {name: np.asarray(run[name] if name in graded else run[name].dense()) for name in loaded.sizes}
    lines = [summary(loaded), f"{steps} steps of {loaded.dt:g} ms"]
    lines += [f"{name}: {np.count_nonzero(raster)} spikes of {raster.shape[1]}" for name, raster in sent.items()]
    learned = {path: np.asarray(run[path]) for path in paths.values()}
    for name, path in paths.items():
        before, after = np.asarray(getattr(learns[name].init(), learns[name].learned_variable)), learned[path]
        lines.append(
            f"{name}: {np.sum(before != after)} of {after.size} weights changed; mean {after.mean():.4g}, "
            f"{before.mean():.4g} before"
        )
    lines += run.problems
    if out is not None:
        kept: dict[str, Any] = {**sent, **learned}
        np.savez_compressed(out, **kept)
        lines.append(f"spikes{' and weights' if learned else ''}: {out}")
    return "\n".join(lines)
