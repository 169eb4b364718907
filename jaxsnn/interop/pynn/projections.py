"""PyNN's `Projection`: PyNN draws the connections, a network of jaxsnn has them as lists of edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from pyNN import common
from pyNN.space import Space

from ...connectivity.from_arrays import FromArrays
from ...networks.projection import Connection as Link
from . import simulator
from .building import one_or_all
from .synapses import StaticSynapse

_MOST = 32  # kinds of synapses of one sender, each of which is a projection


class Part(NamedTuple):
    """The synapses between two populations: `edges` of the projection, from cells `pre` to cells `post`."""

    name: str
    source: Any
    target: Any
    edges: np.ndarray
    pre: np.ndarray
    post: np.ndarray


class Connection(common.Connection):
    """One synapse of a projection."""

    def __init__(self, projection: Projection, edge: int) -> None:
        object.__setattr__(self, "projection", projection)
        object.__setattr__(self, "edge", edge)

    @property
    def presynaptic_index(self) -> int:
        """The index of the sender in the projection's `pre`."""
        return int(self.projection.senders[self.edge])

    @property
    def postsynaptic_index(self) -> int:
        """The index of the receiver in the projection's `post`."""
        return int(self.projection.receivers[self.edge])

    @property
    def presynaptic_cell(self) -> Any:
        """The sender."""
        return self.projection.pre[self.presynaptic_index]

    @property
    def postsynaptic_cell(self) -> Any:
        """The receiver."""
        return self.projection.post[self.postsynaptic_index]

    def __getattr__(self, name: str) -> Any:
        if name not in self.projection.values:
            raise AttributeError(f"a synapse has {', '.join(self.projection.values)}, but no {name!r}")
        return float(self.projection.current(name)[self.edge])

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.projection.values:
            raise AttributeError(f"a synapse has {', '.join(self.projection.values)}, but no {name!r}")
        new = self.projection.current(name).copy()
        new[self.edge] = value
        self.projection.put(name, new)

    def as_tuple(self, *names: str) -> tuple[Any, ...]:
        """Several attributes."""
        return tuple(getattr(self, name) for name in names)


