"""Random scripts of PyNN: populations, projections, sources, recordings and changes, some with impossible numbers."""

from types import SimpleNamespace

import numpy as np
from pyNN import errors
from pyNN.parameters import Sequence

import jaxsnn.interop.pynn as sim
from tests.interop.fuzz.descriptions import pick
from tests.interop.fuzz.outcomes import said_of

ERRORS = (
    ValueError, TypeError, NotImplementedError, errors.InvalidParameterValueError, errors.NonExistentParameterError,
    errors.InvalidDimensionsError, errors.ConnectionError, errors.InvalidModelError, errors.RecordingError,
    errors.NothingToWriteError, errors.InvalidWeightError, errors.RoundingWarning,
)  # fmt: skip
CELLS = [
    "IF_curr_exp", "IF_curr_alpha", "IF_curr_delta", "IF_cond_exp", "IF_cond_alpha", "EIF_cond_exp_isfa_ista",
    "HH_cond_exp", "Izhikevich", "IF_facets_hardware1", "GIF_cond_exp", "IF_cond_exp_gsfa_grr",
]  # fmt: skip
SOURCES = ["SpikeSourceArray", "SpikeSourcePoisson", "SpikeSourceGamma", "SpikeSourcePoissonRefractory"]
NUMBERS = [0.0, -1.0, 1.0, 5.0, 20.0, -65.0, 1e-12, 1e12, 1e300, float("nan"), float("inf"), 2**31, -(2**31), 0.05]
ODD = [None, "x", [], [1.0], [1.0, 2.0, 3.0], {}, True, 1j, b"x", "i*2", lambda i: i, np.zeros((2, 2)), Sequence([1.0])]


def drawn(rng):
    """A number, an array, a distribution, a function of the cell, or none of these."""
    kind = rng.integers(0, 8)
    if kind < 4:
        return pick(NUMBERS, rng)
    if kind == 4:
        return sim.RandomDistribution("uniform", (pick(NUMBERS[:6], rng), pick(NUMBERS[:6], rng)), rng=sim.NumpyRNG(3))
    if kind == 5:
        return [pick(NUMBERS, rng) for _ in range(rng.integers(1, 6))]
    return pick(ODD, rng) if kind == 6 else "rand()*i" if rng.random() < 0.1 else lambda i: 1.0 * i


def cell(rng):
    kind = getattr(sim, pick(SOURCES if rng.random() < 0.3 else CELLS, rng))
    names = list(getattr(kind, "default_parameters", {})) or ["tau_m"]
    given = {pick(names, rng): drawn(rng) for _ in range(rng.choice([0, 0, 1, 2]))}
    if "spike_times" in names and rng.random() < 0.8:
        given["spike_times"] = pick([[0.2], [0.1, 0.2, 0.3], [], [0.3, 0.1], [-1.0], [float("nan")], [1e12]], rng)
    if rng.random() < 0.03:
        given["tau_nothing"] = 3.0
    return kind(**given)


def synapse(rng):
    weight, delay = pick([0.0, 1.0, 0.01, -1.0, drawn(rng)], rng), pick([0.1, 0.5, 1.0, drawn(rng)], rng)
    kind = rng.integers(0, 6)
    if kind == 0:
        return sim.TsodyksMarkramSynapse(
            U=drawn(rng), tau_rec=drawn(rng), tau_facil=drawn(rng), weight=weight, delay=delay
        )
    if kind == 1:
        return sim.STDPMechanism(
            sim.SpikePairRule(tau_plus=drawn(rng), A_plus=drawn(rng)), sim.AdditiveWeightDependence(w_max=drawn(rng)),
            weight=weight, delay=delay, dendritic_delay_fraction=pick([1.0, 0.0, 0.5], rng),
        )  # fmt: skip
    if kind == 2:
        return sim.SimpleStochasticSynapse(weight=weight, delay=delay, p=drawn(rng))
    return sim.StaticSynapse(weight=weight, delay=delay)


