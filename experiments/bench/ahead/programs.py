"""The programs that are compiled ahead of time: sweeps, a training step and a chip's program, as users run them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, SingleDeviceSharding
from jax.sharding import PartitionSpec as P

import jaxsnn as snn
from jaxsnn.models import Forward
from jaxsnn.networks.sharding.model import AXIS, divided
from jaxsnn.networks.sharding.splitting import Divider
from jaxsnn.networks.shards import Shards
from jaxsnn.simulation.drives.base import Silence
from jaxsnn.simulation.parts import started
from jaxsnn.sweeps.compiled import Call, Layout, compiled, lower
from jaxsnn.sweeps.program import trace

from ..loihi import network as chip
from ..loihi import program as chip_program
from ..ours import EXPERIMENTS, brunel, cuba, cuba_point, load
from ..peers import training
from ..peers.training import BATCH, UNITS
from ..train import task
from .chunk import chunk

STEPS = 499  # how often the loop over the steps turns, and no other loop of a program


class Program(NamedTuple):
    """A program for one or more devices, and what its step has to move, of all points on a device."""

    lowered: jax.stages.Lowered
    points: int  # on a device
    state: float  # bytes of states, and of a slot of the ring, read and written
    events: float  # bytes of the synapses that spikes reach, and of the places where they land
    large: float  # bytes of the ring, or of the weights where those are fewer
    steps: int  # turns of the loop
    run: Callable[[], Any]
    each: int = 1  # steps a turn


def balanced(point: Any, key: Any, steps: int, sums: Any = snn.connectivity.AnyOrder()) -> dict[str, Any]:
    """The README's network with 1 000 neurons: lists of synapses, a delay for each."""
    net, drive = _balanced(point["g"], key, sums=sums)
    run = snn.simulate(net, drive, steps=steps, key=key, record={p: snn.Count(p) for p in ("E", "I")})
    return {"spikes": sum(jnp.sum(run[p]) for p in ("E", "I")), "status": run.status}


