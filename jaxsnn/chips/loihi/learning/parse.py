"""Sum-of-products rules from strings, `"2^-4*y0*x1 - 2^-5*u1*w"`: the syntax of Lava and NxSDK.

rule     := [sign] product { sign product }
product  := item { "*" item }                 with exactly one dependency: the first of x0, y0, u0 ... u9
item     := number | variable | "(" signed ")" | "(" shifted ")" | "sgn" "(" shifted ")"
number   := integer | "2^" [sign] integer     all numbers of a product make its scale, mantissa * 2^exponent
variable := x0 x1 x2 y0 y1 y2 y3 w d t u0 ... u9
shifted  := [sign] variable sign constant | [sign] constant sign variable | variable
"""

from __future__ import annotations

import re
from typing import NoReturn

from .rule import CONSTANT, SPIKES, SYNAPSE, TRACES, Factor, Product, Sign, SumOfProducts

_TOKEN = re.compile(r"\s*(sgn|[A-Za-z_]\w*|\d+|[-+*^()])|\s*(\S)")
_END = "the end"
LONGEST, DIGITS = 10_000, 6  # characters of a rule, digits of a number: what registers hold is far less


class _Reader:
    """A rule, read token by token; `at` is where the next one starts."""

    def __init__(self, text: str):
        if not isinstance(text, str) or len(text) > LONGEST:
            given = f"{len(text)} characters" if isinstance(text, str) else repr(text)
            raise ValueError(f"Got a rule of {given}; expected a string of at most {LONGEST}.")
        self.text = text = text.rstrip()
        self.tokens = [(m.group(1) or m.group(2), m.start(m.lastindex or 0)) for m in _TOKEN.finditer(text)]
        self.tokens.append((_END, len(text)))
        self.read = 0

    @property
    def next(self) -> str:
        return self.tokens[self.read][0]

    @property
    def at(self) -> int:
        return self.tokens[self.read][1]

    def take(self, *options: str) -> str:
        if options and self.next not in options:
            self.fail(f"expected {' or '.join(options)}")
        taken, self.read = self.next, min(self.read + 1, len(self.tokens) - 1)
        return taken

    def fail(self, why: str, at: int | None = None, found: str | None = None) -> NoReturn:
        found = self.next if found is None else found
        shown = found if found == _END else f"{found!r}"
        text = self.text if len(self.text) <= 200 else f"{self.text[:200]}..."
        raise ValueError(f"Rule {text!r}, position {self.at if at is None else at}: found {shown}; {why}.")

    def sign(self) -> int:
        return {"+": 1, "-": -1}[self.take()] if self.next in ("+", "-") else 1

    def integer(self) -> int:
        if not (self.next.isascii() and self.next.isdigit()):
            self.fail("expected an integer")
        return int(self.take()) if len(self.next) <= DIGITS else self.fail(f"expected at most {DIGITS} digits")

    def number(self) -> tuple[int, int]:
        """`(mantissa, exponent)` of an integer or a power of two."""
        at, value = self.at, self.integer()
        if self.next != "^":
            return value, 0
        if value != 2:
            self.fail("only 2 has powers here", at, str(value))
        self.take("^")
        sign = self.sign()
        return 1, sign * self.integer()


class _Draft:
    """A product as far as it is read."""

    def __init__(self, sign: int):
        self.mantissa, self.exponent = sign, 0
        self.dependency: str | None = None
        self.factors: list[Factor] = []

    def scale(self, mantissa: int, exponent: int = 0) -> None:
        self.mantissa, self.exponent = self.mantissa * mantissa, self.exponent + exponent


def parse_rule(text: str) -> SumOfProducts:
    """The rule that `text` says, one product after the other as written.

    **Raises:** ValueError with the position in the string for whatever is not a rule: an unknown name, a product
    without or with two dependencies, a scale or constant that does not fit its register.
    """
    reader = _Reader(text)
    products = [_product(reader, reader.sign())]
    while reader.next != _END:
        products.append(_product(reader, 1 if reader.take("+", "-", "*") == "+" else -1))
    every = {p.dependency for p in products if p.dependency.startswith("u")}
    if len(every) > 1:
        reader.fail(
            f"one rule has one u, found {' and '.join(sorted(every))}: write the slower one as the other", 0, text
        )
    return SumOfProducts(tuple(products))


