"""A name of another tool is answered with the name here, one of another room with the room."""

import functools

import pytest

import jaxsnn as snn
from jaxsnn._elsewhere import HERE, ROOMS


def found(path):
    return functools.reduce(getattr, path.split("."), snn)


@pytest.mark.parametrize(("tool", "name"), [(tool, name) for tool, names in HERE.items() for name in names])
def test_what_is_named_exists_here(tool, name):
    assert callable(found(HERE[tool][name]))
    assert name not in dir(snn)  # which would never be asked
    with pytest.raises(AttributeError, match=f"{name}': {tool}'s is jaxsnn.{HERE[tool][name]} here"):
        getattr(snn, name)


def test_names_of_rooms_and_misspelt_ones():
    for room in ROOMS:
        assert dir(found(room))
    with pytest.raises(AttributeError, match=r"'GreaterEqual': it is jaxsnn.thresholds.GreaterEqual$"):
        _ = snn.GreaterEqual
    with pytest.raises(AttributeError, match=r"'iaf_psc_exp': it is jaxsnn.presets.nest.iaf_psc_exp$"):
        _ = snn.iaf_psc_exp
    with pytest.raises(AttributeError, match=r"no attribute 'simluate'$") as error:
        _ = snn.simluate
    assert (error.value.name, error.value.obj) == ("simluate", snn)  # from which Python says what it may be
