"""The API pages show what a user gets from `getattr(jaxsnn, name)`: its kind, its arguments and their defaults."""

import dataclasses
import inspect
import re
import typing

import griffe
import pytest

import jaxsnn as snn
from docs import fields, names
from docs.pictures import ROOT

ENTRY = re.compile(r"^::: jaxsnn\.(\S+)$", re.MULTILINE)
PAGES = sorted((ROOT / "docs" / "pages" / "api").glob("*.md"))
ENTRIES = [name for page in PAGES for name in ENTRY.findall(page.read_text())]


@pytest.fixture(scope="module")
def shown():
    return griffe.load("jaxsnn", search_paths=[ROOT], extensions=griffe.load_extensions(fields.Constructors))


def has(name):
    found = snn
    for part in name.split("."):
        found = getattr(found, part)
    return found


def differs(name, shown):
    """How what is shown differs from what there is; None if it does not."""
    entry, found = shown[name], has(name)
    entry = entry.final_target if entry.is_alias else entry
    called = callable(found) and typing.get_origin(found) is None  # the name of a type is no function
    kind = "class" if inspect.isclass(found) else "function" if called else "attribute"
    if entry.kind.value != kind:
        return f"shown as a {entry.kind.value}, is a {kind}"
    if kind == "attribute" or inspect.isabstract(found):
        return None
    if kind == "class" and not dataclasses.is_dataclass(found):
        return None
    arguments = [p.name for p in entry.parameters if p.name != "self"]
    expected = [*inspect.signature(found).parameters]
    if arguments != expected:
        return f"shown with {arguments}, takes {expected}"
    without = [p.name for p in entry.parameters if p.default is None and p.name != "self"]
    rest = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [
        p.name
        for p in inspect.signature(found).parameters.values()
        if p.default is inspect.Parameter.empty and p.kind not in rest
    ]
    return None if {*without} == {*needed} else f"shown without defaults for {without}, needs {needed}"


@pytest.mark.parametrize("name", ENTRIES)
def test_shown_as_it_is(name, shown):
    assert differs(name, shown) is None


def test_the_index_of_all_names_is_that_of_the_pages():
    assert {*names.pages()} == {*PAGES}, "the navigation of mkdocs.yml lists every page of the API"
    text = names.INDEX.read_text()
    assert text == names.index(), "write it again: python -m docs.names"
    assert sum(f"#jaxsnn.{name})" in text for name in ENTRIES) == len(ENTRIES)


def test_what_is_shown_wrongly_is_seen():
    """Negative control: without the constructors of modules, a neuron has no arguments."""
    assert "shown with []" in differs("LIF", griffe.load("jaxsnn", search_paths=[ROOT]))
