"""Law (g) for plasticity: by spikes == densely == brute force, in lists and matrices, with delays on either side;
and so are the forms of accelerators, rounds of a batch and the kernel of a GPU, which is interpreted here.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.connectivity.graph import DenseGraph, SparseGraph, row_starts
from jaxsnn.connectivity.ring import Ring
from jaxsnn.plasticity import apply, gpu, in_rounds
from jaxsnn.plasticity.plastic import Cells, Plastic
from jaxsnn.plasticity.synapse_index import synapse_index
from tests.elsewhere import as_accelerators
from tests.plasticity.brute import brute_force
from tests.plasticity.rules import LAZY, RULES, voltages

N_PRE, N_POST, STEPS, DT = 7, 5, 50, 1.0
CHOICES = {
    "nest": dict(sends=snn.plasticity.WeightAfterUpdate(), coincident_pairs=snn.plasticity.CoincidentIgnored()),
    "brian": dict(sends=snn.plasticity.WeightBeforeUpdate(), coincident_pairs=snn.plasticity.PreBeforePost()),
}


class Case:
    """Random synapses, delays and spikes. A list has padding at its end; a matrix may have gaps."""

    def __init__(self, held, delays, seed=0):
        self.rng = rng = np.random.default_rng(seed)
        if held == "list":
            pre, post = np.sort(rng.integers(0, N_PRE, 18)), rng.integers(0, N_POST, 18)
            padded = (jnp.asarray(np.r_[x, [end] * 2], jnp.int32) for x, end in ((pre, N_PRE), (post, 0)))
            start, post_padded = row_starts(next(padded), N_PRE), next(padded)
            self.graph = SparseGraph(start, post_padded, N_PRE, N_POST, 3)
        else:
            count = None if held == "matrix" else jnp.asarray(rng.integers(0, 2, (N_PRE, N_POST)), jnp.int8)
            self.graph = DenseGraph(count, N_PRE, N_POST)
            pre, post = np.nonzero(np.ones((N_PRE, N_POST)) if count is None else np.asarray(count))
        self.pairs = list(zip(pre, post))
        shape = self.graph.shape
        real = np.ones(shape, bool) if held != "gaps" else np.asarray(self.graph.count) > 0
        self.w0 = np.where(real, rng.uniform(0.2, 0.8, shape), 0.0)
        each = delays == "each"
        self.axonal = rng.integers(0, 4, shape) if each else np.full((), 2)
        self.dendritic = rng.integers(1, 4, shape) if each else np.full((), 1)
        self.pre, self.post = ((rng.random((STEPS, n)) < 0.15).astype(float) for n in (N_PRE, N_POST))
        self.pre_v, self.post_v = voltages(rng, STEPS, N_PRE), voltages(rng, STEPS, N_POST)
        self.reward = rng.normal(0.2, 0.3, STEPS)

    def of_pairs(self, x):
        """What belongs to the synapses that there are."""
        x = np.broadcast_to(x, self.graph.shape)
        if x.ndim == 1:
            return x[: len(self.pairs)]
        return x[tuple(np.transpose(self.pairs))]

    def expected(self, chain):
        """Weights after every step, and what arrives in every step at every receiving neuron."""
        axonal, dendritic = self.of_pairs(self.axonal), self.of_pairs(self.dendritic)
        v = np.asarray(self.pre_v), np.asarray(self.post_v)
        given = self.of_pairs(self.w0), self.pre, self.post, *v, axonal, dendritic, DT
        w, sent = brute_force(chain, self.pairs, *given)
        arrived = np.zeros((STEPS + 4, N_POST))
        for k in range(STEPS):
            for s, (_, j) in enumerate(self.pairs):
                arrived[k + dendritic[s], j] += sent[k, s]
        return w, arrived[:STEPS]

    def found(self, chain, *, late=0):
        """The same by the library."""
        run, given = self.program(chain, late=late)
        return self.seen(*jax.jit(run)(*given))

    def program(self, chain, *, late=0):
        """The run of the library, and its arguments: weights, the time, the spikes, and the rest."""
        delays = (jnp.asarray(x, jnp.int32) for x in (self.axonal, self.dendritic + late))
        plastic = Plastic(chain, synapse_index(self.graph, *delays, (4, 4 + late)), DT)
        ring = Ring(5 + late, N_POST)
        silent = [Cells(jnp.zeros(n), v[0]) for n, v in ((N_PRE, self.pre_v), (N_POST, self.post_v))]

        def step(carry, x):
            state, buffer = carry
            t, pre, post, pre_v, post_v, reward = x
            arrived, buffer = ring.take(buffer, t)
            cells = Cells(pre, pre_v), Cells(post, post_v)
            state, buffer = plastic.step(state, buffer, apply.Columns(ring, 0), t, *cells, {"reward": reward})
            return (state, buffer), (plastic.view(state, self.graph.shape)["weight"], arrived)

        def run(w0, *xs):
            return jax.lax.scan(step, (plastic.start(w0, *silent), ring.empty(float)), xs)[1]

        steps = jnp.arange(STEPS, dtype=jnp.int32)
        xs = (self.pre, self.post, self.pre_v, self.post_v, self.reward)
        return run, (jnp.asarray(self.w0), steps, *map(jnp.asarray, xs))

    def seen(self, w, arrived):
        """Weights of the synapses that there are, and arrivals."""
        return np.stack([self.of_pairs(x) for x in np.asarray(w)]), np.asarray(arrived)


def densely(monkeypatch):
    monkeypatch.setattr(apply, "event_driven", lambda plain, cpu, accelerator: plain)


def assert_near(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-13)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", RULES)
def test_every_rule(name, monkeypatch):
    """On a list with a delay of its own on either side of each synapse."""
    chain = snn.chain(*RULES[name](1.0), **CHOICES["nest"])
    case = Case("list", "each")
    expected = case.expected(chain)
    assert np.abs(expected[0][-1] - expected[0][0]).max() > 0.02  # there is something to see
    assert_near(case.found(chain), expected)
    densely(monkeypatch)
    assert_near(case.found(chain), expected)


LAYOUTS = [
    ("list", "one", "brian"),
    ("matrix", "one", "nest"),
    ("matrix", "each", "brian"),
    ("gaps", "one", "brian"),
    ("gaps", "each", "nest"),
]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("held", "delays", "choices"), LAYOUTS)
def test_every_layout(held, delays, choices, monkeypatch):
    chain = snn.chain(*RULES["pair"](1.0), **CHOICES[choices])
    case = Case(held, delays, seed=1)
    expected = case.expected(chain)
    by_spikes = case.found(chain)
    assert_near(by_spikes, expected)
    densely(monkeypatch)
    assert_near(case.found(chain), expected)
    other = snn.chain(chain, **CHOICES["brian" if choices == "nest" else "nest"])
    with pytest.raises(AssertionError):  # control: the other order of events
        assert_near(by_spikes, case.expected(other))


@pytest.mark.usefixtures("x64")
def test_a_step_later():
    """Control: a dendritic delay of one step more is seen."""
    chain = snn.chain(*RULES["pair"](1.0), **CHOICES["nest"])
    case = Case("list", "each")
    with pytest.raises(AssertionError):
        assert_near(case.found(chain, late=1), case.expected(chain))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", LAZY)
def test_what_is_made_up_for(name, monkeypatch):
    """What acts between events, and in every step: by spikes or densely."""
    chain = snn.chain(*LAZY[name](1.0), **CHOICES["nest"])
    case = Case("gaps" if name in ("scaling", "normalise") else "list", "one", seed=2)
    by_spikes = case.found(chain)
    densely(monkeypatch)
    assert_near(by_spikes, case.found(chain))
    assert np.abs(by_spikes[0][-1] - by_spikes[0][0]).max() > 0.02


# --- accelerators -----------------------------------------------------------------------------------------------------


@pytest.fixture
def accelerators(monkeypatch):
    """A function from which on accelerators' programs run, by rounds of two events or by the kernel."""
    for name, value in (("_FEW", 0), ("_EVENTS", 2), ("_SYNAPSES", 0)):
        monkeypatch.setattr(in_rounds, name, value)
    monkeypatch.setattr(gpu, "apply_events", functools.partial(gpu.apply_events, interpret=True))

    def choose(form):
        as_accelerators(monkeypatch)
        monkeypatch.setattr(in_rounds, "_applied", in_rounds._on_gpu if form == "kernel" else in_rounds._in_rounds)

    return choose


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", RULES)
def test_every_rule_in_rounds(name, accelerators):
    accelerators("rounds")
    chain, case = snn.chain(*RULES[name](1.0), **CHOICES["nest"]), Case("list", "each")
    assert_near(case.found(chain), case.expected(chain))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("form", ["rounds", "kernel"])
