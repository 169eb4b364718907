"""Networks of SpiNNaker cells against whole numbers of Python: rings, delays, types, saturation, what is counted."""

import functools

import jax
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.chips import spinnaker
from tests.oracles import spinnaker_core as oracle
from tests.simulation.toys import assert_same

STEPS, SENDERS, N = 200, 12, 6
PARAMS = dict(v_init=-65.0, v_rest=-65.0, v_reset=-70.0, v_th=-50.0, tau_m=12.0, c_m=1.0, t_ref=2.0, i_offset=0.1)
PARAMS = {key: round(x * 2**15) for key, x in (PARAMS | dict(tau_exc=3.0, tau_inh=6.0, dt=1.0)).items()}
SHIFT = (5, 4)


@functools.cache
def drawn(most):
    """Sources with delays of their own, neurons that inhibit each other, and spikes."""
    rng = np.random.default_rng(3)
    exc = rng.integers(0, most, (SENDERS, N)) * (rng.random((SENDERS, N)) < 0.7)
    sender, receiver = np.nonzero(exc)
    delay = rng.integers(0, 40, sender.size)
    inh = rng.integers(1, most, (N, N))
    x = (rng.random((STEPS, SENDERS)) < 0.15) * rng.integers(1, 4, (STEPS, SENDERS))
    return exc, sender, receiver, delay, inh, x


def program(most):
    exc, sender, receiver, delay, inh, _ = drawn(most)
    each = np.bincount(sender, minlength=SENDERS)
    start = np.concatenate([[0], np.cumsum(each)])
    shared = dict(n_post=N, longest=int(each.max()), max_delay=40, most=15)
    rows = spinnaker.RowSynapses("in", "E", exc[sender, receiver], delay, start=start, receiver=receiver, **shared)
    cells = spinnaker.CurrExpCells(N, **PARAMS, shift_exc=SHIFT[0], shift_inh=SHIFT[1])
    back = spinnaker.RowSynapses.of("E", "E", inh, 2, inhibitory=True)
    return snn.lowering.Program({"in": snn.lowering.InputCounts(SENDERS), "E": cells}, {"S": rows, "R": back})


def expected(most):
    """Everything step by step, with a matrix of what is to arrive; arrivals are not cut before they are summed."""
    exc, sender, receiver, delay, inh, x = drawn(most)
    coming = np.zeros((STEPS + 60, N, 2), int)
    for t in range(STEPS):
        for i, k in enumerate(x[t]):
            for j in np.flatnonzero(sender == i):
                coming[t + 1 + delay[j], receiver[j], 0] += k * exc[i, receiver[j]]
    found = np.zeros((STEPS, N, 4), int)
    for t in range(STEPS):  # inhibition depends on spikes: neurons are run anew up to every step that has new ones
        if t == 0 or found[t - 3 : t, :, 3].any():
            for n in range(N):
                ring, none = coming[:STEPS, n], np.zeros(STEPS, int)
                found[:, n] = oracle.run("cur", PARAMS, SHIFT, 1, ring, none)
        for n in np.flatnonzero(found[t, :, 3]):
            coming[t + 3, :, 1] += inh[n]
    return found, coming


def run(model, x):
    record = {name: snn.Trace(f"E.{name}") for name in ("v", "sent", "ring", "saturated")}
    drive = snn.Replay(x.astype(np.float32), into="in")
    done = snn.simulate(model, drive, steps=len(x), key=jax.random.key(0), record=record, throw=False)
    return {name: np.asarray(done[name]) for name in record}, int(done.status)


@pytest.mark.parametrize("most", [1200, 30000], ids=["margin", "saturates"])
def test_a_network_is_the_direct_integer_simulation(most):
    states, status = run(program(most), drawn(most)[-1])
    found, coming = expected(most)
    assert np.sum(states["v"][:-1] != found[1:, :, 0]) == 0
    assert np.sum(states["sent"] != found[:, :, 3]) == 0
    assert found[:, :, 3].sum() > 30
    arrived = coming[:STEPS].transpose(0, 2, 1).reshape(STEPS, 2 * N)
    assert np.sum(states["ring"] != arrived) == 0
    cut = (coming[:STEPS] > 65535).sum(axis=(0, 2))
    assert states["saturated"][-1].tolist() == cut.tolist()
    assert (cut.sum() > 50) == (most == 30000) == bool(status & snn.Status.INPUT_OVERFLOW)


def test_a_program_comes_back_from_its_file(tmp_path):
    made = program(1200)
    snn.lowering.save_program(made, tmp_path / "a.npz")
    assert_same(snn.lowering.load_program(tmp_path / "a.npz"), made)


def test_what_wraps_is_reported():
    """65 V more and a membrane is at -65 V: the program computes it as the chip would, and says so."""
    cells = spinnaker.CurrExpCells(1, c_m=40, i_offset=2**15 * 10)  # R is 16 GOhm
    done = snn.simulate(snn.lowering.Program({"E": cells}, {}), steps=3, key=jax.random.key(0), throw=False)
    assert int(done.status) == int(snn.Status.CURRENT_OVERFLOW)


def test_a_long_time_constant_decays_in_one_step():
    """2^15 steps and more: ts / tau is rounded to 0, and exp(0) does not fit a fract."""
    left = lambda tau: int(jax.jit(lambda t: spinnaker.CurrExpCells(1, tau_exc=t).derived().shapes[0].left)(tau))
    longest = 2**30 - 1
    assert left(longest) > 0.99 * 2**32
    assert left(2**30 + 2**15) == 0


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: spinnaker.RowSynapses.of("a", "b", [[65536]]), "weight is 65536; expected whole numbers from 0"),
        (lambda: spinnaker.RowSynapses.of("a", "b", [[-1]]), "weight is -1; expected"),
        (lambda: spinnaker.RowSynapses.of("a", "b", [[1]], 144), "take 145 steps; expected 144 at most"),
        (lambda: spinnaker.CurrExpCells(1, tau_m=0), "tau_m is 0; expected whole numbers from 1"),
        (lambda: spinnaker.CurrExpCells(1, shift_exc=16), "shift_exc is 16; expected"),
        (lambda: spinnaker.CurrExpCells(1, dt=3, substeps=4), "4 substeps in 3 units; expected fewer"),
        (lambda: program(9).into("E")["S"].prepare(spinnaker.CurrExpCells(N, substeps=31), None, None, 0), "most=31"),
    ],
)  # fmt: skip
def test_numbers_that_no_register_holds_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()
