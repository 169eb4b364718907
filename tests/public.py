"""The public names of the library, each by the shortest dotted path at which users find it."""

import ast
import importlib
import inspect
from pathlib import Path
from types import ModuleType

import jaxsnn as snn

SNNTORCH = ("functional", "spikegen", "surrogate")  # namespaces within a preset


def _exported(module):
    """The names that an `__init__` exports: those it imports as themselves, `from .x import y as y`."""
    tree = ast.parse(Path(module.__file__).read_text())
    found = [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    return [alias.asname for alias in found if alias.asname is not None and alias.asname[0] != "_"]


def _names(module):
    """A room exports what its `__init__` says, a file of choices what it defines, or what its `__all__` says."""
    if hasattr(module, "__path__"):
        return _exported(module)
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    return getattr(module, "__all__", own)


def namespaces():
    """`{dotted path: module}` of all namespaces: the top, families of choices, rooms, rooms of rooms."""
    top = {name: getattr(snn, name) for name in _exported(snn) if isinstance(getattr(snn, name), ModuleType)}
    top.pop("plot")  # functions that draw; `snn.plot.raster`
    families = {name: module for name, module in top.items() if not hasattr(module, "__path__")}
    packages = {name: module for name, module in top.items() if module.__name__.count(".") > 1} | families
    chips = {f"chips.{name}": getattr(snn.chips, name) for name in _exported(snn.chips)}
    tools = {
        f"presets.{name}": value
        for name, value in vars(snn.presets).items()
        if inspect.ismodule(value) and name[0] != "_"
    }
    parts = {f"presets.snntorch.{name}": getattr(snn.presets.snntorch, name) for name in SNNTORCH}
    parts |= {"data.formats": snn.data.formats}
    parts |= {"interop.conventions": snn.interop.conventions}
    parts |= {"networks.description": importlib.import_module("jaxsnn.networks.description")}
    parts |= {"interop.pynn": snn.interop.pynn.control}  # the rest of it is PyNN's interface
    return {"": snn, **packages, **top, **chips, **tools, **parts}


def public():
    """`{dotted path: class or function}`, each once."""
    found, seen = {}, set()
    for path, module in namespaces().items():
        for name in _names(module):
            value = getattr(module, name)
            if name[0] != "_" and not inspect.ismodule(value) and id(value) not in seen:
                seen.add(id(value))
                found[f"{path}.{name}" if path else name] = value
    return found
