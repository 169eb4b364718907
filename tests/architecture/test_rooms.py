"""Design section 6: rooms import one way only, and importing the library does no work."""

import ast
import re
import subprocess
import sys

import pytest

from docs.rooms import LEVEL, NARROWER, PACKAGE, PICTURE, circle, graph, imported, picture, room


def complaint(own, imports):
    """What is wrong with a room that imports these rooms, or None."""
    for other in sorted(imports - {own}):
        if not other:
            return f"{own} imports the whole library"
        if LEVEL[other] >= LEVEL[own]:
            return f"{own} imports {other}, which is not below it"
        if own in NARROWER and other not in NARROWER[own]:
            return f"{own} imports {other}, and may know only {sorted(NARROWER[own])}"
    return None


IMPORTS = graph()


@pytest.mark.parametrize("name", sorted(IMPORTS))
def test_rooms_import_one_way(name):
    if name != "jaxsnn":
        versions = {"jaxsnn.__version__"}  # of the library itself
        assert complaint(room(name), {room(other) for other in IMPORTS[name] - versions}) is None


@pytest.mark.parametrize(
    ("own", "source", "found"),
    [
        ("simulation", "from ..networks.model import Network", "networks"),
        ("simulation", "from jaxsnn.networks import network", "networks"),
        ("simulation", "def f():\n    from ..connectivity.ring import Ring", "connectivity"),
        ("neurons", "from ..synapses.delta import Delta", "synapses"),
        ("synapses", "import jaxsnn.neurons.lif", "neurons"),
        ("connectivity", "from .. import sweeps", "sweeps"),
        ("sweeps", "import jaxsnn as snn", "the whole library"),
        ("lowering", "if TYPE_CHECKING:\n    from ..chips.loihi import Loihi1", "chips"),
        ("analysis", "from ..cli import main", "cli"),
    ],
)
def test_a_wrong_import_is_seen(own, source, found):
    """Negative control."""
    assert found in complaint(own, {room(name) for name in imported(source, ["jaxsnn", own])})


def test_no_file_imports_itself_by_way_of_others():
    """No circle among files, those of `TYPE_CHECKING` included."""
    assert circle(IMPORTS) == []
    above, below = "jaxsnn.simulation.run", "jaxsnn.simulation.calls"  # negative control: it imports the other way, too
    assert below in IMPORTS[above]
    assert {above, below} == {*circle(IMPORTS | {below: IMPORTS[below] | {above}})}


def test_the_picture_of_the_rooms_is_that_of_the_code():
    assert PICTURE.read_text() == picture(IMPORTS), "draw it again: python -m docs.rooms"


def test_the_files_of_the_architecture_page_exist():
    page = (PICTURE.parents[1] / "architecture.md").read_text()
    named = set(re.findall(r"`([\w/]+(?:\.py|\.json|/))`", page))
    places = (PACKAGE, PACKAGE.parent, PACKAGE / "neurons", PACKAGE / "simulation", PACKAGE / "sweeps")
    places = (*places, PACKAGE.parent / "tests" / "architecture")
    assert len(named) > 30 and [name for name in named if not any((place / name).exists() for place in places)] == []


# --- the core of lowering knows no chip -------------------------------------------------------------------------------

CHIPS = sorted(path.name for path in (PACKAGE / "chips").iterdir() if (path / "__init__.py").exists())


def named_chips(text):
    """The chips that a text names, as words or parts of words."""
    return [chip for chip in CHIPS if chip in text.lower()]


@pytest.mark.parametrize("path", sorted((PACKAGE / "lowering").rglob("*.py")), ids=lambda path: path.stem)
def test_the_core_of_lowering_names_no_chip(path):
    assert named_chips(path.read_text()) == []


def foreign_chips(name, imports):
    """Modules of chips that `name` imports and that are not of its own room; the top and `chips` itself may."""
    own = ".".join(name.split(".")[:3])
    chips = {other for other in imports if other == "jaxsnn.chips" or other.startswith("jaxsnn.chips.")}
    return set() if name in ("jaxsnn", "jaxsnn.chips") else {x for x in chips if not f"{x}.".startswith(f"{own}.")}


