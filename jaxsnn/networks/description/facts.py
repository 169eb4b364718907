"""What a class says of itself: sentences, formulas and source of its docstring, and its parameters with their units."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._text import described, law, numbers, text
from ..._types import AbstractLaw, is_concrete

_CODE = re.compile(r"`([^`]+)`")
_NAMED = re.compile(r"((?:`[\w.]+`(?:, | and )?)+)(?:, \w+)?: ")
_SHAPE = re.compile(r"(^|[,.;] ?)[Ss]hape `\(\)`.*|[,;] with$|,? and$")
_CHANGE = re.compile(r"d\w+/dt|<-")
_RELATION = re.compile(r" (?:=|<-|<=|>=|<|>|~) ")
_RELATIVES = ("NEST:", "PyNN:", "Brian2:")  # what a class is called elsewhere is no part of what it does


class Parameter(NamedTuple):
    """A number of a model: its name, its value and unit as text, and what it means."""

    name: str
    value: str
    unit: str
    meaning: str


def paragraphs(kind: type) -> list[str]:
    """The paragraphs of a docstring of the class's own, each on one line."""
    own = inspect.cleandoc(vars(kind).get("__doc__") or "")
    return [" ".join(part.split()) for part in own.split("\n\n")]


def said(kind: type) -> str:
    """What the class is: the first paragraph of its docstring. A class of equations has them there, line by line."""
    if hasattr(kind, "recipe"):
        return "By equations (`snn.equations`)."
    return next((first for base in kind.__mro__ if (first := paragraphs(base)[0])), kind.__name__)


def sentence(kind: type) -> str:
    """The first sentence of what the class says, without full stop."""
    return re.split(r"(?<=[^.][.])\s+(?=[A-Z`(])", said(kind))[0].rstrip(".:")


def formulas(text: str) -> list[str]:
    """The equations and conditions in a text."""
    return [code for code in _CODE.findall(text) if is_formula(code)]


def dynamics(kind: type) -> str:
    """What a class does, with its equations: its first paragraph; its own others that have formulas, if the first has
    no equation that changes something; and the paragraph of the nearest base that has one, if it has none at all."""
    if hasattr(kind, "recipe"):
        return "; ".join(f"`{line}`" for line in equations(kind))
    found, changes = [said(kind)], lambda text: any(_CHANGE.search(code) for code in formulas(text))
    if not changes(found[0]):
        found += [text for text in _prose(kind)[1:] if formulas(text)]
    if not any(map(changes, found)):
        found += [text for base in kind.__mro__[1:] for text in _prose(base) if changes(text)][:1]
    return " ".join(text if text.endswith((".", ":", ")")) else f"{text}." for text in found)


def _prose(kind: type) -> list[str]:
    """The paragraphs that say what a class does: not those about arguments, sources and other tools."""
    return [text for text in paragraphs(kind) if not text.startswith(("**", "- `", *_RELATIVES))]


def equations(kind: Any) -> list[str]:
    """The text of a class that was made of equations, a line each."""
    equations_, *rest = kind.recipe
    lines = [" ".join(line.split("#")[0].split()) for line in str(equations_).splitlines()]
    more = [f"{name}: {x}" for name, x in zip(kind._texts, rest, strict=False) if x]
    return [line for line in (*lines, *more) if line]


def is_formula(code: str) -> bool:
    """Whether what stands in backticks is an equation or a condition, not a name of the code."""
    return bool(_RELATION.search(code)) and '"' not in code and "'" not in code.replace("' =", "")


def source(kind: type) -> str:
    """Who published it, as the docstring says; empty if it does not."""
    for base in kind.__mro__:
        for paragraph in paragraphs(base):
            if (found := re.match(r"\*\*(?:References?|Sources?)[:.]?\*\*:? *(.*)", paragraph)) is not None:
                return found[1].rstrip(".")
    return ""


def meanings(kind: type) -> dict[str, str]:
    """What the arguments are, by name, as the docstrings of the class and of its bases say."""
    found: dict[str, str] = {}
    for base in kind.__mro__:
        for paragraph in paragraphs(base):
            start = paragraph.find("**Arguments")
            if start < 0 and not paragraph.startswith("- `"):
                continue
            body = paragraph[max(start, 0) :]
            marks = [*_NAMED.finditer(body)]
            for mark, after in zip(marks, [*(m.start() for m in marks[1:]), len(body)]):
                meaning = _SHAPE.sub("", body[mark.end() : after].split(". ")[0])
                for name in _CODE.findall(mark[1]):
                    found.setdefault(name, meaning.strip(" -.,;"))
    return found


def fields(module: Any) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
    """The fields that a module is made of, with their values; those that are None are left out."""
    for field in dataclasses.fields(module):
        value = getattr(module, field.name, None)
        if field.repr and value is not None:
            yield field, value


def parameters(module: Any) -> list[Parameter]:
    """The numbers of a module, and of the modules in it, under dotted names."""
    meant, found = meanings(type(module)), []
    for field, value in fields(module):
        if is_number(value):
            if shown(value) in ("inf", "-inf"):
                continue
            unit = field.metadata.get("unit", "")
            unit = "" if unit == "1" else unit
            meaning = re.sub(rf"(^|, ){re.escape(unit)}(,|$)", "", meant.get(field.name, "")) if unit else ""
            meaning = meaning or ("" if unit else meant.get(field.name, ""))
            found.append(Parameter(field.name, shown(value), unit, meaning.strip(" ,;")))
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            found += [p._replace(name=f"{field.name}.{p.name}") for p in parameters(value)]
    return found


def choices(module: Any) -> list[tuple[str, str]]:
    """The choices of a module: the name of the field, and what the chosen class says."""
    return [
        (field.name, f"{type(value).__name__}: {sentence(type(value))}")
        for field, value in fields(module)
        if isinstance(value, eqx.Module) and not is_number(value)
    ]


def is_number(value: Any) -> bool:
    """Numbers, given or still to be drawn; no keys."""
    if isinstance(value, AbstractLaw):
        return True
    return hasattr(value, "dtype") and not jnp.issubdtype(value.dtype, jax.dtypes.prng_key)


def shown(value: Any) -> str:
    """A number, or the range of several, without unit."""
    return law(value) if isinstance(value, AbstractLaw) or not hasattr(value, "dtype") else numbers(value)


_WORDS = ("current", "conductance", "weight", "port", "distance")  # units that the model leaves open


def with_unit(value: str, unit: str) -> str:
    """`0.5 mV`; a unit that is a word for one stands in brackets."""
    return value if unit in ("", "1") else f"{value} ({unit})" if unit in _WORDS else f"{value} {unit}"


def unusual(module: Any) -> str:
    """A module as the call that makes it, with those arguments alone that are not the class's defaults."""
    parts = [
        f"{field.name}={text(value, field.metadata.get('unit', ''))}"
        for field, value in fields(module)
        if not _is_default(field, value)
    ]
    return f"{type(module).__name__}({', '.join(parts)})"


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    if field.default is not dataclasses.MISSING:
        usual = field.default
    elif field.default_factory is not dataclasses.MISSING:
        usual = field.default_factory()
    else:
        return False
    if hasattr(value, "dtype"):
        plain = isinstance(usual, (bool, int, float)) and is_number(value) and is_concrete(value)
        return plain and np.array_equal(np.asarray(value), np.asarray(usual, value.dtype))
    if dataclasses.is_dataclass(value) and type(value) is type(usual):
        return described(value) == described(usual)
    return not isinstance(value, Mapping) and bool(value == usual)
