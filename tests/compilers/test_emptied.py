"""A slot that has been read is emptied by the loops that read it, and spikes are looked for by words of 32."""

import jax
import numpy as np
import pytest

from jaxsnn import BrianOrder
from jaxsnn.compilers import build, loops, shapes
from jaxsnn.compilers.emptied import Slot, Slots
from jaxsnn.compilers.memory import Memory, Root
from jaxsnn.compilers.program import Value
from tests.compilers.test_turned import network, outcome
from tests.simulation.toys import assert_same


def test_bits_are_packed_where_spikes_are_found(monkeypatch):
    """32 neurons at a time, with the same bits as by a loop of its own, which is the control."""
    texts, target = [], build.target
    monkeypatch.setattr(build, "target", lambda text, *more: texts.append(text) or target(text, *more))
    jax.clear_caches()
    net = network(BrianOrder(), sizes=(96, 64))
    ours = outcome(net, 150)
    jax.clear_caches()
    monkeypatch.setattr(shapes, "expect_words", lambda *args: None)
    plain = outcome(net, 150)
    assert_same(ours, plain)
    blocks, apart = (text.partition("static void run")[2].count("bits_f32(") for text in texts)
    assert blocks > apart > 0 and "i < block + 32" in texts[0] and "i < block + 32" not in texts[1]


def test_a_ring_is_emptied_by_its_readers(monkeypatch):
    """With the same bits as by a loop of its own, which is the control: there is one, and it costs a pass."""
    filled, texts = [], []
    own, target = Slots.filled_by, build.target
    monkeypatch.setattr(build, "target", lambda text, *more: texts.append(text) or target(text, *more))
    monkeypatch.setattr(Slots, "filled_by", lambda *args: filled.extend(found := own(*args)) or found)
    net = network(BrianOrder())
    ours = outcome(net, 150)
    jax.clear_caches()
    monkeypatch.setattr(Slots, "filled_by", lambda *args: [])
    plain = outcome(net, 150)
    assert_same(ours, plain)
    by_readers, apart = texts
    assert filled and all(line.endswith("[i] = (0x0.0p+0f);") and line in by_readers for line in filled)
    assert not any(line in apart for line in filled) and np.sum(ours[0]["spikes"]) > 50
    assert "first_word(m" in by_readers.partition("static void run")[2]


@pytest.mark.parametrize(
    ("done", "rest"),
    [
        ([], [(0, 100)]),
        ([(0, 100)], []),
        ([(60, 100), (0, 20)], [(20, 60)]),
        ([(10, 30), (30, 90)], [(0, 10), (90, 100)]),
    ],
)
def test_what_is_left_of_a_slot(done, rest):
    assert loops.rest(done, 100) == rest


@pytest.mark.parametrize(
    ("pointer", "part"),
    [
        ("(ring + p7)", (0, 8)),
        ("((ring + p7) + 40)", (40, 48)),
        ("ring", None),
        ("((ring + p7) + p9)", None),
        (None, None),
    ],
)
def test_where_a_pointer_points(pointer, part):
    """What cannot be told is not emptied."""
    slot = Slot(Value((200,), np.dtype(np.float32)), Memory("(ring + p7)", Root(800, "ring")), 100, 5, "0")
    assert slot.part(pointer, 8) == part