def _balanced(g: Any, key: Any, n: int = 1000, sums: Any = snn.connectivity.AnyOrder()) -> tuple[snn.Network, Any]:
    def cell(size: int) -> snn.Population:
        neuron = snn.LIF(tau=20.0, v_th=20.0, v_reset=10.0, t_ref=2.0)
        return snn.Population(neuron, size, ports={"in": snn.Delta()}, init={"v": snn.Uniform(0.0, 20.0)})

    def connect(pre: str, post: str, in_degree: int, weight: Any) -> snn.Connection:
        return snn.Connection(pre, post, snn.FixedInDegree(in_degree), weight=weight, delay=snn.Uniform(0.5, 3.0))

    net = snn.network(
        dt=0.1,
        key=key,
        order=snn.NestOrder(sums=sums),
        populations={"E": cell(n * 4 // 5), "I": cell(n // 5)},
        projections={
            "EE": connect("E", "E", 100, 0.5),
            "EI": connect("E", "I", 100, 0.5),
            "IE": connect("I", "E", 25, -0.5 * g),
            "II": connect("I", "I", 25, -0.5 * g),
        },
    )
    return net, snn.Poisson(rate=3_000.0, weight=0.5, into=("E", "I"))


def matrices(point: Any, key: Any, steps: int) -> dict[str, Any]:
    """Brunel's network of 2 500 neurons: matrices of counts."""
    net = brunel.balanced(g=point["g"], n=2500, key=key)
    drive = snn.Poisson(2.0 * 1e3 * brunel.V_TH / (brunel.J * brunel.TAU), brunel.J, into=("E", "I"), most=10.0)
    run = snn.simulate(net, drive, steps=steps, key=key, record={p: snn.Count(p) for p in ("E", "I")})
    return {"spikes": sum(jnp.sum(run[p]) for p in ("E", "I")), "status": run.status}


def _plastic(rate: Any, key: Any, n: int = 1000, fan_out: int = 100) -> tuple[snn.Network, Any]:
    cell = snn.LIF(tau=10.0, v_th=50.0, v_reset=0.0)
    ports = {"syn": snn.Exponential(5.0), "kick": snn.Delta()}
    rule = snn.chain(snn.PairSTDP(rate, rate), snn.Bound(0.0, 1e-3))
    link = snn.Connection(
        "in", "out.syn", snn.FixedOutDegree(fan_out), weight=snn.Uniform(0.0, 1e-3), delay=1.0, rule=rule
    )
    net = snn.network(
        dt=0.1,
        key=key,
        populations={"in": snn.SpikeSource(n), "out": snn.Population(cell, n, ports=ports)},
        projections={"learnt": link},
    )
    return net, snn.Poisson(5.0, into="in") + snn.Poisson(5.0, 100.0, into="out.kick")


def plastic(point: Any, key: Any, steps: int, n: int = 1000, fan_out: int = 100) -> dict[str, Any]:
    """Synapses with pair STDP at 5 Hz on both sides."""
    net, drive = _plastic(point["rate"], key, n, fan_out)
    run = snn.simulate(net, drive, steps=steps, key=key, record=snn.Count("out"))
    learnt = jnp.sum(jnp.abs(net.learned(run.state)["learnt"].weight - net["learnt"].weight))
    return {"learnt": learnt, "spikes": jnp.sum(run.record), "status": run.status}


def song(point: Any, key: Any, steps: int) -> dict[str, Any]:
    """`experiments/song2000.py`: 1 000 plastic synapses of one neuron, a matrix."""
    net = load(EXPERIMENTS / "song2000.py").neuron_and_inputs(a_plus=point["a_plus"], key=key)
    run = snn.simulate(net, snn.Poisson(15.0, into="in"), steps=steps, key=key, record=snn.Count("out"))
    return {"spikes": jnp.sum(run.record), "status": run.status}


def loihi(point: Any, key: Any, steps: int) -> dict[str, Any]:
    """1 024 cells of the chip with a matrix of synapses."""
    weights = snn.chips.loihi.Synapses("E", "E", jnp.roll(chip.weights(), point["shift"], axis=0))
    made = chip_program(weights, threshold=chip.threshold(False))
    run = snn.simulate(made, steps=steps, key=key, record=snn.Count("E"))
    return {"spikes": jnp.sum(run.record), "status": run.status}


class Size(NamedTuple):
    """How large a program is: points on a device, and steps."""

    points: int | None = None  # None: as the program has it
    steps: int = STEPS


def _sweep(
    experiment: Callable[..., Any],
    axis: dict[str, Any],
    model: Callable[[Any], Any],
    devices: list[Any],
    size: Size,
    *,
    points: int,
    event: float,
    one_seed: bool = False,
    each: int = 1,
) -> Program:
    """`model(key)` is that of a point. `event`: bytes of the synapses that its spikes reach in a step. `each`: steps a
    turn of the loop.
    """
    key, here = jax.random.key(0), size.points or points
    space = axis | {"seed": snn.Seeds(here * len(devices))}
    traced = trace(partial(experiment, steps=size.steps), space, {}, key, set(), {})
    layout = Layout(here, Mesh(np.array(devices), ("points",)), together=True, one_seed=one_seed)
    small, large = _sizes(model)
    seeds = np.zeros(here, np.int32) if one_seed else np.arange(here, dtype=np.int32)
    ((name, values),) = axis.items()
    call = Call(np.arange(here), {name: np.resize(values.points, here).astype(values.dtype)}, seeds)
    once = cache(lambda: compiled(traced, layout, key))
    run = lambda: once().run(call)
    sizes = (2 * here * small, here * event, here * large)
    return Program(lower(traced, layout, key), here, *sizes, size.steps, run, each)


def _sizes(model: Callable[[Any], Any]) -> tuple[float, float]:
    """Bytes of a state with one slot of its ring, and of the whole ring, or of weights where it has no more slots."""
    slots: list[int] = []

    def start(key: Any) -> tuple[Any, Any]:
        made = model(key)
        slots.append(made.layout.slots if isinstance(made, snn.Network) else 0)
        return made, made.init(key=key)

    made, state = jax.eval_shape(start, jax.random.key(0))
    if slots[0] < 2:
        return _nbytes(state), max(_nbytes(x) for x in jax.tree.leaves(made))
    ring = _nbytes(state.ring)
    weights = [_nbytes(own["plastic"].synapses) for own in state.projections.values() if "plastic" in own]
    return _nbytes(state) - sum(weights) - ring + ring / slots[0], min(ring, *weights) if weights else ring


def _nbytes(tree: Any) -> float:
    """Bytes of all arrays but keys."""
    arrays = [x for x in jax.tree.leaves(tree) if hasattr(x, "shape")]
    arrays = [x for x in arrays if not jnp.issubdtype(x.dtype, jax.dtypes.prng_key)]
    return float(sum(math.prod(x.shape) * x.dtype.itemsize for x in arrays))


def _training(devices: list[Any], size: Size) -> Program:
    """The gradient of `train`."""
    estimator, loss, net, inputs, labels = task()
    arrays, rest = eqx.partition((net, inputs, labels), eqx.is_array)

    def gradient(arrays: Any) -> Any:
        net, inputs, labels = eqx.combine(arrays, rest)
        value, slope = estimator.value_and_grad(loss, net, inputs, labels, key=jax.random.key(1))
        return value, slope["link"].weight

    shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), arrays)
    program = jax.jit(gradient, in_shardings=SingleDeviceSharding(devices[0]))
    run = lambda: jax.block_until_ready(program(arrays))
    sizes = (2 * 2 * 4 * BATCH * UNITS, 0.0, 4.0 * UNITS**2)
    return Program(program.lower(shapes), BATCH, *sizes, training.STEPS, run)


