"""The command line: run or sweep an experiment file, or say what is installed."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np


def main(argv: list[str] | None = None) -> int:
    """`jaxsnn run | sweep | lower | emulate | info`. User errors are one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="jaxsnn", description="Spiking networks: simulated, swept, differentiated.")
    parser.add_argument("--traceback", action="store_true", help="show where an error comes from")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help_ in (
        ("run", "run an experiment at one point (and over what its REPEATS names)"),
        ("sweep", "run an experiment over its space, or over the axes given"),
    ):
        command = commands.add_parser(name, help=help_)
        command.add_argument("file", type=Path, help="a Python file with SPACE and experiment(point, key)")
        command.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="fix a parameter")
        command.add_argument("--out", type=Path, help="folder for the result (default: results/<name of the file>)")
        command.add_argument("--seed", type=int, default=0, help="of the base key (default 0)")
        if name == "sweep":
            command.add_argument(
                "--axis", action="append", default=[], metavar="NAME=LO:HI:N | NAME=A,B,C", help="vary a parameter"
            )
            command.add_argument("--batch", type=int, help="points a call, to bound memory")
            command.add_argument("--zip", action="store_true", help="run the axes together instead of their product")
    lowering = commands.add_parser("lower", help="lower a network to a program for a chip")
    lowering.add_argument("file", type=Path, help="a Python file with model(key): a network, or (network, calibration)")
    lowering.add_argument("--target", choices=("loihi1", "loihi2"), default="loihi1")
    lowering.add_argument("--out", type=Path, required=True, help="the program file, .npz")
    lowering.add_argument("--report", type=Path, help="a file for the report: .html with pictures, .json or .txt")
    lowering.add_argument("--seed", type=int, default=0, help="of the key that model gets (default 0)")
    emulating = commands.add_parser("emulate", help="run a program, bit for bit as the chip would")
    emulating.add_argument("program", type=Path, help="a program file, .npz")
    emulating.add_argument("--input", type=Path, required=True, help="an .npz file with a (steps, n) raster an input")
    emulating.add_argument("--out", type=Path, help="an .npz file for the spikes of every group")
    emulating.add_argument("--seed", type=int, default=0, help="of the chip's noise (default 0)")
    commands.add_parser("info", help="versions, devices, and a check of this jax")
    arguments = parser.parse_args(argv)
    try:
        if arguments.command in ("lower", "emulate"):
            return _program(arguments)
        return info() if arguments.command == "info" else _experiment(arguments)
    except (ValueError, OSError, SyntaxError) as error:
        if arguments.traceback:
            raise
        print(f"jaxsnn: {error}", file=sys.stderr)
        return 2


def _program(arguments: argparse.Namespace) -> int:
    from .lower.command import emulate_file, lower_file

    if arguments.command == "lower":
        module = load(arguments.file, needs=())
        print(lower_file(module, arguments.target, arguments.out, arguments.seed, arguments.report))
    else:
        print(emulate_file(arguments.program, arguments.input, arguments.out, arguments.seed))
    return 0


