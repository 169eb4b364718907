"""Cart and pole are Gymnasium's, and it is learnt; the digits and the maze are what they should be, and are learnt."""

import json
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.cli import load

HERE = Path(__file__).parents
cartpole, sequential_digits, evidence = (
    load(HERE[2] / "experiments" / f"{name}.py") for name in ("cartpole", "sequential_digits", "evidence_accumulation")
)
GYM = json.loads((HERE[1] / "golden" / "gymnasium_cartpole.json").read_text())["episodes"]


def swept(module, **space):
    space = module.SPACE | {"seed": snn.Seeds(1)} | {name: snn.Static(value) for name, value in space.items()}
    return snn.sweep(module.experiment, snn.product(space), key=jax.random.key(0), progress=snn.progress.Quiet())


def error(episode):
    """The largest difference to Gymnasium's states, each step from its own state before."""
    states = np.asarray(episode["states"])
    force = np.where(np.asarray(episode["actions"]) == 1, cartpole.FORCE, -cartpole.FORCE)
    pushed = jax.jit(jax.vmap(lambda state, force: cartpole.push(state, force)))(states[:-1], force)
    return np.abs(np.asarray(pushed) - states[1:]).max()


@pytest.mark.parametrize("episode", GYM)
def test_cart_and_pole_are_gymnasiums(episode, x64):
    """Every step, and the step at which an episode ends: by the angle in three, by the track in one."""
    assert error(episode) < 1e-14
    ends = ~np.asarray(jax.jit(jax.vmap(cartpole.stands))(jnp.asarray(episode["states"])))
    assert ends[-1] and not ends[:-1].any()


def test_another_pole_is_not(monkeypatch, x64):
    """Control: a pole as long as half of one that is thought to be given whole."""
    monkeypatch.setattr(cartpole, "HALF", 1.0)
    assert error(GYM[0]) > 1e-3


def test_the_world_acts_on_what_was_read(x64):
    """The drive, given read-outs that say Gymnasium's actions, goes through its episode, and counts its reward."""
    episode, pause = GYM[1], 3
    world = cartpole.CartPole(jnp.asarray(episode["states"][0]), pause, True)
    d, shown = world.init(key=jax.random.key(0)), []
    for t in range(cartpole.SETTLE + pause * (len(episode["actions"]) + 2)):
        number = min(max(t - cartpole.SETTLE, 0) // pause, len(episode["actions"]) - 1)
        right = float(episode["actions"][number])
        seen = snn.simulation.Signals({}, {"out": {"v": jnp.array([1 - right, right])}})
        d, inputs = world.step(d, jnp.int32(t), seen, key=jax.random.key(0))
        shown.append(np.asarray(inputs.arrivals["in.in"]) * cartpole.SCALE)
    np.testing.assert_allclose(d[0], episode["states"][-1], atol=1e-12)  # and stays there
    assert d[1] == len(episode["actions"])
    every = shown[cartpole.SETTLE :: pause][: len(episode["actions"])]
    np.testing.assert_allclose(every, episode["states"][1:], atol=1e-12)


def test_ranks_shape_returns():
    """Equal returns pull nowhere."""
    np.testing.assert_allclose(
        cartpole.ranks(jnp.array([3.0, 500.0, 3.0, 9.0])), [-1 / 3, 0.5, -1 / 3, 1 / 6], rtol=1e-6
    )
    np.testing.assert_allclose(cartpole.ranks(jnp.full(4, 7.0)), 0.0)


def test_balancing_is_learnt(tmp_path, monkeypatch):
    """A few generations of a few networks: the return rises far above that of networks that have learnt nothing."""
    monkeypatch.setattr(cartpole, "LONGEST", 200)
    monkeypatch.setattr(cartpole, "EXAM", 10)
    ds = swept(cartpole, pairs=16, episodes=1, generations=20)
    assert ds.course[..., :2].mean() < 80 and ds.returns.mean() > 100
    assert re.fullmatch(r"return: [\d.]+, of the worst seed [\d.]+", cartpole.summary(ds).splitlines()[-1])
    cartpole.plot(ds, tmp_path / "cartpole.png")


def test_rows_and_splits():
    """A row after the other; nothing that is tested or validated with is learnt from."""
    rows = sequential_digits.row_by_row(jnp.arange(64.0)[None], 2)
    assert rows.shape == (1, 16, 8)
    np.testing.assert_array_equal(rows[0, 4], np.arange(16, 24))
    train, test = sequential_digits.split(jnp.int32(7), "test")
    learnt, held_out = sequential_digits.split(jnp.int32(7), "validation")
    assert not {*np.asarray(train)} & {*np.asarray(test)}
    assert {*np.asarray(learnt)} | {*np.asarray(held_out)} == {*np.asarray(train)}
    assert not {*np.asarray(learnt)} & {*np.asarray(held_out)}


def test_digits_are_learnt_row_by_row(tmp_path, monkeypatch):
    """By e-prop, in four epochs of a small network: far above chance."""
    monkeypatch.setattr(sequential_digits, "ESTIMATORS", {"e-prop": sequential_digits.ESTIMATORS["e-prop"]})
    ds = swept(sequential_digits, hidden=24, epochs=4, hold=2)
    assert ds.accuracy.mean() > 0.4
    sequential_digits.plot(ds, tmp_path / "digits.png")


def test_cues_fire_their_side():
    """The inputs of a side fire at 40 Hz in its cues, those of the turn at the end, noise always, and nothing else."""
    maze = evidence.Maze(jnp.array([0, 1, 1], jnp.int32), 3)
    keys = jax.random.split(jax.random.key(1), 100)
    steps = jnp.arange(maze.steps, dtype=jnp.int32)
    of = lambda key: jax.vmap(lambda t: maze.step((), t, None, key=key)[1].arrivals["in.in"])(steps)
    rate = np.asarray(jax.jit(jax.vmap(of))(keys)).mean(axis=0).reshape(maze.steps, 4, evidence.GROUP).mean(axis=2)
    expected = np.zeros((maze.steps, 4))
    for i, side in enumerate((0, 1, 1)):
        expected[30 * i : 30 * i + 20, side] = 0.2
    expected[-30:, 2], expected[:, 3] = 0.2, 0.05
    assert np.all(np.abs(rate - expected) < 6 * np.sqrt(expected * (1 - expected) / 1000) + 1e-9)
    walk, side = evidence.mazes(jax.random.key(2), 400, 7)
    np.testing.assert_array_equal(side, walk.cues.sum(axis=1) > 3)
    assert 0.4 < side.mean() < 0.6


def test_evidence_is_a_program(monkeypatch):
    """Shapes, without running it: with the estimator that has most parts."""
    name = "e-prop, random feedback"
    monkeypatch.setattr(evidence, "ESTIMATORS", {name: evidence.ESTIMATORS[name]})
    space = {name: axis.default for name, axis in evidence.SPACE.items() if hasattr(axis, "default")}
    out = jax.eval_shape(lambda key: evidence.experiment(space | {"seed": jnp.int32(0)}, key), jax.random.key(0))
    assert out["accuracy"].shape == (1,) and out["loss"].shape == (1, space["epochs"])
