"""The command line: run or sweep an experiment file, or say what is installed."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from ._cache import SWITCH, keep_programs
from .sweeps.command import CLEAN, ERROR, USAGE, UsageError, run_file
from .sweeps.stopping import complain, say

CODES = f"""exit codes: 0 clean; 1 an error; 2 refused, before anything ran; 3 the result is stored, and the status of
some points is not clean; 128 + the signal that stopped it (130 for Ctrl-C), with what was finished stored.
Compiled programs are kept in the user's cache folder; {SWITCH}=off keeps none, {SWITCH}=FOLDER keeps them there."""


def main(argv: list[str] | None = None) -> int:
    """`jaxsnn run | sweep | show | new | lower | emulate | info`; the exit code. Errors are one line."""
    arguments = _parser().parse_args(argv)
    try:
        keep_programs()
        code = _command(arguments)
    except KeyboardInterrupt:
        complain("interrupted")
        code = 130
    except (UsageError, SyntaxError) as error:
        code = _complained(error, USAGE, arguments.traceback)
    except Exception as error:
        refused = isinstance(error, ValueError | OSError) and arguments.command in ("lower", "emulate")
        code = _complained(error, USAGE if refused else ERROR, arguments.traceback)
    if argv is None and code > 128:  # what XLA still compiles or runs cannot be stopped, and is not waited for
        sys.stdout.flush()
        os._exit(code)
    return code


def _complained(error: Exception, code: int, traceback: bool) -> int:
    if traceback:
        raise error
    kind = "" if isinstance(error, ValueError | OSError | SyntaxError | RuntimeError) else f"{type(error).__name__}: "
    lines = f"{kind}{error}".strip().splitlines() or [type(error).__name__]
    more = "" if code == USAGE and len(lines) == 1 else " (--traceback shows where)"
    complain(lines[0] + more)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jaxsnn", description="Spiking networks: simulated, swept, differentiated.", epilog=CODES
    )
    parser.add_argument("--traceback", action="store_true", help="show where an error comes from")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help_, more in (
        ("run", "run an experiment at one point (and over what its REPEATS names)", "-run"),
        ("sweep", "run an experiment over its space, or over the axes given; continue one that was stopped", ""),
    ):
        command = commands.add_parser(name, help=help_, epilog=CODES)
        command.add_argument("file", type=Path, help="a Python file with SPACE and experiment(point, key)")
        command.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="fix a parameter")
        command.add_argument("--out", type=Path, help=f"folder for the result (default: results/<file>{more})")
        command.add_argument("--force", action="store_true", help="begin anew, in the next folder that is free")
        command.add_argument("--seed", type=int, default=0, help="of the base key (default 0)")
        if name == "sweep":
            command.add_argument(
                "--axis",
                action="append",
                default=[],
                metavar="NAME=LO:HI:N | NAME=LO:HI:N:log | NAME=A,B,C",
                help="vary a parameter; what the file varies is then at its default, unless it has an --axis too",
            )
            command.add_argument("--zip", action="store_true", help="run the axes together instead of their product")
            command.add_argument("--random", type=int, metavar="N", help="N points drawn at random from the axes")
            command.add_argument("--sobol", type=int, metavar="N", help="N points of a Sobol sequence over the axes")
            command.add_argument(
                "--own-seeds", action="store_true", help="each of those N points has a seed of its own"
            )
            command.add_argument("--table", type=Path, help="points from a CSV file with a column a parameter")
            command.add_argument("--batch", type=int, help="points a call, to bound memory")
            command.add_argument("--threads", type=int, help="calls at a time (default: one a core)")
            command.add_argument("--dry-run", action="store_true", help="only say what would be done")
            command.add_argument("--only-failed", action="store_true", help="run only the points that failed")
    showing = commands.add_parser("show", help="show a sweep: one HTML file that opens from disk")
    showing.add_argument("folder", type=Path, help="of the sweep, such as results/brunel")
    showing.add_argument("--out", type=Path, help="the file (default: beside the result)")
    showing.add_argument("--png", action="store_true", help="draw one still picture instead")
    showing.add_argument(
        "--live",
        nargs="?",
        type=float,
        const=5.0,
        metavar="SECONDS",
        help="write it again while the sweep runs (every 5 s)",
    )
    showing.add_argument(
        "--pictures",
        type=int,
        default=9,
        metavar="N",
        help="points of which the experiment draws its picture (default 9)",
    )
    showing.add_argument("--megabytes", type=float, default=3.0, help="how large the page may get (default 3)")
    new = commands.add_parser("new", help="write the skeleton of an experiment, which works as it stands")
    new.add_argument("name", help="of the experiment: NAME.py is written")
    lowering = commands.add_parser("lower", help="lower a network to a program for a chip")
    lowering.add_argument("file", type=Path, help="a Python file with model(key): a network, or (network, calibration)")
    lowering.add_argument(
        "--target", default="loihi1", help="the chip, by the name of its target, or all (default loihi1)"
    )
    lowering.add_argument("--out", type=Path, required=True, help="the program file, .npz; with all a folder")
    lowering.add_argument("--report", type=Path, help="a file for the report: .html with pictures, .json or .txt")
    lowering.add_argument("--seed", type=int, default=0, help="of the key that model gets (default 0)")
    emulating = commands.add_parser("emulate", help="run a program, bit for bit as the chip would")
    emulating.add_argument("program", type=Path, help="a program file, .npz")
    emulating.add_argument("--input", type=Path, required=True, help="an .npz file with a (steps, n) raster an input")
    emulating.add_argument("--out", type=Path, help="an .npz file for the spikes of every group")
    emulating.add_argument("--seed", type=int, default=0, help="of the chip's noise (default 0)")
    commands.add_parser("info", help="versions, devices, and a check of this jax")
    return parser