def _experiment(arguments: argparse.Namespace) -> int:
    import jax

    from ._status import SimulationError
    from .sweep.grid import product, zipped
    from .sweep.manifest import manifest, save
    from .sweep.run import sweep

    module = load(arguments.file)
    space = dict(module.SPACE)
    varied = {name: value for name, _, value in map(_assignment, getattr(arguments, "axis", []))}
    fixed = {name: value for name, _, value in map(_assignment, arguments.set)}
    for name in {**varied, **fixed}:
        if name not in space:
            raise ValueError(f"Got {name!r}, which {arguments.file} does not have in SPACE: {', '.join(space)}.")
    if varied or arguments.command == "run":  # axes given on the command line replace those of the file
        kept = () if varied else getattr(module, "REPEATS", ())  # one result is made of these, e.g. folds and seeds
        space = {name: axis if name in kept else axis.at(_default(axis)) for name, axis in space.items()}
    space |= {name: space[name].at(_value(space[name], value, name)) for name, value in fixed.items()}
    space |= {name: space[name].over(_values(space[name], value, name)) for name, value in varied.items()}

    grid = (zipped if getattr(arguments, "zip", False) else product)(space)
    out = arguments.out or Path("results") / arguments.file.stem
    print(f"{arguments.file.name}: {grid.size} point(s)" + "".join(f", {d} x {len(v)}" for d, v in grid.dims.items()))
    problem = None
    begin = time.monotonic()
    try:
        key, batch = jax.random.key(arguments.seed), getattr(arguments, "batch", None)
        dataset = sweep(module.experiment, grid, key=key, batch=batch)
    except SimulationError as error:
        dataset, problem = error.dataset, error
    dataset.attrs.update(manifest(arguments.file, arguments.seed))
    folder = save(dataset, out)  # before anything that could still fail
    seconds, compiling = time.monotonic() - begin, dataset.attrs["compile_s"]
    print(f"{grid.size} point(s) in {seconds:.1f} s, {compiling:.1f} s of it compiling")
    print(f"result: {folder / 'result.zarr'}")
    if hasattr(module, "plot"):
        picture = folder / f"{arguments.file.stem}.png"
        module.plot(dataset, picture)
        print(f"picture: {picture}")
    if hasattr(module, "summary"):
        print(module.summary(dataset))
    elif grid.size == 1:
        for name, value in dataset.data_vars.items():
            print(f"{name}: {np.array2string(np.asarray(value), precision=4, threshold=8)}")
    if problem is not None:
        print(f"jaxsnn: {problem}", file=sys.stderr)
        return 1
    return 0


SPACE_AND_EXPERIMENT = (
    ("SPACE", "a dict of Axis, Static, Seeds"),
    ("experiment", "a function (point, key) -> dict"),
)


def load(path: Path, needs: tuple[tuple[str, str], ...] = SPACE_AND_EXPERIMENT) -> ModuleType:
    """An experiment file as a module, which may import the files beside it."""
    if not path.is_file():
        raise ValueError(f"Got {str(path)!r}, which is no file; expected an experiment such as experiments/brunel.py.")
    spec = importlib.util.spec_from_file_location(f"jaxsnn_experiment_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.insert(0, folder)  # as for a script: a file may import its neighbours
    sys.modules[spec.name] = module  # where dataclasses look up the annotations of the file's own classes
    spec.loader.exec_module(module)
    for name, what in needs:
        if not hasattr(module, name):
            raise ValueError(f"{path} has no {name}; an experiment file needs {name}, {what}.")
    return module


def _assignment(text: str) -> tuple[str, str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ValueError(f"Got {text!r}, expected NAME=VALUE.")
    return name, equals, value


def _default(axis: Any) -> Any:
    return axis.points[0] if not hasattr(axis, "default") else axis.default


def _value(axis: Any, text: str, name: str) -> Any:
    """One value from the command line, of the type the axis has."""
    from .sweep.grid import Axis, Seeds

    kind = float if isinstance(axis, Axis) else int if isinstance(axis, Seeds) else type(axis.default)
    try:
        if kind is bool:
            return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"Got {name}={text}, expected a value of type {kind.__name__}.") from None


def _values(axis: Any, text: str, name: str) -> list[Any]:
    """`lo:hi:n` or `a,b,c`."""
    if ":" not in text:
        return [_value(axis, part, name) for part in text.split(",")]
    try:
        lo, hi, n = text.split(":")
        values = np.linspace(float(lo), float(hi), int(n))
    except ValueError:
        raise ValueError(f"Got {name}={text}, expected lo:hi:n (two numbers and a count) or a,b,c.") from None
    if len(values) == 0:
        raise ValueError(f"Got {name}={text}, expected a positive count.")
    return [_value(axis, f"{v:.12g}", name) for v in values]


def info() -> int:
    """Versions and devices, and whether this jax computes a product that a broken release got wrong."""
    import platform
    from importlib.metadata import version

    import jax

    from . import __version__
    from .sweep.canary import matvec_is_right

    python = platform.python_version()
    print(f"jaxsnn {__version__}, jax {version('jax')}, jaxlib {version('jaxlib')}, Python {python}")
    for device in jax.devices():
        print(f"device: {device.platform} {device.device_kind} (id {device.id})")
    if matvec_is_right():
        print("check: a batched matrix-vector product is right")
        return 0
    print("check: a batched matrix-vector product is WRONG on this jax (jax issue 39103); install another release")
    return 1


if __name__ == "__main__":
    sys.exit(main())