def _product(reader: _Reader, sign: int) -> Product:
    at, draft = reader.at, _Draft(sign)
    _item(reader, draft)
    while reader.next == "*":
        reader.take("*")
        _item(reader, draft)
    if draft.dependency is None:
        reader.fail("a product needs a dependency, x0, y0 or u0 ... u9: when does it count?", at, _since(reader, at))
    mantissa, exponent = draft.mantissa, draft.exponent
    while abs(mantissa) > 7 and mantissa % 2 == 0 and exponent < 8:
        mantissa, exponent = mantissa // 2, exponent + 1
    if not (-8 <= mantissa < 8 and -7 <= exponent < 9):
        reader.fail(
            f"its scale is {_shown(mantissa)} * 2^{exponent}, expected a mantissa of "
            "-8 ... 7 and an exponent of -7 ... 8",
            at,
            _since(reader, at),
        )
    try:
        product = Product(draft.dependency, tuple(draft.factors), mantissa, exponent)
    except ValueError:
        reader.fail("it may exceed the 32 bits of the multiplier: take out a factor", at, _since(reader, at))
    return product


def _since(reader: _Reader, at: int) -> str:
    return reader.text[at : reader.at].strip()


def _item(reader: _Reader, draft: _Draft) -> None:
    at, token = reader.at, reader.next
    if token.isdigit():
        draft.scale(*reader.number())
    elif token == "sgn":
        reader.take("sgn")
        reader.take("(")
        _bracket(reader, draft, Sign)
    elif token == "(":
        reader.take("(")
        _bracket(reader, draft, Factor)
    elif token in (*TRACES, *SYNAPSE):
        draft.factors.append(Factor(reader.take()))
    elif token in SPIKES or re.fullmatch(r"u\d", token):
        reader.take()
        if draft.dependency is None:
            draft.dependency = token
        elif token in SPIKES:
            draft.factors.append(Factor(token))
        else:
            reader.fail(f"the product depends on {draft.dependency} already; u is only ever the first", at, token)
    else:
        known = " ".join([*SPIKES, *TRACES, *SYNAPSE, "u0 ... u9"])
        reader.fail(f"expected an integer, 2^n, sgn(...), a bracket, or one of {known}")


def _bracket(reader: _Reader, draft: _Draft, kind: type[Factor]) -> None:
    """What stands in a bracket, its opening taken: a number, or a variable and a constant in either order."""
    at, variable, sign, constant, scale = reader.at, None, 1, 0, None
    for part in range(2):
        given = reader.sign()
        if reader.next.isdigit():
            mantissa, exponent = reader.number()
            while reader.next == "*":  # n * 2^e
                reader.take("*")
                more = reader.number()
                mantissa, exponent = mantissa * more[0], exponent + more[1]
            if scale is not None:
                reader.fail("a bracket adds one constant to one variable", at, _since(reader, at))
            scale = (given * mantissa, exponent)
        elif reader.next in CONSTANT and variable is None:
            sign, variable = given, reader.take()
        else:
            reader.fail(f"expected a variable and a constant, such as (w - 3); variables are {' '.join(CONSTANT)}")
        if part == 0 and reader.next not in ("+", "-"):
            break
    reader.take(")")
    if variable is None:
        if kind is Sign or scale is None:
            reader.fail("sgn takes w, d or t, with or without a constant", at, _since(reader, at))
        draft.scale(*scale)
        return
    if kind is Sign and (variable not in SYNAPSE or sign < 0):
        reader.fail("sgn takes w, d or t, with or without a constant", at, _since(reader, at))
    if scale is None and variable in SPIKES and draft.dependency is None:
        draft.scale(sign)
        draft.dependency = variable
        return
    if scale is not None:
        low, high = CONSTANT[variable]
        constant = sign * scale[0] * 2 ** scale[1] if 0 <= scale[1] <= 31 else None
        if constant is None or not low <= constant <= high:
            reader.fail(
                f"the constant beside {variable} must be an integer of {low} ... {high}", at, _since(reader, at)
            )
    draft.scale(sign)  # (c - v) is -(v - c)
    draft.factors.append(kind(variable, constant))


def _shown(number: int) -> str:
    return str(number) if abs(number) < 2**31 else "more than 32 bits"
