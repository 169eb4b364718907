"""Random numbers in expressions: where they may be, and the names that they get."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from .expressions import Expression, walk
from .functions import RANDOM


def calls(expression: Expression) -> Iterator[Any]:
    """The calls of `rand()` and `randn()` in an expression."""
    return (x for x in walk(expression.node) if isinstance(x, ast.Call) and x.func.id in RANDOM)  # type: ignore


def plain(expression: Expression | None) -> Expression:
    """An expression without random numbers."""
    assert expression is not None
    for node in calls(expression):
        expression.error(
            node,
            "A random number would change within the step; write noise as xi, or give the number a line of its own "
            "with the flag (constant over dt).",
        )
    return expression


def drawn(expression: Expression, draws: list[tuple[str, str]]) -> Expression:
    """An expression whose random numbers are names, one a call."""

    class Named(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            self.generic_visit(node)
            if node.func.id not in RANDOM:  # type: ignore[attr-defined]
                return node
            draws.append((f"drawn_{len(draws)}", RANDOM[node.func.id]))  # type: ignore[attr-defined]
            return ast.copy_location(ast.Name(draws[-1][0], ast.Load()), node)

    return expression._replace(node=Named().visit(expression.node))
