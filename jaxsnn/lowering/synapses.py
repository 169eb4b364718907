"""Groups of synapses of a program, and the delivery of their spikes."""

import abc
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from .._types import Checked, is_concrete
from .._xla import zero_after
from ..connectivity.ring import Ring
from .cells import AbstractCells
from .registers import whole

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


class AbstractCarrier(eqx.Module):
    """The delivery of a group of synapses: what `prepare` derives from it for a run."""

    @abc.abstractmethod
    def send(self, s: Any, buffer: Int[Array, " ring"], spikes: Int[Array, " pre"], t: Array) -> Int[Array, " ring"]:
        """The ring with the arrivals of the spikes of step `t` added; with delay 0 they arrive in step `t + 1`."""

    def learn(self, s: Any, pre: Array, post: Array, modulators: dict[str, Array], t: Array, *, stream: Array) -> Any:
        """The state after step `t`, from the spikes of both sides and the modulators of drives. Called after `send`."""
        return s

    def deliver(
        self, s: Any, buffer: Array, pre: Array, post: Array, modulators: dict[str, Array], t: Array, *, stream: Array
    ) -> tuple[Any, Int[Array, " ring"]]:
        """The state and the ring after step `t`: `send`, then `learn`. Where a spike carries what it has just changed,
        a carrier has a `deliver` of its own.
        """
        buffer = self.send(s, buffer, pre, t)
        return self.learn(s, pre, post, modulators, t + zero_after(buffer[0]), stream=stream), buffer


class AbstractSynapses(Checked):
    """Synapses from one group of cells to another. The arithmetic of their sums is that of the receiving cells.

    `learned_variable`: the state variable with the weights, if they change; else empty.
    """

    pre: AbstractVar[str]
    post: AbstractVar[str]
    max_delay: AbstractVar[int]
    learned_variable = ""

    def __check_init__(self):
        whole(self, max_delay=0)
        if not isinstance(self.pre, str) or not isinstance(self.post, str):
            raise ValueError(f"{type(self).__name__} goes from {self.pre!r} to {self.post!r}; expected names of cells.")

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, int]:
        """The number of senders, and of receivers: of cells with two inputs, each input counts."""

    def init(self) -> Any:
        """The state in which a program starts; empty if nothing is learned."""
        return ()

    def unsupported(self, post: AbstractCells) -> str | None:
        """Why the receivers cannot take these synapses, and what to do; None if they can, or if it is traced."""
        return None

    def faulty_for(self, post: AbstractCells) -> Bool[Array, ""]:
        """Whether any weight is out of the range of the receivers, for a status of traced numbers."""
        return jnp.zeros((), bool)

    @abc.abstractmethod
    def input_bounds(self, pre: AbstractCells, post: AbstractCells) -> tuple[Array, Array]:
        """The smallest and the largest sum of weights that can arrive at each receiver in a step, one spike a sender.

        Amplitudes are as large as messages allow; the bounds are infinite if a sum may not fit its register.
        """

    @abc.abstractmethod
    def prepare(self, pre: AbstractCells, post: AbstractCells, ring: Ring, first: int) -> AbstractCarrier:
        """The delivery; the columns of the receiving group begin at `first` in a slot of the ring."""

    def learned_weights(self, s: Any) -> Array | None:
        """The stored weights after learning, by sender and then receiver; None if nothing is learned."""
        return None

    def describe(self) -> list[str]:
        """What a summary says of the group, a line each."""
        return [type(self).__name__]


def check_rows(rows: Any) -> None:
    """Raises ValueError for lists of different lengths, and for a `start` that does not divide them into rows.

    `rows`: synapses with the lists `weight` and `receiver`, `delay` (a list or one number), and `start`: those of
    sender `i` are `start[i] : start[i + 1]`, at most `longest` of them.
    """
    kind, count = type(rows).__name__, rows.weight.shape
    if len(count) != 1 or rows.receiver.shape != count or rows.delay.shape not in ((), count):
        raise ValueError(
            f"{kind} has weight {count}, receiver {rows.receiver.shape} and delay {rows.delay.shape}; expected one "
            "number a synapse, or one delay for all."
        )
    whole(rows, n_post=1, longest=1)
    if rows.start.ndim != 1 or rows.start.size < 2:
        raise ValueError(f"{kind}.start has shape {rows.start.shape}; expected (n_pre + 1,).")
    if not is_concrete(rows.start):
        return
    start: np.ndarray = np.asarray(rows.start)
    each: np.ndarray = np.diff(start)
    if start[0] != 0 or start[-1] != count[0] or np.any(each < 0) or each.max(initial=0) > rows.longest:
        raise ValueError(
            f"{kind}.start does not divide {count[0]} synapses into ascending rows of at most {rows.longest}."
        )
