"""Design section 6: rooms import one way only, and importing the library does no work."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "jaxsnn"

LEVELS = [
    {
        "_archive",
        "_health",
        "_late",
        "_objects",
        "files",
        "_cache",
        "_cores",
        "_types",
        "_time",
        "_memory",
        "_status",
        "_reports",
        "_select",
        "_sums",
        "_tree",
        "_arguments",
        "_text",
        "_random",
    }
    | {"_bits", "_blocks", "_once", "_linear", "distributions"},
    {"models", "neurons", "synapses", "connectivity"},
    {"plasticity"},
    {"networks", "simulation"},
    {"gradients", "sweeps", "lowering", "interop", "data"},
    {"chips"},
    {"analysis", "presets", "cli"},
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
NARROWER = {"simulation": {"models", *LEVELS[0]}}  # any model runs: a network, or a program lowered to a chip


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_modules(source, package):
    """Everything that a module of `package` imports, wherever in it, by its whole name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            found |= {".".join([*module, alias.name]) for alias in node.names}
    return found


def imported_rooms(source, package):
    """The rooms that a module of `package` imports, wherever in it; "" for the whole library."""
    rooms = set()
    for name in imported_modules(source, package):
        first, *rest = name.split(".")
        if first == "jaxsnn":
            rooms.add(rest[0] if rest else "")
    return rooms


def complaint(room, imports):
    """What is wrong with these imports, or None."""
    for other in sorted(imports - {room, "__version__"}):
        if other not in LEVEL:
            return f"{room} imports {other or 'the whole library'}"
        base = LEVEL[other] == LEVEL[room] == 0
        if not base and LEVEL[other] >= LEVEL[room]:
            return f"{room} imports {other}, which is not below it"
        if room in NARROWER and other not in NARROWER[room]:
            return f"{room} imports {other}, and may know only {sorted(NARROWER[room])}"
    return None


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_rooms_import_one_way(path):
    room = room_of(path)
    if room == "__init__":
        return
    assert room in LEVEL, f"{room} is a room without a level"
    package = ["jaxsnn", *path.relative_to(PACKAGE).parts[:-1]]
    assert complaint(room, imported_rooms(path.read_text(), package)) is None


@pytest.mark.parametrize(
    ("room", "source", "found"),
    [
        ("simulation", "from ..networks.network import Network", "networks"),
        ("simulation", "from jaxsnn.networks import network", "networks"),
        ("simulation", "def f():\n    from ..connectivity.ring import Ring", "connectivity"),
        ("neurons", "from ..synapses.delta import Delta", "synapses"),
        ("synapses", "import jaxsnn.neurons.lif", "neurons"),
        ("connectivity", "from .. import sweeps", "sweeps"),
        ("sweeps", "import jaxsnn as snn", "the whole library"),
        ("analysis", "from ..cli import main", "cli"),
    ],
)
def test_a_wrong_import_is_seen(room, source, found):
    """Negative control."""
    assert found in complaint(room, imported_rooms(source, ["jaxsnn", room]))


# --- the core of lowering knows no chip -------------------------------------------------------------------------------

CHIPS = sorted(path.name for path in (PACKAGE / "chips").iterdir() if (path / "__init__.py").exists())


def named_chips(text):
    """The chips that a text names, as words or parts of words."""
    return [chip for chip in CHIPS if chip in text.lower()]


@pytest.mark.parametrize("path", sorted((PACKAGE / "lowering").rglob("*.py")), ids=lambda path: path.stem)
def test_the_core_of_lowering_names_no_chip(path):
    assert named_chips(path.read_text()) == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_top_imports_a_chip(path):
    """And a chip's room no other chip's."""
    own = path.relative_to(PACKAGE).parts
    if own in (("__init__.py",), ("chips", "__init__.py")):
        return
    package = ["jaxsnn", *own[:-1]]
    others = [chip for chip in CHIPS if own[:2] != ("chips", chip)]
    found = imported_modules(path.read_text(), package)
    assert [name for name in found for chip in others if f"{name}.".startswith(f"jaxsnn.chips.{chip}.")] == []
    assert "jaxsnn.chips" not in found


def test_a_core_that_knows_a_chip_is_seen():
    """Negative control."""
    assert "loihi" in CHIPS and named_chips("as LoihiTrace has it") == ["loihi"]
    source = "from ..chips.loihi.cores import Core\nfrom .. import chips"
    found = imported_modules(source, ["jaxsnn", "lowering"])
    assert found == {"jaxsnn.chips.loihi.cores.Core", "jaxsnn.chips"}


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

    heavy = ("matplotlib", "xarray", "zarr", "rich", "scipy", "pandas", "h5py", "sklearn", "nir")
    assert (done := run(*heavy)).returncode == 0, done.stderr
    assert "imported {'jaxsnn'}" in run("jaxsnn").stderr


# --- what of JAX is used ----------------------------------------------------------------------------------------------

DOCUMENTED = {  # beside the names of the API reference: those of JAX's pages about primitives and jaxpr interpreters
    "jax.core": {"Tracer"},
    "jax.extend.core": {"ClosedJaxpr", "Jaxpr", "JaxprEqn", "Literal", "Primitive", "jaxpr_as_fun"},
    "jax.interpreters.ad": {"defbilinear", "primitive_jvps"},
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
