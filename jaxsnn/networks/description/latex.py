"""LaTeX of descriptions: text with its specials escaped, formulas as mathematics, tables that compile as they are."""

from __future__ import annotations

import re

from .facts import is_formula
from .table import Table

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": r"\textasciigrave{}", '"': r"\textquotedbl{}", "[": "{[}", "]": "{]}",
    "±": r"$\pm$", "µ": r"$\mu$", "°": r"$^\circ$", "…": r"\ldots{}",
}  # fmt: skip
GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi",
    "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
)  # fmt: skip
_FUNCTIONS = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "min", "max", "sum")
_TOKEN = re.compile(r"d(\w+)/d(t)\b|(\d+\.?\d*(?:e-?\d+)?)|([A-Za-zΑ-ω]\w*)('?)|(\s+)|(<-|<=|>=|\*\*|.)")
_RELATIONS = {
    "<-": r"\leftarrow ", "<=": r"\le ", ">=": r"\ge ", "*": r"\,", "%": r"\%", "#": r"\#", "&": r"\&", "{": r"\{",
    "}": r"\}", "$": r"\$", "~": r"\sim ", "\\": r"\backslash ", "_": r"\_",
}  # fmt: skip


def escaped(text: str) -> str:
    """Text in which nothing is a command of LaTeX."""
    return "".join(_SPECIAL.get(letter, letter) for letter in text.translate(_PLAIN))


_PLAIN = {ord("\u2019"): "'", ord("\u2013"): "--", ord("\u2014"): "---"}


def cell(text: str) -> str:
    """Text with code in backticks: a formula as mathematics, a name as typewriter text."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without its other one is a letter
        return escaped(text)
    return "".join(_code(part) if i % 2 else escaped(part) for i, part in enumerate(parts))


_VARIABLE = re.compile(rf"(?:[A-Za-z]\d*|{'|'.join(GREEK)})(?:_\w+)?")
_OPERATOR = re.compile(r"[-+*/^]|\w \w")
_IN_CODE = re.compile(r"[A-Z][a-z]{2}|[a-z]\.[a-z]|\w=|[\"']\w|, |[a-z]{4} [a-z]{4}|^\W*\w+_\w+_")


def _code(code: str) -> str:
    if ": " in code:  # a line of equations is text of a program
        return rf"\texttt{{{escaped(code)}}}"
    if is_formula(code) or _VARIABLE.fullmatch(code) or (_OPERATOR.search(code) and not _IN_CODE.search(code)):
        return f"${formula(code)}$"
    return rf"\texttt{{{escaped(code)}}}"


def formula(code: str) -> str:
    """`tau dv/dt = -(v - v_rest) + R I` as mathematics: derivatives as fractions, Greek letters, indices upright."""
    spaced = re.sub(r"(?<=[\w)'])\s+(?=[\w(\[])", " \t", code)  # a product
    return _raised("".join(_token(found) for found in _TOKEN.finditer(spaced))).strip()


def _token(found: re.Match[str]) -> str:
    changed, time, number, name, prime, space, sign = found.groups()
    if changed:
        return rf"\frac{{\mathrm{{d}}{_name(changed)}}}{{\mathrm{{d}}{time}}}"
    if number:
        mantissa, _, power = number.partition("e")
        return rf"{mantissa}\cdot 10^{{{power}}}" if power else number
    if name:
        return _name(name) + prime
    if space:
        return r"\," if "\t" in space else " "
    if sign == "**":
        return "^"
    return _RELATIONS.get(sign, sign)


def _name(name: str) -> str:
    head, _, rest = name.partition("_")
    if head in _FUNCTIONS and not rest:
        return rf"\{head} "
    if digits := re.fullmatch(r"([A-Za-z])(\d+)", head):
        head, rest = digits[1], f"{digits[2]},{rest}" if rest else digits[2]
    if head in GREEK:
        head = rf"\{head} "
    elif len(head) > 1:
        head = rf"\mathrm{{{head}}}"
    if not rest:
        return head
    inner = ",".join(rf"\{part}" if part in GREEK else rf"\mathrm{{{part}}}" for part in re.split("[_,]", rest) if part)
    return f"{head}_{{{inner}}}"


def _raised(text: str) -> str:
    """What follows `^`, a number, a name or a bracket, as one group."""
    bracket = re.sub(r"\^\(([^()]*)\)", r"^{\1}", text)
    return re.sub(
        r"\^(?!\{)(-?(?:\d+\.?\d*|\\mathrm\{\w+\}|\\?[A-Za-z]+ ?(?:_\{(?:[^{}]|\{[^{}]*\})*\})?))", r"^{\1}", bracket
    )


def table(of: Table, letter: str) -> str:
    """A table that may go over several pages, under a line with its letter and title: `longtable`, `booktabs`."""
    columns = len(of.head)
    lengths = [max(len(cells[i]) for cells in (of.head, *of.rows)) ** 0.5 for i in range(columns)]
    widths = "".join(
        rf">{{\raggedright\arraybackslash}}p{{\dimexpr {length / sum(lengths):.3f}\linewidth-2\tabcolsep\relax}}"
        for length in lengths
    )
    row = lambda cells: " & ".join(cells) + r" \\"
    lines = [
        rf"\begin{{longtable}}{{{widths}}}",
        r"\toprule",
        rf"\multicolumn{{{columns}}}{{l}}{{\textbf{{{letter}: {escaped(of.title)}}}}} \\",
        r"\midrule",
        row([rf"\textbf{{{escaped(name)}}}" for name in of.head]),
        r"\midrule",
        r"\endhead",
        *(row([cell(x) for x in cells]) for cells in of.rows),
        r"\bottomrule",
        r"\end{longtable}",
    ]
    return "\n".join(lines)


def document(title: str, tables: tuple[Table, ...]) -> str:
    """A document with all tables, to be compiled or cut up."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    parts = [table(each, letters[i]) for i, each in enumerate(tables)]
    head = [
        r"\documentclass{article}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage[utf8]{inputenc}",
        r"\usepackage{textcomp,array,longtable,booktabs,geometry}",
        r"\geometry{margin=2cm}",
        r"\begin{document}",
        rf"\section*{{{escaped(title)}}}",
    ]
    return "\n".join([*head, "\n\n".join(parts), r"\end{document}", ""])
