"""Reading a compiled program: the kernels, bytes and collectives of the loop over steps."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

BYTES = {"pred": 1, "s4": 0.5, "u4": 0.5, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "f16": 2, "bf16": 2}
BYTES |= dict.fromkeys(("s64", "u64", "f64", "c64"), 8)  # of all others 4
FREE = frozenset(  # what is no kernel
    "parameter constant tuple get-tuple-element bitcast after-all partition-id replica-id copy-done async-done "
    "async-update opt-barrier add-dependency".split()
)
COLLECTIVES = re.compile(r"(all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter|collective-broadcast)")
TRITON = "__gpu$xla.gpu.triton"


class Operation(NamedTuple):
    """A line of a computation."""

    name: str
    kind: str
    shape: str
    operands: tuple[str, ...]
    rest: str  # attributes
    root: bool

    @property
    def nbytes(self) -> float:
        return nbytes(self.shape)

    @property
    def called(self) -> list[str]:
        """The computations that it runs: of a loop its body."""
        one = re.findall(r"(?:calls|to_apply|body|called_computation)=%?([\w.\-]+)", self.rest)
        several = re.findall(r"(?:branch_computations|called_computations)=\{([^}]*)\}", self.rest)
        sides = re.findall(r"(?:true|false)_computation=%?([\w.\-]+)", self.rest)
        return one + sides + [name.strip(" %") for group in several for name in group.split(",")]


Computations = dict[str, dict[str, Operation]]


def nbytes(shape: str) -> float:
    """Bytes of an array or of the arrays of a tuple."""
    arrays = re.findall(r"(\w+)\[([\d,]*)\]", shape)
    return sum(BYTES.get(kind, 4) * math.prod(int(n) for n in sizes.split(",") if n) for kind, sizes in arrays)


def computations(text: str) -> Computations:
    """Every computation by name: its operations by name."""
    found: Computations = {}
    own: dict[str, Operation] = {}
    for line in text.splitlines():
        if head := re.match(r"(?:ENTRY )?%?([\w.\-]+) \(.*\{$", line):
            own = found.setdefault(head[1], {})
        elif operation := _operation(line.strip()):
            own[operation.name] = operation
    return found


def _operation(line: str) -> Operation | None:
    head = re.match(r"(ROOT )?%?([\w.\-]+) = ", line)
    if head is None:
        return None
    end = _closing(line, head.end()) if line[head.end()] == "(" else line.index(" ", head.end())
    shape, rest = line[head.end() : end], line[end:].lstrip()
    kind, _, arguments = rest.partition("(")
    close = _closing(arguments, 0, depth=1)
    operands = tuple(re.findall(r"%([\w.\-]+)", arguments[:close])) or tuple(re.findall(r"[\w.\-]+", arguments[:close]))
    return Operation(head[2], kind, shape, operands, arguments[close:], head[1] is not None)


def _closing(text: str, start: int, depth: int = 0) -> int:
    """Behind the bracket that closes the first one."""
    for at in range(start, len(text)):
        depth += (text[at] in "({") - (text[at] in ")}")
        if depth == 0:
            return at + 1
    return len(text)


class Kernel(NamedTuple):
    """What a device runs at one go, so many times a step."""

    operation: Operation
    times: int
    read: float  # bytes
    written: float

    @property
    def spiking(self) -> bool:
        """Whether its bytes are those of spikes, which the text does not know."""
        return TRITON in self.operation.rest


def turns(every: Computations, loop: Operation) -> int | None:
    """How often a loop turns: until a counter has reached the one number in its condition; None if that is data."""
    if known := re.search(r'"known_trip_count":\s*\{"n":\s*"?(\d+)', loop.rest):
        return int(known[1])
    (name,) = re.findall(r"condition=%?([\w.\-]+)", loop.rest)
    waiting, lines = [name], []
    while waiting:
        own = list(every[waiting.pop()].values())
        lines += own
        waiting += [called for o in own for called in o.called]
    numbers = [int(o.operands[0]) for o in lines if o.kind == "constant" and o.shape.startswith(("s32[]", "u32[]"))]
    return numbers[0] if len(numbers) == 1 and sum(o.kind == "compare" for o in lines) == 1 else None


def loops(text: str, steps: int) -> list[list[Kernel]]:
    """The kernels of every loop of so many turns.

    A loop within, whose turns depend on data, is counted as if it turned once.
    """
    every = computations(text)
    whiles = [o for own in every.values() for o in own.values() if o.kind == "while"]
    bodies = [loop.called[0] for loop in whiles if turns(every, loop) == steps]
    return [list(_kernels(every, body, 1)) for body in bodies]


def _kernels(every: Computations, name: str, times: int) -> Iterator[Kernel]:
    own = every[name]
    for operation in own.values():
        if operation.kind in ("while", "call", "conditional", "async-start"):
            again = times * ((turns(every, operation) if operation.kind == "while" else None) or 1)
            for called in operation.called:
                yield from _kernels(every, called, again)
        elif operation.kind not in FREE:
            yield Kernel(operation, times, *_traffic(every, own, operation))


def _traffic(every: Computations, own: dict[str, Operation], operation: Operation) -> tuple[float, float]:
    """Bytes that a kernel reads and writes: those of places where an array is read, or changed, at some places only."""
    sizes = [own[name].nbytes if name in own else 0.0 for name in operation.operands]
    if operation.kind == "fusion":
        inner = every[operation.called[0]]
        return _read_in(inner, sizes), sum(_written(inner, root) for root in _roots(inner))
    if operation.kind in ("dynamic-update-slice", "scatter"):
        return sum(sizes[1:]), sizes[-1 if operation.kind == "scatter" else 1]
    if operation.kind in ("dynamic-slice", "gather"):
        return sum(sizes[1:]) + operation.nbytes, operation.nbytes
    if operation.kind == "custom-call":
        if TRITON in operation.rest:  # a kernel of ours: it reads all spikes, its first array, and of others their rows
            changed = sum(sizes[int(i)] for i in re.findall(r"\}: \((\d+), ", operation.rest))
            made = operation.nbytes - changed
            return sizes[0] + (made if changed else 0.0), made * (2 if changed else 1)  # taken from where zeros are put
        aliased = {int(i) for i in re.findall(r"\}: \((\d+), ", operation.rest)}
        return sum(x for i, x in enumerate(sizes) if i not in aliased), 0.0 if aliased else operation.nbytes
    return sum(sizes), operation.nbytes


def _roots(inner: dict[str, Operation]) -> list[Operation]:
    root = next(o for o in inner.values() if o.root)
    return [inner[name] for name in root.operands] if root.kind == "tuple" else [root]


def _through(inner: dict[str, Operation], operation: Operation) -> Operation:
    """The operation behind those that only name another shape."""
    while operation.kind in ("bitcast", "copy", "reshape") and operation.operands[0] in inner:
        operation = inner[operation.operands[0]]
    return operation


def _written(inner: dict[str, Operation], root: Operation) -> float:
    made = _through(inner, root)
    if made.kind == "dynamic-update-slice":
        return inner[made.operands[1]].nbytes
    if made.kind == "scatter":
        return inner[made.operands[-1]].nbytes
    return 0.0 if made.kind == "parameter" and root.kind != "copy" else root.nbytes


def _read_in(inner: dict[str, Operation], sizes: list[float]) -> float:
    """Bytes that a fusion reads of its operands."""
    total = 0.0
    for parameter in (o for o in inner.values() if o.kind == "parameter"):
        size = sizes[int(parameter.operands[0])]
        total += min(size, sum(_used(inner, parameter.name, user, size) for user in _users(inner, parameter.name)))
    return total


def _users(inner: dict[str, Operation], name: str) -> Iterator[Operation]:
    """Who uses a value, behind operations that only name another shape."""
    for user in inner.values():
        if name in user.operands:
            if user.kind == "bitcast":
                for other in _users(inner, user.name):
                    yield other._replace(operands=tuple(name if x == user.name else x for x in other.operands))
            else:
                yield user


def _used(inner: dict[str, Operation], name: str, user: Operation, size: float) -> float:
    first = user.operands[0] == name and name not in user.operands[1:]
    if user.kind in ("dynamic-slice", "gather", "slice") and first:
        return user.nbytes
    if user.kind == "dynamic-update-slice" and first:
        return 0.0
    if user.kind == "scatter" and first:
        return inner[user.operands[-1]].nbytes if user.operands[-1] in inner else 0.0
    return 0.0 if user.kind == "tuple" else size
