"""What an experiment computes, as a hash of its code and of all that it uses from its own project."""

from __future__ import annotations

import ast
import dis
import functools
import hashlib
import inspect
import site
import sys
import sysconfig
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._types import is_concrete
from .labels import text as text_of

_PACKAGE = Path(__file__).parents[1]


def code_of(experiment: Any) -> str:
    """A hash that changes wherever the experiment may compute something else.

    It covers the syntax of the function (so that comments, docstrings and layout do not count), the values that it
    closes over, the globals that it names, and so on into whatever functions, classes and modules of its project these
    are: anything but installed packages. jaxsnn's own code is `library`.
    """
    seen: dict[int, Any] = {}
    digest = hashlib.sha256()
    for part in _parts(experiment, seen):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


@functools.cache
def library() -> str:
    """A hash of jaxsnn's own sources, those aside that only show results."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        room = path.relative_to(_PACKAGE).parts[0]
        if room not in ("show", "analysis", "cli.py"):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _parts(thing: Any, seen: dict[int, Any]) -> Iterator[str]:
    """Texts that say what a thing is; one that was met before, such as a function that calls itself, says nothing."""
    if isinstance(thing, str | bytes | bool | int | float | complex | None):
        yield repr(thing)
        return
    if id(thing) in seen:
        return
    seen[id(thing)] = thing  # kept alive, or its number would be given to another
    if isinstance(thing, np.ndarray | np.generic | jax.Array) and is_concrete(thing):
        if isinstance(thing, jax.Array) and jnp.issubdtype(thing.dtype, jax.dtypes.prng_key):
            thing = jax.random.key_data(thing)
        found = np.asarray(thing)
        yield f"{found.dtype} {found.shape} {hashlib.sha256(np.ascontiguousarray(found).tobytes()).hexdigest()}"
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from _parts(key, seen)
            yield from _parts(value, seen)
    elif isinstance(thing, list | tuple | set | frozenset):
        for value in sorted(thing, key=repr) if isinstance(thing, set | frozenset) else thing:
            yield from _parts(value, seen)
    elif isinstance(thing, ModuleType):
        yield from _module(thing, seen)
    elif isinstance(thing, functools.partial):
        yield from _parts((thing.func, thing.args, thing.keywords), seen)
    elif isinstance(thing, MethodType):
        yield from _parts((thing.__self__, thing.__func__), seen)
    elif isinstance(thing, FunctionType):
        yield from _function(thing, seen)
    elif isinstance(thing, type):
        yield from _class(thing, seen)
    elif isinstance(inner := getattr(thing, "__wrapped__", None), FunctionType):  # what jit and its kind wrap
        yield from _parts(inner, seen)
    else:
        yield text_of(thing) if not hasattr(thing, "__dict__") else type(thing).__qualname__
        yield from _parts(type(thing), seen)
        yield from _parts(dict(getattr(thing, "__dict__", {})), seen)


def _function(function: FunctionType, seen: dict[int, Any]) -> Iterator[str]:
    yield function.__qualname__
    if not _of_project(sys.modules.get(function.__module__)):
        return
    yield _syntax(function) or _compiled(function.__code__)
    for value in (function.__defaults__, function.__kwdefaults__):
        yield from _parts(value or (), seen)
    for cell in function.__closure__ or ():
        try:
            yield from _parts(cell.cell_contents, seen)
        except ValueError:  # not filled yet
            continue
    for name in sorted({*_names(function.__code__)}):
        if name in function.__globals__:
            yield name
            yield from _parts(function.__globals__[name], seen)


def _class(kind: type, seen: dict[int, Any]) -> Iterator[str]:
    yield kind.__qualname__
    yield from _parts(vars(kind).get("recipe", ()), seen)  # of a class that was made of text: what made it
    if _of_project(sys.modules.get(kind.__module__)):
        yield _syntax(kind) or ""
        for base in kind.__bases__:
            yield from _parts(base, seen)
        for value in vars(kind).values():
            if isinstance(function := getattr(value, "__func__", value), FunctionType):
                yield from _parts(function, seen)


def _module(module: ModuleType, seen: dict[int, Any]) -> Iterator[str]:
    """The whole file, and the project's modules that it has imported from."""
    yield module.__name__.rpartition(".")[2]
    if not _of_project(module):
        return
    yield ast.dump(_bare(ast.parse(Path(str(module.__file__)).read_text())))
    for value in [*vars(module).values()]:
        other = value if isinstance(value, ModuleType) else sys.modules.get(getattr(value, "__module__", None) or "")
        if other is not None and other is not module:
            yield from _parts(other, seen)


def _compiled(code: CodeType) -> str:
    """What stands for a function without a source: its instructions, and the names and constants that they number."""
    constants = [_compiled(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
    return " ".join([code.co_code.hex(), *code.co_names, *constants])


_GLOBALS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}


def _names(code: CodeType) -> Iterator[str]:
    """The globals that it names; an attribute may have the name of a global, and is none."""
    yield from (each.argval for each in dis.get_instructions(code) if each.opname in _GLOBALS)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _syntax(thing: Any) -> str | None:
    try:
        return ast.dump(_bare(ast.parse(textwrap.dedent(inspect.getsource(thing)))))
    except (OSError, TypeError, SyntaxError):  # typed at a prompt, or part of an expression
        return None


def _bare(tree: ast.Module) -> ast.Module:
    """Without docstrings."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and body
            and ast.get_docstring(node) is not None
        ):
            node.body = body[1:] or [ast.Pass()]
    return tree


@functools.cache
def _installed() -> tuple[Path, ...]:
    paths = [*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages()]
    return (*({Path(path).resolve() for path in paths if path} - {Path(sys.prefix).resolve()}), _PACKAGE)


def _of_project(module: ModuleType | None) -> bool:
    """Whether it is the user's own: a file that no package installed, and not jaxsnn."""
    if module is None:
        return True  # typed at a prompt
    file = getattr(module, "__file__", None)
    if file is None:
        return module.__name__ == "__main__"
    path = Path(file).resolve()
    return not any(folder in path.parents for folder in _installed()) and path.exists()
