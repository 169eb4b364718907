"""Reading the text of a compiled program."""

import math
import re


def computations(text):
    """The lines of every computation, by name."""
    found, lines = {}, []
    for line in text.splitlines():
        if head := re.match(r"(?:ENTRY )?%?([\w.\-]+) \(.*\{$", line):
            lines = found.setdefault(head[1], [])
        else:
            lines.append(line.strip())
    return found


def in_loops(text):
    """The lines of everything that a `while` runs again and again, however deep it is called."""
    every, reached = computations(text), set()
    waiting = re.findall(r"body=%?([\w.\-]+)", text)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            for line in every[name]:
                called = re.findall(r"(?:calls|to_apply|body|condition|\w+_computation)=%?([\w.\-]+)", line)
                branches = re.findall(r"branch_computations=\{([^}]*)\}", line)
                waiting += called + [b.strip(" %") for group in branches for b in group.split(",")]
    return [line for name in sorted(reached) for line in every[name]]


def elements(line):
    """How many numbers the result of an operation has."""
    shape = re.match(r"(?:ROOT )?%?[\w.\-]+ = \w+\[([\d,]*)\]", line)
    return math.prod(int(n) for n in shape[1].split(",") if n) if shape else 0


def copies_in_loops(text, least):
    """Copies of `least` numbers or more that are made in every turn of some loop."""
    return [line for line in in_loops(text) if re.search(r" copy(-start)?\(", line) and elements(line) >= least]


def constants(text, least):
    """Constants of `least` numbers or more."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if " constant(" in line and elements(line) >= least]
