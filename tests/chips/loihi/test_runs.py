"""However a program is run it gives the same numbers; its noise is that of its formula, of counted random numbers."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn import _random
from tests.chips.loihi.programs import program, run
from tests.oracles import loihi_cases, loihi_core
from tests.simulation.toys import assert_same


def noisy(place):
    """A case with noise, its program, and the uniform numbers -127..127 that the program draws, by NumPy."""
    case = loihi_cases.case("loihi1", 4)
    key = _random.named_key(jax.random.key(0), "step")
    stream = np.asarray(_random.stream(key, "E.noise"))
    steps, ids = np.arange(loihi_cases.STEPS, dtype=np.uint32)[:, None], np.arange(loihi_cases.N, dtype=np.uint32)[None]
    x = _random.below(_random.words(stream, steps, ids)[0], 255).astype(np.int64) - 127
    made = program(case)
    cells = dataclasses.replace(made.cells["E"], noise=snn.chips.loihi.CellNoise(9, -1, place))
    made = dataclasses.replace(made, cells={**made.cells, "E": cells})
    at = "current" if isinstance(place, snn.chips.loihi.ToCurrent) else "membrane"
    registers = {**case["cells"]["E"], "noise": x, "noise_exponent": 9, "noise_offset": -1, "noise_at": at}
    return {**case, "cells": {"E": registers}}, made


def test_noise_is_the_oracles_and_runs_do_not_depend_on_how_they_are_run():
    case, made = noisy(snn.chips.loihi.ToMembrane())
    raster = jnp.asarray(case["inputs"]["in"], jnp.float32)
    whole = run(made, raster)
    theirs = loihi_core.run(case, loihi_cases.STEPS)["E"]
    for key, mine in (("u", whole["u"]), ("v", whole["v"]), ("s", whole["s"].dense())):
        np.testing.assert_array_equal(np.asarray(mine), theirs[key])
    quiet = loihi_core.run({**case, "cells": {"E": {**case["cells"]["E"], "noise": None}}}, loihi_cases.STEPS)["E"]
    assert np.any(quiet["v"] != theirs["v"])  # negative control
    first = run(made, raster, steps=20, chunk=7)
    second = run(made, raster[20:], steps=loihi_cases.STEPS - 20, state=first.state, chunk=7)
    for key in ("u", "v"):
        assert_same(jnp.concatenate([first[key], second[key]]), whole[key])
    assert_same(second.state, whole.state)