class Projection(common.Projection):
    """PyNN's projection, which becomes one of the network of the same label, or several."""

    _simulator = simulator
    _static_synapse_class = StaticSynapse

    def __init__(
        self, presynaptic_neurons: Any, postsynaptic_neurons: Any, connector: Any, synapse_type: Any = None,
        source: Any = None, receptor_type: Any = None, space: Any = Space(), label: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            presynaptic_neurons, postsynaptic_neurons, connector, synapse_type, source, receptor_type, space, label
        )
        self._columns: list[tuple[np.ndarray, int, dict[str, Any]]] = []
        connector.connect(self)
        self._gather()
        simulator.state.projections.append(self)
        simulator.state.changed()

    def _convergent_connect(
        self, presynaptic_indices: Any, postsynaptic_index: int, location_selector: Any = None, **values: Any
    ) -> None:
        if location_selector is not None:
            raise NotImplementedError("jaxsnn has point neurons only; leave location_selector out of the connector.")
        self._columns.append((np.asarray(presynaptic_indices, int), int(postsynaptic_index), values))

    def _gather(self) -> None:
        """The synapses: who sends, who receives, and the numbers of each."""
        counts = [len(pre) for pre, _, _ in self._columns]
        self.senders = np.concatenate([np.zeros(0, int), *(pre for pre, _, _ in self._columns)])
        self.receivers = np.repeat(np.array([post for _, post, _ in self._columns], int), counts)
        self.values: dict[str, np.ndarray] = {}
        for name in self._columns[0][2] if self._columns else ("weight", "delay"):
            several = [np.broadcast_to(np.asarray(x[name], float), (n,)) for n, (_, _, x) in zip(counts, self._columns)]
            self.values[name] = np.concatenate([np.zeros(0), *several])
        self._columns = []
        self._round_delays()

    def _round_delays(self) -> None:
        """Delays are whole steps, the nearest, as in NEST."""
        dt, delays = simulator.state.dt, self.values["delay"]
        if delays.size and not delays.min() >= 0.5 * dt:
            raise ValueError(f"Projection {self.label!r}: got a delay of {delays.min():g} ms, expected one time step, "
                             f"{dt:g} ms, or more.")  # fmt: skip
        self.values["delay"] = np.round(np.rint(delays / dt) * dt, 9)

    def __len__(self) -> int:
        return len(self.senders)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [Connection(self, j) for j in range(*i.indices(len(self)))]
        if not -len(self) <= i < len(self):
            raise IndexError(f"{i} of {len(self)} synapses")
        return Connection(self, i % len(self))

    @property
    def connections(self) -> Iterator[Connection]:
        """All synapses."""
        return (Connection(self, i) for i in range(len(self)))

    # --- numbers ------------------------------------------------------------------------------------------------------

    def current(self, name: str) -> np.ndarray:
        """A number of every synapse now: weights that learn have moved since they were set."""
        running = simulator.state.running_network
        if name != "weight" or running is None or running.state is None or id(self) not in running.names:
            return self.values[name]
        now = self.values[name].copy()
        for part in self.parts(running.names):
            learnt = running.learnt(part.name)
            if learnt is not None:
                now[part.edges[np.argsort(part.pre, kind="stable")]] = learnt / self.scale(part)
        return now

    def put(self, name: str, values: np.ndarray) -> None:
        """Set a number of every synapse."""
        self.values[name] = values
        self._round_delays()
        running = simulator.state.running_network
        if name == "weight" and running is not None and running.state is not None:
            for part in self.parts(running.names):
                running.relearn(part.name, values[part.edges[np.argsort(part.pre, kind="stable")]] * self.scale(part))
        simulator.state.changed()

    def _set_attributes(self, parameter_space: Any) -> None:
        parameter_space.evaluate(simplify=True)
        for name, value in parameter_space.items():
            if name not in self.values:
                raise ValueError(f"Projection {self.label!r}: got {name!r}, expected one of {', '.join(self.values)}.")
            new = np.asarray(value, float)
            self.put(name, np.broadcast_to(new[self.senders, self.receivers] if new.ndim else new, (len(self),)).copy())

    def _set_initial_value_array(self, variable: str, initial_value: Any) -> None:
        if np.any(np.asarray(initial_value.evaluate(simplify=True)) != 0.0):
            raise ValueError(
                f"Projection {self.label!r}: got an initial value of {variable!r}; synapses here begin at rest, with 0."
            )

    def _get_attributes_as_list(self, names: Any) -> list[tuple[Any, ...]]:
        address = {"presynaptic_index": self.senders, "postsynaptic_index": self.receivers}
        columns = [(address[name] if name in address else self.current(name)).tolist() for name in names]
        return list(zip(*columns))

    def _get_attributes_as_arrays(self, names: Any, multiple_synapses: str = "sum") -> list[np.ndarray]:
        combined = self.MULTI_SYNAPSE_OPERATIONS[multiple_synapses]
        found = []
        for name in names:
            array = np.full(self.shape, np.nan)
            for i, j, value in zip(self.senders, self.receivers, self.current(name)):
                array[i, j] = value if np.isnan(array[i, j]) else combined(array[i, j], value)
            found.append(array)
        return found

    # --- the network --------------------------------------------------------------------------------------------------

    def parts(self, names: Mapping[int, str]) -> list[Part]:
        """The synapses by pair of populations: of an `Assembly` there are several."""
        sources, sent, i = _located(self.pre)
        targets, received, j = _located(self.post)
        found = []
        for a, source in enumerate(sources):
            for b, target in enumerate(targets):
                edges = np.flatnonzero((sent[self.senders] == a) & (received[self.receivers] == b))
                if edges.size:
                    found.append(Part("", source, target, edges, i[self.senders[edges]], j[self.receivers[edges]]))
        found = [part for whole in found for part in self._split(whole)]
        name = names[id(self)]
        if len(found) == 1:
            return [found[0]._replace(name=name)]
        return [part._replace(name=f"{name} ({i})") for i, part in enumerate(found, start=1)]

    def _split(self, part: Part) -> list[Part]:
        """Parts in each of which the synapses of a sender have the same numbers, where a release is of the sender."""
        columns = self.synapse_type.of_sender(self, part)
        if not columns or all(np.all(column == column[0]) for column in columns):
            return [part]
        _, kind = np.unique(np.stack(columns), axis=1, return_inverse=True)
        pairs = np.unique(np.stack([part.pre, kind]), axis=1)  # by sender, then by kind
        begin = np.searchsorted(pairs[0], pairs[0])
        rank = dict(zip(map(tuple, pairs.T.tolist()), (np.arange(pairs.shape[1]) - begin).tolist()))
        group = np.array([rank[pair] for pair in zip(part.pre.tolist(), kind.tolist())])
        if group.max() >= _MOST:
            raise ValueError(
                f"Projection {self.label!r}: a sender has {group.max() + 1} kinds of synapses, by "
                f"{type(self.synapse_type).__name__}'s own numbers; expected at most {_MOST}."
            )
        of = [group == i for i in range(group.max() + 1)]
        return [part._replace(edges=part.edges[x], pre=part.pre[x], post=part.post[x]) for x in of]

    def scale(self, part: Part) -> float:
        """What a weight of 1 in PyNN is here: nA are 1000 pA, uS 1000 nS, and mV are mV."""
        return 1.0 if getattr(part.target.celltype, "voltage_based_synapses", False) else 1e3

    def connection(self, part: Part, names: Mapping[int, str]) -> Link:
        """The connection of a part."""
        kind, dt = part.target.celltype, simulator.state.dt
        if self.receptor_type not in kind.ports:
            raise ValueError(
                f"Projection {self.label!r}: got the receptor {self.receptor_type!r}, which {type(kind).__name__} does "
                f"not have here; expected one of {', '.join(kind.ports)}."
            )
        steps = np.rint(self.values["delay"][part.edges] / dt)
        weight = self.values["weight"][part.edges] * self.scale(part)
        more = self.synapse_type.dynamics(self, part, steps)
        return Link(
            names[id(part.source)], f"{names[id(part.target)]}.{kind.ports[self.receptor_type]}",
            FromArrays(part.pre, part.post), weight=weight if "rule" in more else one_or_all(weight),
            delay=one_or_all(steps) * dt, **more,
        )  # fmt: skip


def _located(cells: Any) -> tuple[list[Any], np.ndarray, np.ndarray]:
    """The populations that cells are of, and for each cell which one and its index there."""
    several = cells.populations if isinstance(cells, common.Assembly) else [cells]
    roots: list[Any] = []
    for each in several:
        if not any(each.root is root for root in roots):
            roots.append(each.root)
    which = [np.full(each.size, next(k for k, root in enumerate(roots) if root is each.root)) for each in several]
    return roots, np.concatenate(which), np.concatenate([each.where for each in several])
