"""What users see: everything public is documented; numbers are leaves with units, and only what is static is static."""

import ast
import dataclasses
import importlib.util
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest

import jaxsnn as snn
from tests.public import _exported, public
from tests.simulation.toys import KEY, WATCHED, drive, toy

ROOT = Path(__file__).parents[2]
MODULES = [importlib.import_module(info.name) for info in pkgutil.walk_packages(snn.__path__, "jaxsnn.")]
PUBLIC = public()
TOP = [name for name in PUBLIC if "." not in name]


def defined_in(module):
    """Its own classes and functions that have public names."""
    return [x for n, x in vars(module).items() if getattr(x, "__module__", "") == module.__name__ and n[0] != "_"]


def undocumented(tree):
    """Public classes and functions of a module, and what a class obliges its subclasses to, without a docstring."""
    found = []
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
            abstract = [
                part
                for part in ast.walk(node)
                if isinstance(part, ast.FunctionDef)
                and not part.name.startswith("_")
                and any("abstractmethod" in ast.unparse(decorator) for decorator in part.decorator_list)
            ]
            found += [part.name for part in (node, *abstract) if not ast.get_docstring(part)]
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "jaxsnn").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_everything_public_says_what_it_is(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the module says nothing"
    assert undocumented(tree) == []


def test_silence_is_noticed():
    """Negative control."""
    source = "class A:\n    @abc.abstractmethod\n    def f(self): ...\ndef g(): pass\ndef _h(): pass"
    assert undocumented(ast.parse(source)) == ["A", "f", "g"]


def test_every_public_name_is_in_the_documentation():
    pages = sorted((ROOT / "docs" / "pages" / "api").glob("*.md"))
    text = [line for page in pages for line in page.read_text().splitlines()]
    documented = [line.removeprefix("::: jaxsnn.") for line in text if line.startswith("::: jaxsnn.")]
    assert len(documented) == len({*documented})
    assert {*PUBLIC} - {*documented} == set()
    plots = {name for name in documented if name.startswith("analysis.plots.")}
    assert {*documented} - plots - {*PUBLIC} == set()  # and nothing that is gone


def test_the_top_is_a_table_of_contents():
    """The nouns and verbs people start with; choices live with their family, as in `snn.surrogates.ATan`."""
    assert len(TOP) <= 110
    assert {"LIF", "simulate", "sweep", "lower"} < {*TOP} and "ATan" not in TOP
    assert {"surrogates.ATan", "resets.Subtract", "chips.loihi.SigmaDeltaCells"} < {*PUBLIC}


def shadowed(names):
    """Public names that are also modules: `jaxsnn.simulate` would be a function here and a room there."""
    return [name for name in names if importlib.util.find_spec(f"jaxsnn.{name}") is not None]


LAZY = [
    module for module in MODULES if hasattr(module, "__path__") and "_late import exports" in inspect.getsource(module)
]


@pytest.mark.parametrize("module", [snn, *LAZY], ids=lambda module: module.__name__)
def test_what_is_imported_when_it_is_asked_for_is_there(module):
    assert {*_exported(module)} <= {*dir(module)} and all(hasattr(module, name) for name in _exported(module))
    assert {*module.__all__} == {*_exported(module)}
    assert not hasattr(module, "nothing")  # control


ASKED = """
import sys, jaxsnn as snn
assert not {"jaxsnn.networks.model", "jaxsnn.neurons.lif", "equinox"} & set(sys.modules), "work at import"
snn.network, snn.simulate, snn.LIF, snn.Delta
assert "jaxsnn.neurons.lif" in sys.modules
unused = {"jaxsnn.neurons." + name for name in sys.argv[1:]} & set(sys.modules)
assert not unused, f"imported {unused}"
"""


def test_only_what_is_asked_for_is_imported():
    def run(*names):
        return subprocess.run([sys.executable, "-c", ASKED, *names], cwd=ROOT, capture_output=True, text=True)

    assert (done := run("hodgkin_huxley", "alif", "cuba")).returncode == 0, done.stderr
    assert "imported {'jaxsnn.neurons.lif'}" in run("lif").stderr  # negative control


def test_no_module_has_the_name_of_something_public():
    assert shadowed(TOP) == []
    assert shadowed(["analysis.mean_field", "simulation"]) == ["analysis.mean_field", "simulation"]  # negative control


def fields():
    """Every field of every Module of the library."""
    for module in MODULES:
        for kind in defined_in(module):
            if isinstance(kind, type) and issubclass(kind, eqx.Module):
                yield from ((kind, field) for field in dataclasses.fields(kind))


def test_numbers_are_leaves_with_units():
    """A parameter is no Python number: it went through `param`, which knows its unit; distributions have none."""
    seen = 0
    for kind, field in fields():
        where = f"{kind.__name__}.{field.name}: {field.type}"
        if field.metadata.get("static"):
            assert "Array" not in str(field.type) and "ndarray" not in str(field.type), where
        else:
            assert str(field.type) not in ("float", "int", "float | None", "int | None", str(float), str(int)), where
        if "unit" in field.metadata:
            seen += 1
            unitless = issubclass(kind, snn.distributions.AbstractDistribution) or kind is snn.FixedProb
            assert bool(field.metadata["unit"]) is not unitless, where
    assert seen > 30


def statics(node):
    """The values of all static fields below a node."""
    if dataclasses.is_dataclass(node):
        for field in dataclasses.fields(node):
            value = getattr(node, field.name, None)
            if field.metadata.get("static"):
                yield field.name, value
            else:
                yield from statics(value)
    elif isinstance(node, dict):
        for value in node.values():
            yield from statics(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from statics(value)


class Careless(eqx.Module):
    """An array in a static field: the second jitted call would fail."""

    sizes: tuple = eqx.field(static=True)


def test_what_is_static_is_hashable_and_no_array():
    """Of everything that a run is made of, prepared or not."""

    def wrong(node):
        found = [*statics(node)]
        assert found
        return [n for n, v in found if any(isinstance(x, (jax.Array, np.ndarray)) for x in jax.tree.leaves(v))] or [
            n for n, v in found if isinstance(v, (list, dict, set))
        ]

    net = toy()
    prepared = eqx.filter_eval_shape(lambda net: net.prepare(), net)  # its structure, nothing computed
    run = {"net": net, "prepared": prepared, "state": net.init(key=KEY), "drive": drive(), "probes": WATCHED}
    assert wrong(run) == [] and all(isinstance(hash(value), int) for _, value in statics(run))
    with pytest.warns(UserWarning, match="set as static"):  # what equinox says of a direct one
        careless = Careless((np.ones(2),))
    assert wrong(careless) == ["sizes"]  # negative control
