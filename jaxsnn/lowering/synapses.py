"""Groups of synapses on a chip: what a program knows of them, and what carries spikes when it runs."""

import abc
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from .._types import Checked
from ..connectivity.ring import Ring
from .cells import AbstractCells
from .registers import whole

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


class AbstractCarrier(eqx.Module):
    """A group of synapses, ready to run: what `prepare` derives from it."""

    @abc.abstractmethod
    def send(self, s: Any, buffer: Int[Array, " ring"], spikes: Int[Array, " pre"], t: Array) -> Int[Array, " ring"]:
        """The ring with what the spikes of step `t` bring; delay 0 lands in step `t + 1`."""

    def learn(self, s: Any, pre: Array, post: Array, modulators: dict[str, Array], t: Array, *, stream: Array) -> Any:
        """The state after step `t`, from the spikes of both sides and what a drive modulates. Called after `send`."""
        return s


class AbstractSynapses(Checked):
    """Synapses from one group of cells to another. The cells that receive decide by which arithmetic they add up.

    `learned_variable`: the variable of the state that has the weights, where they change; else empty.
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
        """How many senders and receivers there are; of cells with two inputs, each of them."""

    def init(self) -> Any:
        """The state in which a program starts; none where nothing is learned."""
        return ()

    def unsupported(self, post: AbstractCells) -> str | None:
        """What of it the receivers cannot hold, and what to do; None where they can, or it is not known yet."""
        return None

    def faulty_for(self, post: AbstractCells) -> Bool[Array, ""]:
        """The same of traced numbers."""
        return jnp.zeros((), bool)

    @abc.abstractmethod
    def input_bounds(self, pre: AbstractCells, post: AbstractCells) -> tuple[Array, Array]:
        """The least and the most that a step can bring to every receiver, in weights: one spike of each sender.

        Of amplitudes as large as the senders' messages have; without limits where a sum may not fit its register.
        """

    @abc.abstractmethod
    def prepare(self, pre: AbstractCells, post: AbstractCells, ring: Ring, first: int) -> AbstractCarrier:
        """What steps; the columns of the receiving group begin at `first` in a slot of the ring."""

    def learned_weights(self, s: Any) -> Array | None:
        """Stored weights that a run has learned, by sender and then receiver; None where nothing is."""
        return None

    def describe(self) -> list[str]:
        """What a summary says of the group, a line each."""
        return [type(self).__name__]
