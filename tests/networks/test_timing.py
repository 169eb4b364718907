"""When things arrive: delays exact to the step and around the ring, same-step edges, synapses that share a pair."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn

DT, STEPS, LONGEST = 0.1, 40, 6
FED = np.isin(np.arange(STEPS), (0, 1, 7, 13, 29))  # at the start, in a row, and on all sides of a ring of 7 slots
SINK = snn.LI(tau=1e-4)  # `v` is what arrived in the step, in either order


def traces(populations, links, *, order=None, into="A", key=jax.random.key(0)):
    """`v` of every population, driven by `FED` into neuron 0."""
    net = snn.network(dt=DT, key=key, order=order, populations=populations, projections=links)
    raster = np.zeros((STEPS, net.sizes[into]))
    raster[:, 0] = FED
    drive = snn.Replay(jnp.asarray(raster), into=into)
    record = {name: snn.Trace(f"{name}.v") for name in populations}
    run = snn.simulate(net, drive, steps=STEPS, key=jax.random.key(0), record=record, progress=snn.progress.Quiet())
    return {name: np.asarray(v) for name, v in run.record.items()}


def later(train, steps):
    return np.concatenate([np.zeros(steps), train])[: len(train)]


@pytest.mark.parametrize("order", [snn.NestOrder(), snn.BrianOrder()], ids=repr)
@pytest.mark.parametrize("via", [snn.Sparse(), snn.Dense()], ids=repr)
def test_a_spike_arrives_after_exactly_its_delay(order, via):
    """Delays 1 .. D (0 .. D in Brian2's order), one a synapse, and one a projection, wherever the ring stands."""
    delays = np.arange(order.shortest_delay, LONGEST + 1)
    n = len(delays)
    links = {
        "each": snn.Connection("A", "B", snn.AllToAll(), via=via, delay=delays[None] * DT, weight=np.arange(1.0, n + 1))
    }
    links["all"] = snn.Connection("A", "C", snn.AllToAll(), via=via, delay=LONGEST * DT, weight=3.0)
    seen = traces(
        {"A": snn.SpikeSource(1), "B": snn.Population(SINK, n), "C": snn.Population(SINK, 1)}, links, order=order
    )
    sent = later(FED, 1 if isinstance(order, snn.BrianOrder) else 0)  # a source sends what arrived before its threshold
    assert np.array_equal(seen["A"][:, 0], sent)
    for i, delay in enumerate(delays):
        assert np.array_equal(seen["B"][:, i], (i + 1) * later(sent, delay))
        assert not np.array_equal(seen["B"][:, i], (i + 1) * later(sent, delay + 1))  # negative control
    assert np.array_equal(seen["C"][:, 0], 3.0 * later(sent, LONGEST))


def test_same_step_edges_pass_through_three_layers_in_one_step():
    """Populations run along the edges, whatever their names; a delay of a step on one edge shows as one step."""
    layers = {"Z": snn.SpikeSource(2), "M": snn.SpikeSource(2), "A": snn.SpikeSource(2), "K": snn.Population(SINK, 2)}
    swap = np.array([[0.0, 2.0], [1.0, 0.0]])

    def chain(delay):
        return traces(
            layers,
            {
                "1": snn.Connection("Z", "M", snn.AllToAll(), via=snn.Dense(), weight=swap),
                "2": snn.Connection("M", "A", snn.OneToOne(), weight=3.0, delay=delay),
                "3": snn.Connection("A", "K", snn.AllToAll(), weight=swap),
            },
            into="Z",
        )["K"]

    assert np.array_equal(chain(None), np.outer(FED, [6.0, 0.0]))
    assert np.array_equal(chain(DT), np.outer(later(FED, 1), [6.0, 0.0]))


def test_multapses_add_up_and_an_autapse_is_heard():
    """Two synapses of a pair count twice, held as a list or as a matrix, with one weight or one each."""
    some = snn.FromArrays([0, 0, 0], [0, 1, 1])
    links = {
        "a": snn.Connection("A", "B", some, delay=0.2, weight=5.0),
        "b": snn.Connection("A", "C", some, delay=0.2, weight=5.0, via=snn.Dense()),
        "c": snn.Connection("A", "D", some, delay=0.2, weight=np.array([1.0, 2.0, 4.0])),
        "d": snn.Connection("A", "E", some, delay=0.2, weight=np.array([1.0, 2.0, 4.0]), via=snn.Dense()),
        "e": snn.Connection("F", "F", snn.OneToOne(), delay=0.3, weight=0.5),
        "f": snn.Connection("A", "F", snn.AllToAll(), weight=np.array([[1.0, 0.0]])),
    }
    sinks = {name: snn.Population(SINK, 2) for name in "BCDE"}
    seen = traces({"A": snn.SpikeSource(1), **sinks, "F": snn.SpikeSource(2)}, links)
    for name in "BC":
        assert np.array_equal(seen[name], np.outer(later(FED, 2), [5.0, 10.0]))
    for name in "DE":
        assert np.array_equal(seen[name], np.outer(later(FED, 2), [1.0, 6.0]))
    echo = np.zeros(STEPS)
    for k in range(STEPS):  # to itself: half of what it sent three steps ago
        echo[k] = FED[k] + (0.5 * echo[k - 3] if k >= 3 else 0.0)
    assert np.allclose(seen["F"], np.outer(echo, [1.0, 0.0]), rtol=1e-6)


def test_a_traced_delay_is_exact_within_max_delay():
    """Swept delays, and delays set afterwards: one program, every value to the step; too long a one sets a bit."""

    def arrivals(delay):
        links = {"p": snn.Connection("A", "B", snn.AllToAll(), delay=1.0, max_delay=1.0)}
        populations = {"A": snn.SpikeSource(1), "B": snn.Population(SINK, 1)}
        net = snn.network(dt=DT, key=jax.random.key(0), populations=populations, projections=links)
        drive = snn.Replay(jnp.asarray(FED[:, None]), into="A")
        net = snn.set(net, "p.delay", delay)
        run = snn.simulate(net, drive, steps=STEPS, key=jax.random.key(0), record=snn.Trace("B.v"))
        return run.record[:, 0], run.status

    delays = jnp.array([1, 4, 10, 11, 0])
    seen, status = jax.jit(jax.vmap(arrivals))(delays)
    for delay, train in zip([1, 4, 10], seen, strict=False):
        assert np.array_equal(train, later(FED, delay))
    assert np.array_equal(status, [0, 0, 0, snn.Status.DELAY_RANGE, snn.Status.DELAY_RANGE])


# --- delays that are too long -----------------------------------------------------------------------------------------


def delayed(ms, **more):
    """A network of ten neurons with one delay; nothing of its length is made."""
    link = snn.Connection("E", "E", snn.AllToAll(), delay=ms, **more)
    cell = snn.Population(SINK, 10)
    return snn.network(dt=DT, key=jax.random.key(0), populations={"E": cell}, projections={"p": link})


@pytest.mark.parametrize(
    ("ms", "message"),
    [
        (1e9, r"delay = 1e\+09 ms, which is 10000000000 steps of dt = 0.1 ms, more than 2147483647"),
        (2e7, r"200000001 slots of 10 arrivals, 2e\+09 in all, and there is room for 1073741824"),
        (snn.Uniform(0.1, 1e12), r"delays of up to 1e\+12 ms are \d+ steps, more than 2147483647; give max_delay"),
        (np.nan, r"delay = nan ms, expected a finite number"),
    ],
    ids=repr,
)
def test_delays_without_end_are_refused(ms, message):
    with pytest.raises(ValueError, match=message):
        delayed(ms)


def test_long_delays_are_warned_about_before_memory_is_taken(recwarn, monkeypatch):
    delayed(100.0)
    assert not recwarn.list
    with pytest.warns(UserWarning, match=r"3e\+06 ms in projection 'p', is 30000000 steps.* 1.12 GiB"):
        delayed(3e6)
    monkeypatch.setattr(sys.modules["jaxsnn.networks.layout"], "available", lambda: 2**31)
    with pytest.raises(ValueError, match=r"1.12 GiB, twice; there are 2 GiB. Shorten the delay"):
        delayed(3e6)
