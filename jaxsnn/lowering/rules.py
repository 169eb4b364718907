"""Learning rules of edges, as passes see them."""

import abc
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
from jaxtyping import Array, Float, Int

if TYPE_CHECKING:
    from typing import ClassVar as AbstractVar
else:
    from equinox import AbstractVar


class AbstractRuleNode(eqx.Module):
    """A learning rule in its own units, until the scale of the receivers is known.

    `time_shift`: how many steps later than in the model the spikes of receivers reach the synapse on the chip; before
    `MapDelays` the axonal minus the dendritic delay. `delays_differ`: whether its synapses may differ in delay.
    """

    time_shift: AbstractVar[Int[Array, ""]]
    delays_differ: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def sign(self) -> int:
        """1 if no weight can be negative, -1 if none can be positive, 0 for both."""

    @abc.abstractmethod
    def times(self, gain: Array) -> "AbstractRuleNode":
        """A copy whose unit of weight adds `gain` times as much to `v`; `gain`: `()` or one for each receiver."""

    @abc.abstractmethod
    def shifted(self, time_shift: Array) -> "AbstractRuleNode":
        """A copy with another time shift."""

    @abc.abstractmethod
    def input_bounds(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The smallest and the largest amount that a synapse can add to `v`."""

    @abc.abstractmethod
    def largest(self) -> Float[Array, ""]:
        """The largest weight that can be learned, of either sign, in the unit of `v`."""

    def counts(self) -> dict[str, Array]:
        """Counts of quantisation for the report."""
        return {}

    @abc.abstractmethod
    def data(self, name: str, edge: Any, scale: Array, dt: float) -> dict[str, Any]:
        """What a report says of the rule."""

    @abc.abstractmethod
    def per_unit(self, scale: Array, edge: Any) -> Float[Array, ""]:
        """Units of the stored weight for one unit of weight."""


class AbstractScaledRuleNode(AbstractRuleNode):
    """A rule on a chip whose receivers have a scale that is chosen (`ChooseScales`, `Quantise`)."""

    @abc.abstractmethod
    def best_scales(self, largest: Float[Array, ""]) -> Float[Array, ""]:
        """The scale of the receivers, at most `largest`, at which the largest weight fills its format."""

    @abc.abstractmethod
    def rounding_error(self, scale: Float[Array, ""]) -> Float[Array, ""]:
        """The relative distance between the largest weight and the largest stored one at this scale."""

    @abc.abstractmethod
    def quantised(self, weight: Array, scale: Array, sign: int) -> tuple[Any, Array, Array, Array]:
        """Weights of the rule as a chip stores them at the start.

        Returns values by name, weights in lowest bits as requested and as stored, and which were clipped.
        """
