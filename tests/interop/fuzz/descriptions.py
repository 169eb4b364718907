"""Descriptions of Brian2 networks with other numbers, names, equations and parts; in memory, and as files."""

import copy
import re
import tempfile
from pathlib import Path

import numpy as np

import jaxsnn as snn
from jaxsnn.interop import from_brian2
from jaxsnn.interop.brian2.stored import opened, store_brian2
from tests.data.fuzz import damaged
from tests.interop.fuzz.outcomes import said_of

GOLDEN = Path(__file__).parents[2] / "golden" / "brian2"
ERRORS = (ValueError,)
FILES = [path for path in sorted(GOLDEN.glob("*.npz")) if not path.name.endswith(".out.npz")]
WHOLE = [path.read_bytes() for path in FILES]
STARTED = [opened(path) for path in FILES]
NUMBERS = [0, -1, 1, 2**31, 2**63, 10**400, 0.0, -1e-3, 1e-300, 1e300, float("nan"), float("inf"), -float("inf"), 0.5]
ODD = [
    None,
    "",
    "v",
    True,
    [],
    {},
    [1, 2],
    {"si": 1.0},
    b"x",
    1j,
    [[1], [2, 3]],
    np.zeros(3),
    np.zeros((2, 2)),
    "x" * 999,
]
TOKENS = [
    "+", "-", "*", "/", "**", "(", ")", "9**9**9**9", "1e999", "v", "t", "dt", "i", "j", "xi", "rand()", "exp",
    "exp(v)", "1/0", "not", "and", "==", ";", "\n", "#", "lambda", "__import__('os')", "().__class__", "[0]", ",", "ms",
    "mV", "w", "int(v)", "v.v", '"', "0x", "1" * 5000, "(" * 300, "-" * 3000, "clip(v,0,1)", "poisson(3)", "é", "\0",
    "=", "if",
]  # fmt: skip


def pick(some, rng):
    return some[rng.integers(len(some))]


def text(x, rng):
    """Another text of equations or statements."""
    parts = re.findall(r"\w+|\W", x) or [""]
    for _ in range(rng.integers(1, 4)):
        at, kind = int(rng.integers(len(parts))), rng.integers(0, 5)
        if kind == 0:
            parts[at] = pick(TOKENS, rng)
        elif kind == 1:
            parts.insert(at, pick(TOKENS, rng))
        elif kind == 2:
            parts[at] = pick(parts, rng)
        elif kind == 3:
            parts[at] = ""
        else:
            parts = parts[: at + 1] + parts[at // 2 :]
    return "".join(parts)


def value(x, rng):
    """Another value in the place of one."""
    if rng.random() < 0.15:
        return pick(ODD, rng)
    if isinstance(x, str):
        return text(x, rng)
    if isinstance(x, (bool, int, float, type(None))):
        return pick(NUMBERS, rng)
    if isinstance(x, np.ndarray) and x.size:
        kind, x = rng.integers(0, 5), x.copy()
        if kind == 0:
            with np.errstate(all="ignore"):
                x.flat[rng.integers(x.size)] = np.asarray(pick(NUMBERS[:5] + NUMBERS[6:], rng), float).astype(x.dtype)
            return x
        return (x[: len(x) // 2], np.concatenate([x, x]), x.astype(rng.choice(["f4", "i4", "?", "O", "U5"])), x[::-1])[
            kind - 1
        ]
    return pick(ODD, rng)


def places(x, found):
    """Every entry of a tree: what it is in, and where."""
    entries = x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, list) else ()
    for key, part in entries:
        found.append((x, key))
        places(part, found)
    return found


def change(given, rng):
    found = places(given, [])
    where, key = pick(found, rng)
    kind = rng.integers(0, 8)
    if kind == 0:
        del where[key]
    elif kind == 1 and isinstance(where, dict):
        where[pick(["v", "w", "x", "groups", "", "é", "a.b", "kind", "__class__"], rng)] = where.pop(key)
    elif kind == 2:
        where[key] = copy.deepcopy((lambda other: other[0][other[1]])(pick(found, rng)))
    elif kind == 3 and isinstance(where, list):
        where.append(copy.deepcopy(where[key]))
    else:
        where[key] = value(where[key], rng)


def made(rng):
    given = copy.deepcopy(pick(STARTED, rng))
    for _ in range(rng.integers(0, 4)):
        try:
            change(given, rng)
        except (TypeError, IndexError, KeyError, ValueError):
            break
    return given


def lived(found):
    run = snn.simulate(found.net, found.drive, steps=2, key=0, record={}, progress=snn.progress.Quiet())
    return said_of(run)


def tried(seed):
    rng = np.random.default_rng([seed, 3])
    if rng.random() < 0.7:
        return lived(from_brian2(made(rng)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{seed}.npz"
        path.write_bytes(damaged(pick(WHOLE, rng), rng, WHOLE))
        if rng.random() < 0.5:
            try:
                store_brian2(made(rng), path)
            except Exception:
                return "not made"
        return lived(from_brian2(path))
