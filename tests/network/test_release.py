"""Releases in networks: what travels is the amplitude of the spike that leaves, over any edge and in both orders."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from tests.refused import refused
from tests.simulate.toys import assert_same, differ

DT, STEPS, N = 0.1, 300, 5
KEY = jax.random.key(4)
RASTER = np.random.default_rng(6).random((STEPS, N)) < 0.04
RASTER[0] = False
DEPRESSING = dict(U=0.5, tau_rec=8.0, tau_fac=0.0)
FACILITATING = dict(U=np.linspace(0.1, 0.3, N), tau_rec=2.0, tau_fac=20.0)  # every sender another one


def released(train, U, tau_rec, tau_fac):
    """What one sender releases at each of its spikes, from spike to spike (Maass and Markram): amplitudes by step."""
    out, x, u, last = np.zeros(STEPS), 1.0, 0.0, None
    for k in np.flatnonzero(train):
        if last is None:
            u = U
        else:
            h = (k - last) * DT
            x = 1.0 + (x - x * u - 1.0) * np.exp(-h / tau_rec)
            u = U + (u * (1.0 - U) * np.exp(-h / tau_fac) if tau_fac else 0.0)
        out[k], last = u * x, k
    return out


def expected(raster, numbers):
    columns = [{name: np.broadcast_to(v, N)[i] for name, v in numbers.items()} for i in range(N)]
    return np.stack([released(raster[:, i], **numbers) for i, numbers in enumerate(columns)], axis=1)


WEIGHT = np.random.default_rng(7).integers(-16, 17, (N, 4)) / 8
DELAYS = {  # by name: ms, and steps for each pair
    "one": (1.5, np.full((N, 4), 15)),
    "each": (DT * (1 + np.arange(N * 4).reshape(N, 4) % 9), 1 + np.arange(N * 4).reshape(N, 4) % 9),
    "none": (None, np.zeros((N, 4), int)),
}


def arrivals(amplitudes, delay):
    out = np.zeros((STEPS, 4))
    for k, i in zip(*np.nonzero(amplitudes)):
        for j in range(4):
            if k + delay[i, j] < STEPS:
                out[k + delay[i, j], j] += amplitudes[k, i] * WEIGHT[i, j]
    return out


def links(via, order=None):
    """Static, depressing and facilitating synapses beside each other, over every kind of edge."""
    made, populations = {}, {"S": snn.Source(N)}
    for kind, release in RELEASES.items():
        for name, (delay, _) in DELAYS.items():
            if name == "none" and isinstance(order, snn.BrianOrder):
                continue
            made[f"{kind} {name}"] = snn.Link(
                "S", f"at {kind} {name}", snn.AllToAll(), via=via, weight=WEIGHT, delay=delay, release=release()
            )
            populations[f"at {kind} {name}"] = snn.Population(snn.LI(tau=1e-4), 4)  # `v` is what arrived
    return snn.network(dt=DT, key=KEY, populations=populations, projections=made, order=order)


RELEASES = {
    "static": lambda: None,
    "depressing": lambda: snn.TsodyksMarkram(**DEPRESSING),
    "facilitating": lambda: snn.TsodyksMarkram(**FACILITATING),
}


@pytest.mark.parametrize("order", [snn.NestOrder(), snn.BrianOrder()], ids=["nest", "brian2"])
@pytest.mark.parametrize("via", [snn.Sparse(), snn.Dense()], ids=["sparse", "dense"])
def test_what_is_released_arrives(via, order, x64):
    """Sparse and dense, one delay, one each or none, three releases out of one population: against brute force."""
    net = links(via, order)
    record = {name: snn.Trace(f"{name}.v") for name in net.populations if name != "S"}
    drive = snn.Replay(jnp.asarray(RASTER), into="S")
    seen = snn.simulate(net, drive, steps=STEPS, key=KEY, record=record, progress=snn.Quiet()).record
    sent = np.roll(RASTER, 1, axis=0) if isinstance(order, snn.BrianOrder) else RASTER  # see `Source`
    by_kind = {
        "static": sent.astype(float),
        "depressing": expected(sent, DEPRESSING),
        "facilitating": expected(sent, FACILITATING),
    }
    assert np.abs(by_kind["depressing"] - 0.5 * sent).max() > 0.2 and by_kind["facilitating"].max() > 0.45
    for name, v in seen.items():
        kind, which = name.split()[1:]
        np.testing.assert_allclose(v, arrivals(by_kind[kind], DELAYS[which][1]), rtol=0, atol=1e-12)
        late = arrivals(by_kind[kind], DELAYS[which][1] + 1)
        assert np.abs(v - late).max() > 0.1  # control: a step later


# --- law (f): bit for bit ---------------------------------------------------------------------------------------------


def recurrent(U=0.4, tau_rec=60.0, seed=0, via=None, steps=STEPS, **how):
    """Noisy neurons with depressing synapses among them, facilitating ones out, in float32."""
    cell = snn.LIF(tau=10.0, v_th=10.0, t_ref=1.0, noise=2.0, bias=9.0)
    net = snn.network(
        dt=DT,
        key=jax.random.key(seed),
        populations={"E": snn.Population(cell, 20), "O": snn.Population(snn.LI(), 3)},
        projections={
            "EE": snn.Link(
                "E",
                "E",
                snn.FixedProb(0.3, most=0.5),
                via=snn.Sparse() if via is None else via,
                weight=2.0,
                delay=1.0 if via else snn.Uniform(0.1, 2.0),
                release=snn.TsodyksMarkram(U, tau_rec, 5.0),
            ),
            "EO": snn.Link("E", "O", snn.AllToAll(), release=snn.TsodyksUzielMarkram(U, 2.0, tau_rec, 50.0)),
        },
    )
    record = {"v": snn.Trace("O.v"), "u": snn.Trace("EE.release.u"), "y": snn.Trace("EO.release.y")}
    return snn.simulate(net, steps=steps, key=KEY, record=record, chunk=100, progress=snn.Quiet(), **how)


def test_split_batched_or_alone():
    """A run in two parts, inside `jit` and as a point of a batch: the same numbers."""
    whole = recurrent()
    assert np.ptp(whole["u"]) > 0.3 and np.ptp(whole["y"]) > 0.05
    first = recurrent(steps=100)
    second = recurrent(steps=STEPS - 100, state=first.state)
    assert_same({name: np.concatenate([first[name], second[name]]) for name in whole.record}, whole.record)
    assert_same(second.state.dynamics.projections, whole.state.dynamics.projections)

    points = {"U": jnp.array([0.4, 0.2, 0.7]), "tau_rec": jnp.array([60.0, 20.0, 100.0]), "seed": jnp.arange(3)}
    record = lambda point: recurrent(**point).record
    batch = jax.jit(jax.vmap(record))(points)
    alone = [jax.jit(record)(jax.tree.map(lambda x, i=i: x[i], points)) for i in range(3)]
    for i in range(3):
        assert_same(jax.tree.map(lambda x, i=i: x[i], batch), alone[i])
    assert_same(alone[0], whole.record)
    assert differ(alone[0], alone[1])


def test_dense_is_sparse_with_release():
    """Recurrent and spiking: held as a matrix or as a list, the same to the rounding of sums."""
    dense = recurrent(via=snn.Dense()).record
    sparse = recurrent(via=snn.Sparse(capacity=20)).record
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), dense, sparse)


# --- what is refused, swept, set --------------------------------------------------------------------------------------


def one(release, **how):
    link = snn.Link("S", "S", snn.OneToOne(), delay=DT, release=release, **how)
    return snn.network(dt=DT, key=KEY, populations={"S": snn.Source(N)}, projections={"p": link})


def test_bad_releases_are_refused():
    with refused("Link.release is 0.5", "expected None or a release such as TsodyksMarkram()"):
        one(0.5)
    with refused("Projection 'p'", "TsodyksMarkram has shape (3,)", f"expected () or ({N},)"):
        one(snn.TsodyksMarkram(np.ones(3)))
    with refused("TsodyksMarkram.U is 1.5", "at most 1"):
        snn.TsodyksMarkram(1.5)
    with refused("TsodyksUzielMarkram.tau_psc is 0.0 ms", "more than 0"):
        snn.TsodyksUzielMarkram(tau_psc=0.0)
    with refused("'p.release.w'", "p.release has no 'w'", "it has u, x, z"):
        snn.simulate(one(snn.TsodyksMarkram()), steps=1, key=KEY, record=snn.Trace("p.release.w"))


def test_numbers_of_a_release_can_be_set():
    """And one that is out of its bounds while it is traced sets a bit of the status."""
    net = snn.set(one(snn.TsodyksMarkram()), "p.release.tau_rec", 3.0)
    assert net["p"].release.tau_rec == 3.0

    def status(tau):
        return snn.simulate(one(snn.TsodyksMarkram(tau_rec=tau)), steps=1, key=KEY).status

    assert jax.jit(jax.vmap(status))(jnp.array([1.0, 0.0])).tolist() == [0, snn.Status.PARAMETER_RANGE]
