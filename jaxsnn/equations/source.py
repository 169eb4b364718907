"""The user's text, and errors that point into it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple, NoReturn


class EquationError(ValueError):
    """Equations that cannot be used: a sentence, the line of the text, and a caret below the character."""


class NotLinear(EquationError):
    """Equations that have no exact step."""


class Source(NamedTuple):
    """A text, with its comments blanked, and what it is called in an error."""

    text: str
    what: str

    @classmethod
    def of(cls, text: str, what: str) -> Source:
        if not isinstance(text, str):
            raise EquationError(f"Got {text!r} ({type(text).__name__}) for {what}, expected text.")
        return cls(re.sub(r"#[^\n]*", lambda found: " " * len(found[0]), text.replace("\t", " ")), what)

    def error(self, at: int, message: str, kind: type[EquationError] = EquationError) -> NoReturn:
        """Raise, with a caret below the character `at`."""
        at = min(at, len(self.text))
        begin = self.text.rfind("\n", 0, at) + 1
        line = self.text[begin:].partition("\n")[0]
        number = self.text.count("\n", 0, at) + 1
        where = f"{self.what}, line {number}" if "\n" in self.text.strip() else self.what
        raise kind(f"{message}\n  {where}:\n    {line.rstrip()}\n    {' ' * (at - begin)}^")


def near(name: str, names: Iterable[str]) -> str:
    """The name that was probably meant, in parentheses, or nothing."""
    found = difflib.get_close_matches(name, list(names), 1)
    return f" (did you mean {found[0]!r}?)" if found else ""
