"""The gallery shows every experiment, and says of each what the file itself says."""

from docs import gallery
from docs.gallery import ON_OTHER_PAGES, PAGE, PICTURES, SHARED, SWEPT, functions, names, page


def test_the_gallery_is_that_of_the_experiments():
    files = {path.stem for path in (gallery.ROOT / "experiments").glob("*.py")} - {"__init__"}
    assert {*names()} == files - {*SHARED} and len(names()) == len({*names()})
    assert PAGE.read_text() == page(), "write it again: python -m docs.gallery"


def test_every_experiment_has_its_picture():
    """On this page or on another; pictures are small, and none is left of an experiment that is gone."""
    kept = {path.stem: path.stat().st_size for path in PICTURES.glob("*.png")}
    assert {*kept} == {*names()} - {*ON_OTHER_PAGES} and max(kept.values()) < 200_000
    assert all((PICTURES.parent / picture).exists() for picture in ON_OTHER_PAGES.values())
    assert PAGE.read_text().count("](pictures/") == len(names())


def test_every_command_is_one():
    for name in names():
        assert ("experiment" in functions(name)) == gallery.command(name).startswith("jaxsnn ")
    assert {name for name in names() if gallery.command(name).startswith("jaxsnn sweep")} == SWEPT