def _command(arguments: argparse.Namespace) -> int:
    if arguments.command == "info":
        return info()
    if arguments.command in ("run", "sweep"):
        for name in ("batch", "threads", "random", "sobol"):
            if (value := getattr(arguments, name, None)) is not None and value < 1:
                raise UsageError(f"Got {name} = {value}, expected a positive number.")
        from .show.command import show_sweep

        module = load(arguments.file)
        return run_file(module, arguments, look=lambda folder: show_sweep(folder, module))
    if arguments.command == "show":
        from .show.command import show

        return show(arguments, load)
    if arguments.command == "new":
        return new(arguments.name)
    from .lowering.command import emulate_file, lower_file

    if not 0 <= arguments.seed < 2**32:
        raise UsageError(f"Got --seed {arguments.seed}, expected a whole number from 0 to 2^32 - 1.")
    if arguments.command == "lower":
        module = load(arguments.file)
        say(lower_file(module, arguments.target, arguments.out, arguments.seed, arguments.report))
    else:
        say(emulate_file(arguments.program, arguments.input, arguments.out, arguments.seed))
    return CLEAN


def load(path: Path) -> ModuleType:
    """An experiment file as a module, which may import the files beside it."""
    if not path.is_file():
        raise UsageError(f"Got {str(path)!r}, which is no file; expected an experiment such as experiments/brunel.py.")
    spec = importlib.util.spec_from_file_location(f"jaxsnn_experiment_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UsageError(f"Got {str(path)!r}, expected a Python file, whose name ends in .py.")
    module = importlib.util.module_from_spec(spec)
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.insert(0, folder)  # as for a script: a file may import its neighbours
    sys.modules[spec.name] = module  # where dataclasses look up the annotations of the file's own classes
    spec.loader.exec_module(module)
    return module


def new(name: str) -> int:
    """Write the skeleton of an experiment, and say what to do with it."""
    from .skeleton import write_skeleton

    try:
        path = write_skeleton(name)
    except (ValueError, OSError) as error:
        raise UsageError(str(error)) from error
    say(f"written: {path}")
    say(f"try it: jaxsnn run {path}; jaxsnn sweep {path}; jaxsnn show results/{path.stem}")
    return CLEAN


def info() -> int:
    """Versions and devices, and whether this jax computes a product that a broken release got wrong."""
    import platform
    from importlib.metadata import version

    import jax

    from . import __version__
    from ._health import matvec_is_right

    python = platform.python_version()
    say(f"jaxsnn {__version__}, jax {version('jax')}, jaxlib {version('jaxlib')}, Python {python}")
    for device in jax.devices():
        say(f"device: {device.platform} {device.device_kind} (id {device.id})")
    if matvec_is_right():
        say("check: a batched matrix-vector product is right")
        return 0
    say("check: a batched matrix-vector product is WRONG on this jax (jax issue 39103); install another release")
    return 1


if __name__ == "__main__":
    sys.exit(main())