@pytest.mark.parametrize("name", sorted(IMPORTS))
def test_only_the_top_imports_a_chip(name):
    """And a chip's room no other chip's."""
    assert foreign_chips(name, IMPORTS[name]) == set()


def test_a_chip_in_the_core_is_seen():
    """Negative control."""
    assert named_chips("a Loihi core") == ["loihi"]
    assert foreign_chips("jaxsnn.lowering.read", {"jaxsnn.chips.loihi.cells"})
    assert foreign_chips("jaxsnn.chips.xylo.cells", {"jaxsnn.chips.loihi.cells"})


WORK = """
import sys, jax, equinox, optax
from jax._src import xla_bridge
before, flags = set(sys.modules), dict(jax.config.values)
import jaxsnn
assert dict(jax.config.values) == flags, "a global flag was set"
assert not xla_bridge.backends_are_initialized(), "a backend was started"
heavy = {name.partition(".")[0] for name in set(sys.modules) - before} & set(sys.argv[1:])
assert not heavy, f"imported {heavy}"
"""


def test_importing_does_no_work():
    """No backend, no flag, and nothing that only some uses need; a NumPy submodule shows that the check can fail."""

    def run(*heavy):
        return subprocess.run([sys.executable, "-c", WORK, *heavy], cwd=PACKAGE.parent, capture_output=True, text=True)

    heavy = ("matplotlib", "xarray", "zarr", "rich", "scipy", "pandas", "h5py", "sklearn", "nir", "sympy")
    assert (done := run(*heavy)).returncode == 0, done.stderr
    assert "imported {'jaxsnn'}" in run("jaxsnn").stderr


# --- what of JAX is used ----------------------------------------------------------------------------------------------

DOCUMENTED = {  # beside the names of the API reference: those of JAX's pages about primitives and jaxpr interpreters
    "jax.core": {"Tracer"},
    "jax.extend.core": {"ClosedJaxpr", "Jaxpr", "JaxprEqn", "Literal", "Primitive", "jaxpr_as_fun"},
    "jax.interpreters.ad": {"Zero", "defbilinear", "is_undefined_primal", "primitive_jvps", "primitive_transposes"},
    "jax.interpreters.batching": {"primitive_batchers"},
    "jax.interpreters.mlir": {"lower_fun", "register_lowering"},
}
INTERNAL = ("jax._src", "jax.core", "jax.extend", "jax.interpreters", "jax.lib", "jaxlib")


def undocumented(source):
    """Names used of JAX's internals that no page of JAX documents, as far as one can see without running it."""
    tree, modules, found = ast.parse(source), {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name: alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in ("jax", "jaxlib"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in DOCUMENTED:
                    modules[alias.asname or alias.name] = whole
                elif whole.startswith(INTERNAL) and alias.name not in DOCUMENTED.get(node.module, ()):
                    found.add(whole)
    modules |= {"jax": "jax"} if any(name.startswith("jax.") for name in modules) else {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            head, dot, rest = owner.partition(".")
            whole = modules.get(owner, modules.get(head, head) + dot + rest)
            private = (
                whole.partition(".")[0] in ("jax", "jaxlib")
                and node.attr.startswith("_")
                and not node.attr.endswith("__")
            )
            if private or (whole in DOCUMENTED and node.attr not in DOCUMENTED[whole]):
                found.add(f"{whole}.{node.attr}")
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_of_jax_that_is_not_documented(path):
    """A version of JAX inside the pins had dropped one such name, and every training of a matrix failed."""
    assert not undocumented(path.read_text())


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from jax._src import core", "jax._src.core"),
        ("import jax\njax._src.core.f()", "jax._src"),
        ("from jax.interpreters import batching\nbatching.not_mapped", "jax.interpreters.batching.not_mapped"),
        ("from jax.interpreters import pxla", "jax.interpreters.pxla"),
        ("import jax.core\njax.core.Jaxpr", "jax.core.Jaxpr"),
        ("from jax.extend.core import gensym", "jax.extend.core.gensym"),
    ],
)
def test_an_internal_name_is_seen(source, name):
    """Negative control."""
    assert name in undocumented(source)
