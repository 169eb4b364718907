"""A page read back: what its columns say, by the format's description alone; and datasets to be shown."""

import base64
import json
import re
import zlib

import numpy as np
import xarray

DATA = re.compile(r'<script type="application/json" id="sweep">(.*?)</script>', re.DOTALL)


def unpacked(form):
    """The values of a column: base 85 (a comma for "<"), deflated, bytes by significance, places in a table."""
    data = zlib.decompress(base64.b85decode(form["data"].replace(",", "<")))
    kind = np.dtype(f"<{form['type']}")
    planes = np.frombuffer(data, np.uint8).reshape(kind.itemsize, form["n"])
    values = np.ascontiguousarray(planes.T).view(kind).reshape(form["n"])
    if "table" not in form:
        return values
    return np.array([np.nan if x is None else x for x in form["table"]])[values]


def content(path):
    """What a page carries, its columns unpacked."""
    data = json.loads(DATA.search(path.read_text(encoding="utf-8"))[1])
    for item in (*data["parameters"], *data["variables"]):
        item["values"] = unpacked(item["values"])
    for item in data["troubles"]:
        item["points"] = unpacked(item["points"])
    data["pending"] = unpacked(data["pending"])
    return data


def grid(**sizes):
    """A sweep over axes of these sizes, with two results and a course in time."""
    dims, shape = tuple(sizes), tuple(sizes.values())
    rng = np.random.default_rng(0)
    variables = {
        "rate": (dims, rng.gamma(2.0, 20.0, shape).astype(np.float32), {"units": "Hz"}),
        "cv": (dims, rng.uniform(0.0, 1.0, shape).astype(np.float32)),
        "psth": ((*dims, "time"), rng.normal(size=(*shape, 50)).astype(np.float32)),
        "status": (dims, np.zeros(shape, np.uint32)),
    }
    coords = {name: np.linspace(0.1, 0.7, n) if name != "seed" else np.arange(n) for name, n in sizes.items()}
    coords["time"] = ("time", np.arange(50) * 0.5, {"units": "ms"})
    return xarray.Dataset(
        variables, coords, {"command": " ".join(["jaxsnn run x.py", *(f"--set {d}={{{d}}}" for d in dims)])}
    )


def listed(n):
    """`n` points of two parameters, one of them logarithmic."""
    rng = np.random.default_rng(1)
    coords = {
        "point": np.arange(n),
        "g": ("point", rng.uniform(3, 8, n)),
        "tau": ("point", np.exp(rng.uniform(0, 6, n))),
    }
    found = {"rate": ("point", rng.normal(size=n)), "status": ("point", np.zeros(n, np.uint32))}
    return xarray.Dataset(found, coords)