def _listed(spikes: float, row: float) -> float:
    """Bytes of a step's spikes along rows of a list: place, weight, and a place of the ring, read and written."""
    return spikes * row * 16


def _dense(spikes: float, row: int, number: int = 1) -> float:
    """The same along rows of a matrix, whose slot of the ring is written once."""
    return spikes * row * number + 8 * row


_SCALE = {"scale": snn.Axis(1.0, lo=0.99, hi=1.01, n=16)}


def _cuba_network(key: Any, scale: Any = 1.0) -> snn.Network:
    return cuba.network(cuba.VARIANTS["b2_cuba"], excitation=scale, inhibition=scale, key=key)[0]


def _cuba(devices: list[Any], size: Size, points: int = 16) -> Program:
    def experiment(point: Any, key: Any, steps: int) -> dict[str, Any]:
        return cuba_point(snn.compilers.XLA(), steps * cuba.DT * 1e-3)(point, key)

    return _sweep(experiment, _SCALE, _cuba_network, devices, size, points=points, event=_listed(4000 * 15e-4, 80))


def _chunked(devices: list[Any], size: Size, points: int = 64, each: int = 100) -> Program:
    """`_cuba` with a kernel for every `each` steps, interpreted on a CPU. It gives the number of all spikes."""
    interpret = devices[0].platform == "cpu"

    def experiment(point: Any, key: Any, steps: int) -> dict[str, Any]:
        net = _cuba_network(key, point["scale"])
        stepper: Any = net.prepare(Forward(fused=False))

        def turn(state: Any, k: Any) -> tuple[Any, Any]:
            state, words = chunk(stepper, state, k * each, each, interpret=interpret)
            spikes = sum(jnp.sum(lax.population_count(x).astype(jnp.int32)) for x in words.values())
            return state, spikes

        begin = started(net, Silence(), key).model
        state, spikes = lax.scan(turn, begin, jnp.arange(steps, dtype=jnp.int32))
        return {"spikes": jnp.sum(spikes), "status": net.status(state)}

    slot_and_state = 4000 * (2 * 2 * 4 + 2 * 16 / each)  # of two ports, and of four variables once a chunk
    event = each * (_listed(4000 * 15e-4, 80) + slot_and_state)
    return _sweep(experiment, _SCALE, _cuba_network, devices, size, points=points, event=event, each=each)


def _plastic_sweep(devices: list[Any], size: Size, points: int = 16, n: int = 1000, fan_out: int = 100) -> Program:
    axis = {"rate": snn.Axis(1e-5, lo=1e-6, hi=1e-4, n=16)}
    event = 2 * _listed(n * 5e-4, fan_out)  # a spike reads and writes the numbers of a row and of a column
    model = lambda key: _plastic(1e-5, key, n, fan_out)[0]
    return _sweep(partial(plastic, n=n, fan_out=fan_out), axis, model, devices, size, points=points, event=event)


def _song_sweep(devices: list[Any], size: Size, points: int = 64) -> Program:
    axis = {"a_plus": snn.Axis(0.01, lo=0.0025, hi=0.02, n=8)}
    event = _listed(1000 * 15e-4, 1) + _listed(15e-4, 1000)
    model = lambda key: load(EXPERIMENTS / "song2000.py").neuron_and_inputs(key=key)
    return _sweep(song, axis, model, devices, size, points=points, event=event)


