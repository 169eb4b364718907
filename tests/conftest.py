"""Strict by default: no silent promotion of ranks or types, no key used twice. Warnings are errors (pyproject.toml).

One CPU device: nothing in the library looks at how many there are until sweeps are sharded.
"""

import jax
import pytest

STRICT = {
    "jax_numpy_rank_promotion": "raise",
    "jax_numpy_dtype_promotion": "strict",
    "jax_debug_key_reuse": True,
}


def be_strict():
    for name, value in STRICT.items():
        jax.config.update(name, value)


# From here on: what modules and their fixtures compile under other settings would be compiled again in tests.
be_strict()


@pytest.fixture(autouse=True)
def strict():
    """What a user may have switched on must not break the library. Set for each test, so that none can leak."""
    be_strict()


@pytest.fixture
def x64():
    """float64 for one test. Global, not a context, so that threads (a sweep's) see it; a worker is a process."""
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    """The test runs twice, once in each precision; its value is the name of the type that every float then has."""
    jax.config.update("jax_enable_x64", request.param == "float64")
    yield request.param
    jax.config.update("jax_enable_x64", False)
