"""The C compiler is never required: what it cannot do, XLA does, and says so."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.compilers import build
from tests.simulation.toys import assert_same, run


def test_no_compiler(monkeypatch, caplog):
    """The same numbers, bit for bit, and one line of the log."""
    monkeypatch.setattr(build, "compiler", lambda: None)
    jax.clear_caches()  # a run that was compiled before needs no compiler
    with caplog.at_level(logging.INFO, "jaxsnn"):
        assert_same(run(compiler=snn.compilers.C()).record, run().record)
    assert [r.message for r in caplog.records if "no C compiler" in r.message]
    with pytest.raises(ValueError, match="no C compiler"):
        run(compiler=snn.compilers.C(required=True))


def test_an_operation_that_has_no_rule(caplog):
    """Sorting is left to XLA, by name; whatever else is in the step."""
    one = lambda x, t: (jnp.sort(x)[::-1] + 1.0, x[0])
    x = jnp.asarray([3.0, 1.0, 2.0])
    with caplog.at_level(logging.INFO, "jaxsnn"):
        out = jax.jit(lambda x: snn.compilers.C().steps(one, x, jnp.int32(0), 3))(x)
    assert_same(out, jax.jit(lambda x: snn.compilers.XLA().steps(one, x, jnp.int32(0), 3))(x))
    if build.compiler() is not None:
        assert "sort" in caplog.text
        with pytest.raises(ValueError, match=r"cannot compile this run: .*sort"):
            jax.jit(lambda x: snn.compilers.C(required=True).steps(one, x, jnp.int32(0), 3))(x)


def test_a_compiler_that_fails(monkeypatch, tmp_path):
    """Its message is the reason."""
    monkeypatch.setenv("JAXSNN_CACHE", str(tmp_path))
    broken = snn.compilers.C(required=True, flags=("-no-such-option-anywhere",))
    if build.compiler() is not None:
        with pytest.raises(ValueError, match="no-such-option"):
            run(compiler=broken)
    assert not list(tmp_path.rglob("*.so"))


def test_compiler_is_an_argument():
    with pytest.raises(ValueError, match=r"compiler = 'gcc' .*expected compilers.XLA\(\) or compilers.C\(\)"):
        run(compiler="gcc")
    assert np.isfinite(run(compiler=snn.compilers.XLA())["v"]).all()
