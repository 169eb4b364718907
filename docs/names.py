"""The index of all public names, from the pages of the API: `python -m docs.names` writes it.

A page's title is a section, its first paragraph the section's; every `::: jaxsnn.x` on it is a link. Pages are in the
order of the site's navigation.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "pages"
INDEX = PAGES / "api.md"
ENTRY = re.compile(r"^::: jaxsnn\.(\S+)$", re.MULTILINE)
HEAD = """# API

Every public name, grouped by noun: a page each. Abstract classes are what to subclass; everything else is final.
(Written by `python -m docs.names`.)
"""


def pages() -> list[Path]:
    """The pages of the API, as the navigation lists them."""
    listed = re.findall(r"^ +- [^:]+: (api/\S+\.md)$", (ROOT / "docs" / "mkdocs.yml").read_text(), re.MULTILINE)
    return [PAGES / name for name in listed]


def section(page: Path) -> str:
    """What the index says of a page."""
    text = page.read_text()
    title, _, rest = text.removeprefix("# ").partition("\n")
    where = f"api/{page.name}"
    about = " ".join(rest.strip().split("\n\n")[0].split())
    about = "" if about.startswith(":::") else re.sub(r"\]\(\.\./", "](", about)
    links = [f"[`{shown(name)}`]({where}#jaxsnn.{name})" for name in ENTRY.findall(text)]
    return "\n\n".join(part for part in (f"## [{title}]({where})", about, ", ".join(links)) if part)


def shown(name: str) -> str:
    """A name without the room in front, but for those that say too little then: of other tools, and `show.page`."""
    room, _, rest = name.partition(".")
    return name if room == "show" else rest if room == "presets" else name.rpartition(".")[2]


def index() -> str:
    """The text of the page."""
    return "\n\n".join([HEAD.rstrip(), *map(section, pages())]) + "\n"


if __name__ == "__main__":
    INDEX.write_text(index())