def _loihi_sweep(devices: list[Any], size: Size) -> Program:
    axis = {"shift": snn.Whole(0, lo=0, hi=63, n=64)}
    synapses = snn.chips.loihi.Synapses("E", "E", chip.weights())
    model = lambda key: chip_program(synapses, threshold=chip.threshold(False))
    return _sweep(loihi, axis, model, devices, size, points=64, event=_dense(51, 1024, 4))


def _balanced_sweep(
    devices: list[Any], size: Size, one_seed: bool = False, sums: Any = snn.connectivity.AnyOrder()
) -> Program:
    event = _listed(1000 * 30e-4, 125)
    network = lambda key: _balanced(6.0, key)[0]
    return _sweep(partial(balanced, sums=sums), _G, network, devices, size, points=64, event=event, one_seed=one_seed)


def _brunel_sweep(devices: list[Any], size: Size, one_seed: bool = False) -> Program:
    event = _dense(2500 * 38e-4, 2500)
    network = lambda key: brunel.balanced(g=5.0, n=2500, key=key)
    return _sweep(matrices, _G, network, devices, size, points=64, event=event, one_seed=one_seed)


class _Stacked(Divider):
    """Parts of devices that are not there."""

    def put(self, part: Callable[[int], np.ndarray], dtype: Any) -> Any:
        return np.stack([np.asarray(part(i), dtype) for i in range(self.shards.number)])


def _network(devices: list[Any], size: Size) -> Program:
    """One network of 16 000 neurons a device, divided among them. A turn of the loop is an exchange, of five steps."""
    net, drive = _balanced(6.0, jax.random.key(1), 16_000 * len(devices))
    mesh = Mesh(np.array(devices), (AXIS,))
    model = divided(net, _Stacked(mesh, Shards(AXIS, len(devices))))
    assert model.exchange_every == 5
    arrays, rest = eqx.partition(model, eqx.is_array)
    steps = model.exchange_every * size.steps

    def run(arrays: Any, key: Any) -> Any:
        rate = snn.PopulationRate("E", 0.5)  # a bin an exchange
        found = snn.simulate(
            eqx.combine(arrays, rest), drive, steps=steps, chunk=steps, key=key, record=rate, throw=False
        )
        return found.record, found.status

    def shaped(where: P) -> Any:
        return lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=NamedSharding(mesh, where))

    given = eqx.tree_at(
        lambda m: (m.whole, m.parts),
        arrays,
        (jax.tree.map(shaped(P()), arrays.whole), jax.tree.map(shaped(P(AXIS)), arrays.parts)),
    )
    key = jax.eval_shape(lambda: jax.random.key(0))
    program = jax.jit(run)
    once = lambda: jax.block_until_ready(program(arrays, jax.random.key(0)))
    state = _nbytes(jax.eval_shape(lambda: net.init(key=jax.random.key(0)))) / len(devices)
    events = _listed(5 * 16_000 * len(devices) * 30e-4, 125 / len(devices))
    return Program(program.lower(given, key), 1, 2 * 5 * state, events, state, size.steps, once)


_G = {"g": snn.Axis(6.0, lo=4.0, hi=8.0, n=16)}
PROGRAMS: dict[str, Callable[[list[Any], Size], Program]] = {
    "sparse": _balanced_sweep,
    "sparse-one-graph": partial(_balanced_sweep, one_seed=True),
    "sparse-in-order": partial(_balanced_sweep, sums=snn.connectivity.Deterministic()),
    "brunel": _brunel_sweep,
    "brunel-one-graph": partial(_brunel_sweep, one_seed=True),
    "cuba": _cuba,
    "cuba-64": partial(_cuba, points=64),
    "cuba-132": partial(_cuba, points=132),
    "chunk": _chunked,
    "chunk-132": partial(_chunked, points=132),
    "plasticity": _plastic_sweep,
    "plasticity-large": partial(_plastic_sweep, points=64, n=4000, fan_out=250),
    "plasticity-one": partial(_plastic_sweep, points=1, n=4000, fan_out=250),
    "song": _song_sweep,
    "song-one": partial(_song_sweep, points=1),
    "train": _training,
    "loihi": _loihi_sweep,
    "network": _network,
}


def program(name: str, devices: list[Any], size: Size = Size()) -> Program:
    """A program on the first device; with `-sharded` behind its name, a sweep over all of them."""
    plain = name.removesuffix("-sharded")
    return PROGRAMS[plain](devices[:1] if plain == name else devices, size)
