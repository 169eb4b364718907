"""Strict by default: no silent promotion of ranks or types, no key used twice. Warnings are errors (pyproject.toml).

One CPU device: tests that need several start a process of their own.
Programs are compiled once for all workers and for the next run, by JAX's persistent cache in pytest's own.

Compiling is most of the suite's time. Where its options are known to be there, XLA compiles a test in half of it:
with its older emitters of kernels, a program in one piece (they are 32, each with a cost of its own), and kernels
optimised as by -O1. In half of that again, files marked `unoptimised`, whose kernels are not optimised: they run up to
four times longer, and two programs may round the same sum of products differently. A file is marked once it passes
with `JAXSNN_TEST_COMPILER=unoptimised`, and in less time. `JAXSNN_TEST_COMPILER=default` tests as users run, and so
does the stage of `.ci/run` for the newest Python, and every other version of JAX.
"""

import gc
import os
import sys
from importlib.metadata import version

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # XLA logs two lines for every program that the cache has
if version("jaxlib") == "0.10.1" and os.environ.get("JAXSNN_TEST_COMPILER") != "default":
    os.environ["XLA_FLAGS"] = (
        f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_use_fusion_emitters=false "
        "--xla_cpu_parallel_codegen_split_count=1 --xla_backend_optimization_level=1"
    )

import jax
import pytest

from tests import compiles

COMPILER = os.environ.get("JAXSNN_TEST_COMPILER")
QUICK = "--xla_cpu_use_fusion_emitters=false" in os.environ.get("XLA_FLAGS", "")

STRICT = {
    "jax_numpy_rank_promotion": "raise",
    "jax_numpy_dtype_promotion": "strict",
    "jax_debug_key_reuse": True,
}


def be_strict():
    for name, value in STRICT.items():
        jax.config.update(name, value)


# Where each operation was written is a tenth of the text that a program is lowered to, and nobody reads it here.
jax.config.update("jax_traceback_in_locations_limit", 0)

# From here on: what modules and their fixtures compile under other settings would be compiled again in tests.
be_strict()


def pytest_addoption(parser):
    parser.addoption("--write-programs", action="store_true", help="write the programs of each file to programs.json")


# Traced programs are millions of small objects that live until their file is done: looking for circles among them at
# every seven hundredth took a tenth of the suite's time.
gc.set_threshold(100_000, 20, 20)


def pytest_configure(config):
    if getattr(config, "cache", None) is not None and not jax.config.jax_compilation_cache_dir:
        jax.config.update("jax_compilation_cache_dir", str(config.cache.mkdir("programs")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    compiles.listen()
    config.pluginmanager.register(compiles.Recorder(config), "compiles")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before fixtures, which compile, too. Files of a kind run together (compiles.py), so that this changes once."""
    wanted = QUICK and (COMPILER == "unoptimised" or compiles.unoptimised(item))
    if wanted != jax.config.read("jax_disable_most_optimizations"):
        jax.clear_caches()
        jax.config.update("jax_disable_most_optimizations", wanted)


@pytest.fixture(autouse=True)
def strict():
    """What a user may have switched on must not break the library. Set for each test, so that none can leak."""
    be_strict()


@pytest.fixture(autouse=True)
def no_figures():
    """pyplot keeps every figure until it is closed, and warns from twenty on: of what all tests of a worker drew."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


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