@pytest.mark.parametrize(("held", "delays", "choices"), LAYOUTS)
def test_every_layout_on_accelerators(held, delays, choices, form, accelerators):
    accelerators(form)
    chain, case = snn.chain(*RULES["pair"](1.0), **CHOICES[choices]), Case(held, delays, seed=1)
    assert_near(case.found(chain), case.expected(chain))
    other = snn.chain(chain, **CHOICES["brian" if choices == "nest" else "nest"])
    with pytest.raises(AssertionError):  # control: the other order of events
        assert_near(case.found(chain), case.expected(other))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("form", ["rounds", "kernel"])
def test_a_batch_on_accelerators(form, accelerators):
    """Each instance has its own spikes and weights, with numbers of a modifier beside them; what it costs is the most
    that any of them has."""
    chain = snn.chain(*LAZY["modulate"](1.0), **CHOICES["nest"])
    cases = [Case("list", "one", seed=2) for _ in range(3)]  # one graph
    for k, case in enumerate(cases):
        case.pre, case.w0 = np.roll(case.pre, 3 * k, axis=0) * (k != 1), case.w0 * (1.0 - 0.1 * k)
    alone = [case.found(chain) for case in cases]  # of a CPU
    accelerators(form)
    (run, _), given = cases[0].program(chain), [case.program(chain)[1] for case in cases]
    axes = tuple(0 if k in (0, 2) else None for k in range(len(given[0])))
    several = [jnp.stack(x) if axis == 0 else x[0] for x, axis in zip(zip(*given, strict=True), axes, strict=True)]
    w, arrived = jax.jit(jax.vmap(run, axes))(*several)
    for k, case in enumerate(cases):
        assert_near(case.seen(w[k], arrived[k]), alone[k])
    with pytest.raises(AssertionError):  # control
        assert_near(cases[0].seen(w[0], arrived[0]), alone[2])


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["scaling", "normalise", "each step"])
def test_what_is_made_up_for_on_accelerators(name, accelerators):
    chain = snn.chain(*LAZY[name](1.0), **CHOICES["nest"])
    case = Case("list" if name == "each step" else "gaps", "one", seed=2)
    one_by_one = case.found(chain)
    accelerators("rounds")
    assert_near(case.found(chain), one_by_one)
    assert np.abs(one_by_one[0][-1] - one_by_one[0][0]).max() > 0.02
