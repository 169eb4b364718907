"""Groups of cells of a program, and the cells that stand for its inputs."""

import abc
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from .._status import Status, bit
from .._types import Checked, Requirement, as_number, parameters
from ..simulation.probes.base import AbstractProbe
from .intervals import Interval
from .registers import whole
from .storage import stored

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


def gains(ports: Any) -> dict[str, Array]:
    """Ports by name, sorted, each with the weight that one unit fed into it adds."""
    if not isinstance(ports, Mapping):
        raise ValueError(f'Got ports = {ports!r}; expected what a unit of each adds, by name: {{"in": 1.0}}.')
    return {name: as_number(gain) for name, gain in sorted(ports.items())}


class AbstractCells(Checked):
    """`n` cells of one kind, with its arithmetic. `ports`: what drives may feed, and the weight that one unit adds.

    `n_inputs`: the number of separate inputs of a cell: receivers `0 .. n - 1` of a group of synapses are the first
    input of each cell, `n .. 2 n - 1` the second. `message_bits`: the bits of an amplitude; 0: cells send spikes
    without an amplitude. `output_variable`: the state variable with the amplitudes that were sent. `autonomous`:
    whether they are inputs that send spikes of their own, which nothing feeds.
    """

    n: AbstractVar[int]
    ports: AbstractVar[dict[str, Array]]
    n_inputs = 1
    message_bits = 0
    output_variable = "sent"
    autonomous = False

    def __check_init__(self):
        whole(self, n=1)
        for name in self.ports:
            if not isinstance(name, str) or not name or "." in name:
                raise ValueError(f"{type(self).__name__}.ports has {name!r}; expected names without dots.")
        for name, value, _ in parameters(self):
            if value.shape not in ((), (self.n,)):
                raise ValueError(f"{type(self).__name__}.{name} has shape {value.shape}; expected () or ({self.n},).")

    def requirements(self):
        def finite(name: str, gain: Array) -> Requirement:
            return Requirement(
                lambda: jnp.isfinite(gain), lambda: f"{type(self).__name__}.ports[{name!r}] is {gain}, not finite."
            )

        return tuple(finite(name, gain) for name, gain in self.ports.items())

    @property
    def receivers(self) -> int:
        """The number of places that synapses lead to: the inputs of its cells, or what the cells receive through."""
        return self.n_inputs * self.n

    @property
    def columns(self) -> int:
        """The number of columns of the ring that belong to the group."""
        return self.receivers

    def prepare(self, into: Mapping[str, Any]) -> "AbstractCells":
        """The cells that step, given the synapses that lead into them, by name."""
        return self

    @abc.abstractmethod
    def init(self) -> Any:
        """The state in which a program starts."""

    @abc.abstractmethod
    def step(
        self,
        s: Any,
        arrived: Int[Array, " columns"],
        fed: Float[Array, " n"] | None,
        t: Array,
        *,
        stream: Array,
    ) -> tuple[Any, Int[Array, " n"], UInt32[Array, ""]]:
        """The next state, the amplitudes sent, and status bits.

        `arrived`: from synapses; `fed`: from drives; both in the unit of weights.
        """

    def observed(self, name: str) -> AbstractProbe | None:
        """A probe of the peaks of registers, integers `(3,)`: input, `u + bias`, `v`; None if not measured.

        `name`: of the group in its program.
        """
        return None

    def bounds(self, low: Array, high: Array) -> dict[str, Interval]:
        """The interval of every register if arrivals of a step are within `low` and `high`, `(n,)`."""
        return {}

    def counted(self, s: Any) -> dict[str, int]:
        """What a run that ended in `s` counted, for the report: what was clipped, saturated or merged."""
        return {}

    def limits(self) -> dict[str, tuple[int, int]]:
        """The range of every register of `bounds`."""
        return {}

    def describe(self) -> str:
        """What a summary says of the group."""
        return type(self).__name__


class InputState(NamedTuple):
    """Inputs have no state."""


@stored
class InputCells(AbstractCells):
    """Inputs from the host: what a drive feeds in a step is rounded to whole amplitudes and sent in that step.

    **Arguments:** `message_bits`: the bits of the amplitude of a graded spike, static, at most 24; larger amplitudes
    are clipped, with a status bit. 0: spikes without an amplitude.
    """

    n: int = eqx.field(static=True)
    ports: dict[str, Array] = eqx.field(default_factory=lambda: {"in": 1.0}, converter=gains)
    message_bits: int = eqx.field(default=0, static=True, kw_only=True)

    def __check_init__(self):
        whole(self, message_bits=0)
        if self.message_bits > 24:
            raise ValueError(f"InputCells.message_bits is {self.message_bits}; expected 0 (spikes) to 24 (amplitudes).")

    def init(self):
        return InputState()

    def step(self, s, arrived, fed, t, *, stream):
        if fed is None:
            return s, jnp.zeros(self.n, jnp.int32), jnp.uint32(0)
        amplitude = jnp.round(fed)
        if not self.message_bits:
            return s, amplitude.astype(jnp.int32), jnp.uint32(0)
        most = 2.0**self.message_bits - 1.0
        kept = jnp.clip(amplitude, -most, most)
        return s, kept.astype(jnp.int32), bit(Status.INPUT_OVERFLOW, kept != amplitude)


@stored
class InputCounts(InputCells):
    """Inputs that send counts: up to 15 spikes a step, and none less than 0; the status of a run says where others were
    fed.
    """

    message_bits: int = eqx.field(default=4, static=True, kw_only=True)

    def step(self, s, arrived, fed, t, *, stream):
        s, sent, status = super().step(s, arrived, fed, t, stream=stream)
        return s, jnp.maximum(sent, 0), status | bit(Status.INPUT_OVERFLOW, sent < 0)
