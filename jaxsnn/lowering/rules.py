"""What makes edges of a graph learn on a chip, as far as passes have to know it."""

import abc
from typing import TYPE_CHECKING, Any

import equinox as eqx
from jaxtyping import Array, Float, Int

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


class AbstractRuleNode(eqx.Module):
    """A learning rule in its own units, until the scale of the receivers is known.

    `time_shift`: by how many steps the chip sees receivers' spikes later than they meet the senders' at the synapse;
    before `MapDelays` the axonal less the dendritic delay.
    """

    time_shift: AbstractVar[Int[Array, ""]]

    @property
    @abc.abstractmethod
    def sign(self) -> int:
        """1 if no weight can be negative, -1 if none can be positive, 0 for both."""

    @abc.abstractmethod
    def times(self, gain: Array) -> "AbstractRuleNode":
        """A unit of weight adds `gain` times as much to `v`, `()` or one a receiver."""

    @abc.abstractmethod
    def shifted(self, time_shift: Array) -> "AbstractRuleNode":
        """The same with another time shift."""

    @abc.abstractmethod
    def input_bounds(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The least and the most that a synapse can come to add to `v`."""

    @abc.abstractmethod
    def largest(self) -> Float[Array, ""]:
        """The largest weight that can be learned, of either sign, in the unit of `v`."""

    @abc.abstractmethod
    def best_scales(self, largest: Float[Array, ""]) -> Float[Array, ""]:
        """The scale of the receivers, at most `largest`, at which the largest weight fills what stores it."""

    @abc.abstractmethod
    def rounding_error(self, scale: Float[Array, ""]) -> Float[Array, ""]:
        """How far from the largest weight, relatively, learning ends at this scale."""

    @abc.abstractmethod
    def quantised(self, weight: Array, scale: Array, sign: int) -> tuple[Any, Array, Array, Array]:
        """Weights of the rule as a chip stores them at the start.

        Returns values by name, weights in the lowest bits as asked and as stored, and which were clipped.
        """

    def counts(self) -> dict[str, Array]:
        """What quantising counts of the rule, for the report."""
        return {}

    @abc.abstractmethod
    def data(self, name: str, edge: Any, scale: Array, dt: float) -> dict[str, Any]:
        """What a report says of the rule."""

    @abc.abstractmethod
    def per_unit(self, scale: Array, edge: Any) -> Float[Array, ""]:
        """How many of the stored weight's units a unit of weight is."""
