"""The rooms of the library and their imports, read from the code; `python -m docs.rooms` draws them."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jaxsnn"
PICTURE = ROOT / "docs" / "pages" / "pictures" / "rooms.svg"

BASE = "base"  # the files beside the rooms: typing, time, random numbers, status, trees, files

LEVELS = [  # a room imports rooms of lower levels, and no other
    {BASE},
    {"compilers"},
    {"models", "neurons", "synapses", "connectivity"},
    {"plasticity"},
    {"networks", "simulation", "equations"},
    {"gradients", "sweeps", "lowering", "data", "interop"},
    {"chips"},
    {"presets", "analysis", "show", "skeleton"},
    {"cli"},
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
NARROWER = {"simulation": {"models", "compilers", BASE}}  # it runs every model: networks, programs of chips


def module(path: Path) -> str:
    """The dotted name of a file."""
    parts = ["jaxsnn", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(name: str) -> str:
    """The room of a module: a folder, a file that is a room by itself, or the base; "" for the whole library."""
    _, _, rest = name.partition(".")
    first = rest.partition(".")[0]
    return first if first in LEVEL or not first else BASE


def imported(source: str, package: list[str], known: frozenset[str] = frozenset()) -> set[str]:
    """The modules that a file of `package` imports, anywhere in it, `TYPE_CHECKING` included.

    `from .a import b` is `a.b` where that is a module (of those `known`), else `a`.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *(node.module.split(".") if node.module else [])])
            names = {f"{whole}.{alias.name}" for alias in node.names}
            found |= {name if name in known or whole == "jaxsnn" else whole for name in names}
    return {name for name in found if name.partition(".")[0] == "jaxsnn"}


def graph() -> dict[str, set[str]]:
    """`{module: modules of the library that it imports}`."""
    files = {module(path): path for path in sorted(PACKAGE.rglob("*.py"))}
    known = frozenset(files)

    def package(name: str) -> list[str]:
        parts = name.split(".")
        return parts if files[name].name == "__init__.py" else parts[:-1]

    return {name: imported(path.read_text(), package(name), known) - {name} for name, path in files.items()}


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Files that import each other in a circle, the first found; an `__init__` only hands names on, and is left out."""
    inits = {module(path) for path in PACKAGE.rglob("__init__.py")}
    try:
        TopologicalSorter({name: others - inits for name, others in edges.items()}).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def arrows(edges: dict[str, set[str]]) -> dict[tuple[str, str], int]:
    """`{(room, other room): how many of its files import files of the other}`."""
    count: dict[tuple[str, str], int] = {}
    for name, others in edges.items():
        for pair in {(room(name), room(other)) for other in others} if room(name) else ():
            if pair[0] != pair[1]:
                count[pair] = count.get(pair, 0) + 1
    return count


def sentence(name: str) -> str:
    """What a room is for: the first sentence of its docstring, without the room's name in front."""
    if name == BASE:
        return "parameters and their checks, time, status bits, dotted paths, random numbers, files, tricks of XLA"
    folder = PACKAGE / name / "__init__.py"
    text = ast.get_docstring(ast.parse((folder if folder.exists() else PACKAGE / f"{name}.py").read_text())) or ""
    first = text.split("\n\n")[0].replace("\n", " ").replace("`", "").rstrip(".")
    head, colon, rest = first.partition(": ")
    return rest if (colon and head.lower().endswith(name.rstrip("s"))) or head.lower() == name else first


# --- the picture ------------------------------------------------------------------------------------------------------

BOX, HEIGHT, GAP, MARGIN = 258, 98, 46, 22


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        if len(line) + len(word) >= width:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line


def picture(edges: dict[str, set[str]]) -> str:
    """The rooms as an SVG: a floor a level, arrows for imports, wider where more files import."""
    there = {room(name) for name in edges} - {""}
    floors = [sorted(there & level) for level in reversed(LEVELS)]
    floors = [floor for floor in floors if floor]
    place, width = {}, MARGIN + max(len(floor) for floor in floors) * (BOX + MARGIN)
    for row, floor in enumerate(floors):
        left = (width - len(floor) * BOX - (len(floor) - 1) * MARGIN) / 2
        for column, name in enumerate(floor):
            place[name] = (left + column * (BOX + MARGIN), MARGIN + row * (HEIGHT + GAP))
    lines = []
    for (a, b), files in sorted(arrows(edges).items()):
        if a in place and b in place and b != BASE:
            (x0, y0), (x1, y1) = place[a], place[b]
            start, end = (x0 + BOX / 2, y0 + HEIGHT), (x1 + BOX / 2, y1)
            bend = (start[1] + end[1]) / 2
            lines.append(
                f'<path d="M{start[0]:.0f} {start[1]:.0f} C{start[0]:.0f} {bend:.0f} {end[0]:.0f} {bend:.0f} '
                f'{end[0]:.0f} {end[1]:.0f}" class="arrow" stroke-width="{2 if files > 3 else 1}">'
                f"<title>{a} imports {b}</title></path>"
            )
    for name, (x, y) in sorted(place.items()):
        lines.append(f'<rect x="{x:.0f}" y="{y:.0f}" width="{BOX}" height="{HEIGHT}" rx="6" class="room"/>')
        lines.append(f'<text x="{x + 12:.0f}" y="{y + 24:.0f}" class="name">{name}</text>')
        for i, text in enumerate([*_wrapped(sentence(name), BOX // 7)][:4]):
            lines.append(f'<text x="{x + 12:.0f}" y="{y + 42 + 15 * i:.0f}" class="says">{escape(text)}</text>')
    height = MARGIN + len(floors) * (HEIGHT + GAP)
    style = (
        "text{font-family:sans-serif;fill:#222}.name{font-size:16px;font-weight:bold}.says{font-size:12px}"
        ".room{fill:#eef3fa;stroke:#5b7db1}.arrow{fill:none;stroke:#5b7db1;stroke-opacity:.35}"
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">'
    paper = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, f"<style>{style}</style>", paper, *lines, "</svg>\n"])


if __name__ == "__main__":
    PICTURE.write_text(picture(graph()))
