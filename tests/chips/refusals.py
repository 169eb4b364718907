"""What every chip does with what it is given: networks to lower, kinds of somebody's own, and what all chips refuse."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn as snn
from jaxsnn.plasticity.base import AbstractModifier, AbstractRule
from tests.laws.registry import PORTS, RELEASES
from tests.refused import refused

KEY = jax.random.key(4)
DT, SENDERS, N = 0.1, 12, 5


def network(*, cells=None, links=None, order=None, dt=DT, n=N):
    """An input, and populations that are each fed by it."""
    cells = {"E": snn.LIF()} if cells is None else cells
    cells = {k: x if isinstance(x, snn.Population) else snn.Population(x, n) for k, x in cells.items()}
    weight = jnp.asarray(np.random.default_rng(1).integers(-4, 9, (SENDERS, n)) / 8, jnp.float32)
    into = lambda name: snn.Connection("in", name, snn.AllToAll(), via=snn.Dense(), weight=weight, delay=1.0)
    links = {f"to {name}": into(name) for name in cells} if links is None else links
    cells = {"in": snn.SpikeSource(SENDERS), **cells}
    return snn.network(dt=dt, key=KEY, populations=cells, projections=links, order=order)


def taken(net, target):
    """Why a chip does not take a network, in one line; None if it does."""
    try:
        snn.lowering.read(net, target)
    except ValueError as error:
        assert "\n" not in str(error)
        return str(error)


def link(**more):
    """A projection from the input to "E"."""
    return snn.Connection("in", "E", snn.AllToAll(), weight=0.5, delay=1.0, **more)


# --- what is asked of every chip --------------------------------------------------------------------------------------


def refuses_ports(target, neuron, has, said):
    """Of all ports those named in `has` are taken; each other is refused with `said`, or with its name and `said`."""
    for name, port in PORTS.items():
        cell = snn.Population(neuron, N, ports={"in": port(1.0)})
        why = taken(network(cells={"E": cell}, links={"S": link(via=snn.Dense())}), target)
        if name in has:
            assert why is None, why
        else:
            assert why is not None and "'E'" in why and said.format(type(port(1.0)).__name__) in why, (name, why)


def refuses_releases_and_modules(target, cell):
    for release in RELEASES.values():
        why = taken(network(cells={"E": cell}, links={"S": link(release=release(1.0))}), target)
        assert why is not None and "'S' has a release" in why
    for module in (eqx.nn.Linear(SENDERS, N, key=jax.random.key(1)), eqx.nn.Conv1d(1, 1, 8, key=jax.random.key(2))):
        shape = None if isinstance(module, eqx.nn.Linear) else (1, SENDERS)
        layer = snn.Connection("in", "E", via=snn.Layer(module, shape))
        assert "'S' goes through a Layer" in taken(network(cells={"E": cell}, links={"S": layer}), target)


def refuses_rules(target, cell, has=(), said="frozen()"):
    """Of all chains of a rule and a bound, and of pairs and a modifier, those named in `has` are taken."""
    assert [getattr(snn.plasticity, name) for name in snn.plasticity.__all__]  # a room imports what is asked for
    pair, bound = snn.PairSTDP(), snn.Bound(0.0, 1.0)
    rules = [snn.chain(rule, bound) for rule in below(AbstractRule)]
    rules += [snn.chain(pair, part) for part in below(AbstractModifier)]
    assert len(rules) > 10
    for rule in rules:
        why = taken(network(cells={"E": cell}, links={"S": link(rule=rule)}), target)
        if tuple(type(part).__name__ for part in rule.parts) in has:
            assert why is None, why
        else:
            assert why is not None and "'S'" in why and said in why, why


def refuses_orders(target, cell):
    """An order of events that does not say when arrivals act; one that does is taken."""
    for order in (Own(), MyBrianOrder()):
        with refused(type(order).__name__, "does not declare where in a step arrivals act"):
            snn.lower(network(cells={"E": cell}, order=order), target)
    assert taken(network(cells={"E": cell}, order=Declared()), target) is None


def below(kind):
    """Every class of the package below one that can be made without arguments; of rooms that have been imported."""
    for each in kind.__subclasses__():
        yield from below(each)
        if each.__module__.startswith("jaxsnn.") and not each.__abstractmethods__:
            try:
                yield each()
            except (TypeError, ValueError):
                continue


# --- what changes what a kind does is another kind --------------------------------------------------------------------


class Own(snn.NestOrder):
    """NEST's order, but for its step."""

    def step(self, net, state, inputs, t, key):
        return super().step(net, state, inputs, t, key)


class MyBrianOrder(Own):
    """Named like Brian2's."""

    def step(self, net, state, inputs, t, key):
        return super().step(net, state, inputs, t, key)


class Declared(Own):
    """Says what it is."""

    arrivals = snn.NestOrder.arrivals


class Named(snn.LIF):
    """Another name, and nothing else."""


class Slower(snn.LIF):
    """Another membrane."""

    def advance(self, s, current, dt, *, noise=None):
        return super().advance(s, current, dt / 2, noise=noise)


class Louder(snn.Exponential):
    """Another current."""

    def receive(self, s, arrivals):
        return super().receive(s, 2 * arrivals)


class Halfway(snn.resets.ToValue):
    """Another reset."""

    def __call__(self, v, spike, v_th, v_reset):
        return super().__call__(v, spike, v_th, v_reset)

    def _through(self, spike):
        return 0.5 * spike


class Below(snn.thresholds.AbstractComparator):
    """Another comparison."""

    def __call__(self, v, v_th):
        return v < v_th