def connector(rng):
    n = [0, 1, 3, 7, -1, 10**6, 1.5]
    made = [
        lambda: sim.AllToAllConnector(allow_self_connections=pick([True, False, "NoMutual"], rng)),
        lambda: sim.OneToOneConnector(),
        lambda: sim.FixedProbabilityConnector(pick([0.0, 0.5, 1.0, 2.0, -1.0, float("nan")], rng)),
        lambda: sim.FixedNumberPreConnector(pick(n, rng)),
        lambda: sim.FixedNumberPostConnector(pick(n, rng), with_replacement=bool(rng.integers(2))),
        # PyNN loops over them in Python, half a minute for a million
        lambda: sim.FixedTotalNumberConnector(min(pick(n, rng), 10**4)),
        lambda: sim.FromListConnector(
            pick(
                [
                    [],
                    [(0, 0, 1.0, 0.1)],
                    [(0, 9, 1.0, 0.1)],
                    [(-1, 0, 1.0, 1.0)],
                    [(0, 0)],
                    [(0, 0, float("nan"), 1.0)],
                ],
                rng,
            )
        ),
        lambda: sim.ArrayConnector(np.eye(int(rng.integers(1, 5)), dtype=bool)),
        lambda: sim.DistanceDependentProbabilityConnector(pick(["d < 3", "exp(-d)", "1/d", "q"], rng)),
        lambda: sim.SmallWorldConnector(2, 0.3),
        lambda: pick(ODD, rng),
    ]
    return made[rng.integers(len(made))]()


def electrode(rng):
    made = [
        lambda: sim.DCSource(amplitude=drawn(rng), start=drawn(rng), stop=drawn(rng)),
        lambda: sim.ACSource(amplitude=drawn(rng), frequency=drawn(rng), start=0.0, stop=5.0),
        lambda: sim.StepCurrentSource(
            times=pick([[0.1, 0.2], [0.2, 0.1], [], [float("nan")]], rng), amplitudes=[0.5, -0.5]
        ),
        lambda: sim.NoisyCurrentSource(
            mean=drawn(rng), stdev=drawn(rng), start=0.0, stop=5.0, dt=pick([0.1, 0.0, 0.05], rng)
        ),
    ]
    return made[rng.integers(len(made))]()


def tried(seed):
    rng = np.random.default_rng([seed, 5])
    dt = pick([0.1, 0.1, 0.1, 0.125, 1.0, 0.0, -0.1, float("nan")], rng) if rng.random() < 0.3 else 0.1
    sim.setup(timestep=dt, min_delay=pick(["auto", 0.1, dt], rng), max_delay=pick(["auto", 5.0], rng))
    sizes = [1, 3, 3, 5, 0, -1, 2.5] if rng.random() < 0.2 else [1, 3, 5]
    cells = [sim.Population(pick(sizes, rng), cell(rng), label=f"p{i}") for i in range(rng.integers(1, 4))]
    for _ in range(rng.integers(0, 3)):
        receptor = pick(
            [None, "excitatory", "inhibitory", "nothing"] if rng.random() < 0.2 else [None, "inhibitory"], rng
        )
        sim.Projection(pick(cells, rng), pick(cells, rng), connector(rng), synapse(rng), receptor_type=receptor)
    if rng.random() < 0.3:
        electrode(rng).inject_into(pick(cells, rng))
    if rng.random() < 0.5:
        pick(cells, rng).record(pick(["spikes", "v", ["spikes", "v"], "gsyn_exc", "w", "nothing"], rng))
    if rng.random() < 0.3:
        pick(cells, rng).initialize(**{pick(["v", "w", "u", "x"], rng): drawn(rng)})
    if rng.random() < 0.3:
        some = pick(cells, rng)
        some.set(**{pick(list(some.celltype.default_parameters) or ["x"], rng): drawn(rng)})
    sim.run(2 * dt)
    for each in cells:
        each.get_data()
    running = sim.simulator.state.running_network
    return said_of(SimpleNamespace(state=None if running is None else running.state, status=0))
