"""The bases of plasticity rules and modifiers, and `chain`, which composes them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .._types import Checked, is_concrete
from .traces import AbstractTrace


class SynapseContext(NamedTuple):
    """What a rule reads at a synapse. `pre.x`, `post.y`: traces by name; `.v`: membranes; `.spike`: amplitudes.

    `modulators`: named signals that a drive feeds, such as reward. `dt`: ms.
    """

    pre: Any
    post: Any
    modulators: dict[str, Array]
    dt: float


Bounds = tuple[Array | float | None, Array | float | None]  # None: no end
Change = Float[Array, "..."] | tuple[Float[Array, "..."], ...]


class AbstractRule(Checked):
    """A plasticity rule, written for one synapse: how much the weight changes, and when.

    `on_pre` runs when a spike of the sending neuron reaches the synapse, `on_post` when one of the receiving neuron
    does; both read traces that do not include that spike yet. Only synapses with an event are updated; the rule need
    not care how. A rule defines those of the functions below whose default, no change, does not fit.
    """

    drawn = True
    voltage: ClassVar[tuple[str, ...]] = ()  # "pre", "post": whose membrane it reads

    def pre_traces(self) -> dict[str, AbstractTrace]:
        """Traces of the presynaptic neuron, by the name under which the rule reads them."""
        return {}

    def post_traces(self) -> dict[str, AbstractTrace]:
        """Traces of the postsynaptic neuron."""
        return {}

    def pre_event(self, pre: Any, dt: float) -> Float[Array, "..."]:
        """The factor of `on_pre` in this step; where it is 0, `on_pre` does not run. Default: the spike."""
        return pre.spike

    def post_event(self, post: Any, dt: float) -> Float[Array, "..."]:
        """The factor of `on_post` in this step; where it is 0, `on_post` does not run. Default: the spike."""
        return post.spike

    def on_pre(self, w: Float[Array, "..."], s: SynapseContext) -> Change:
        """The change of `w` at a presynaptic event, or a tuple of terms that are added in this order."""
        return jnp.zeros_like(w)

    def on_post(self, w: Float[Array, "..."], s: SynapseContext) -> Change:
        """The change of `w` at a postsynaptic event."""
        return jnp.zeros_like(w)

    def each_step(self, w: Float[Array, "..."], s: SynapseContext) -> Change:
        """The change of `w` in every step. A rule with this updates every synapse in every step, which is slow."""
        return jnp.zeros_like(w)

    def bounds(self) -> Bounds:
        """The smallest and the largest weight for which the rule is defined; weights are clipped to them."""
        return None, None

    def __check_init__(self):
        for side in self.voltage:
            if side not in ("pre", "post"):
                raise ValueError(f"{type(self).__name__}.voltage names {side!r}, expected 'pre' or 'post'.")


class AbstractModifier(Checked):
    """Maps the change that the rules before it in a chain request to the change that is applied.

    It may have state variables for each synapse (`variables`) and a clock, numbers of shape `()` or `(n_post,)` that
    advance once per step. Synapses are updated only at events: a `lazy` modifier accumulates its effect in the clock
    and applies it at the next event of a synapse.
    """

    drawn = True
    variables: ClassVar[tuple[str, ...]] = ()  # state variables of each synapse, initially 0
    lazy: ClassVar[bool] = False  # whether it changes weights between events

    def start(self, n_post: int, dtype: Any) -> dict[str, Array]:
        """The clock at the start."""
        return {}

    def tick(self, clock: dict[str, Array], s: SynapseContext) -> dict[str, Array]:
        """The clock after a step. `s.post` has the spikes of the step, `s.modulators` the values fed by the drive."""
        return clock

    def change(
        self, w: Float[Array, "..."], dw: Float[Array, "..."], kept: dict[str, Array], clock: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """The change that is applied for a requested `dw`, and the new state variables of the synapse."""
        return dw, kept

    def bounds(self) -> Bounds:
        """The smallest and the largest weight; initial and later weights are clipped to them."""
        return None, None

    def limit(self, w: Float[Array, "..."]) -> Float[Array, "..."]:
        """A changed weight, clipped to the bounds."""
        return clipped(w, self.bounds())

    def reverses(self, before: dict[str, Array], clock: dict[str, Array]) -> Bool[Array, ""] | None:
        """Whether its change between events reverses its sign in the step from clock `before` to `clock`; None: never.

        Then every synapse is updated, if weights have bounds, so that a weight leaves its bound at the right time.
        """
        return None

    def refresh_due(self, clock: dict[str, Array]) -> Bool[Array, ""] | None:
        """Whether all synapses are updated by `refresh` at the end of this step; None if never."""
        return None

    def refresh(
        self, w: Float[Array, "..."], kept: dict[str, Array], clock: dict[str, Array], total: Callable[[Array], Array]
    ) -> tuple[Array, dict[str, Array]]:
        """The weight and state variables after a refresh. `total(x)`: sums over all synapses of a receiving neuron."""
        return w, kept

    def reset_clock(self, clock: dict[str, Array]) -> dict[str, Array]:
        """The clock after a refresh."""
        return clock


# --- choices ----------------------------------------------------------------------------------------------------------


class AbstractSentWeight(eqx.Module):
    """Which weight is transmitted by a spike that also changes that weight."""


class WeightBeforeUpdate(AbstractSentWeight):
    """The weight before the change (what Brian2 users write: `ge += w; w += ...`)."""


class WeightAfterUpdate(AbstractSentWeight):
    """The weight after the change (NEST)."""


class AbstractPairing(eqx.Module):
    """How presynaptic and postsynaptic spikes pair that reach a synapse in the same step."""


class CoincidentIgnored(AbstractPairing):
    """They do not pair; `on_post` runs before `on_pre` (NEST)."""


class PreBeforePost(AbstractPairing):
    """The presynaptic spike comes first: `on_pre` runs, and `on_post` pairs with it (Brian2)."""


class AbstractClipping(eqx.Module):
    """Whether bounds apply to each term of a change or to their sum, where a rule returns several terms."""


class ClipEachTerm(AbstractClipping):
    """Each term of a change in turn (NEST: a weight that grows and then declines is clipped in between)."""


class ClipWholeChange(AbstractClipping):
    """The sum of its terms, once (what Brian2 users write: `w = clip(w + ..., lo, hi)`)."""


# --- composition ------------------------------------------------------------------------------------------------------


class Chain(eqx.Module):
    """Rules and modifiers in order, `parts`, with the choices of `chain(...)`, which makes it: `sends`,
    `coincident_pairs`, `clips`.
    """

    parts: tuple[AbstractRule | AbstractModifier, ...]
    sends: AbstractSentWeight | None
    coincident_pairs: AbstractPairing | None
    clips: AbstractClipping | None

    @property
    def rules(self) -> tuple[AbstractRule, ...]:
        return tuple(part for part in self.parts if isinstance(part, AbstractRule))

    @property
    def modifiers(self) -> tuple[AbstractModifier, ...]:
        return tuple(part for part in self.parts if isinstance(part, AbstractModifier))

    @property
    def variables(self) -> tuple[tuple[int, str], ...]:
        """State variables of a synapse besides its weight: (modifier, name), in the order of storage."""
        return tuple((m, name) for m, modifier in enumerate(self.modifiers) for name in modifier.variables)

    @property
    def lazy(self) -> bool:
        return any(modifier.lazy for modifier in self.modifiers)

    def changed(
        self,
        synapses: Float[Array, "k ..."] | tuple[Array, ...],
        clocks: tuple[dict, ...],
        ask: Callable[[int, AbstractRule, Array], Any],
        *,
        limited: bool = True,
    ) -> Any:
        """One update of synapses, `(1 + variables, ...)`: `ask(r, rule, w)` is the change that rule `r` requests.

        Numbers of synapses may also be a tuple of arrays, and are one then.
        """
        w, kept = synapses[0], self._kept(synapses)
        asked = [terms(ask(r, rule, w)) for r, rule in enumerate(self.rules)]
        if isinstance(self.clips, ClipWholeChange):
            asked = [(sum(given[1:], given[0]),) for given in asked]
        for term in range(max((len(given) for given in asked), default=1)):
            dw, r, m = jnp.zeros_like(w), 0, 0
            for part in self.parts:
                if isinstance(part, AbstractRule):
                    dw, r = dw + asked[r][term] if term < len(asked[r]) else dw, r + 1
                else:
                    dw, kept[m] = part.change(w, dw, kept[m], clocks[m])
                    m += 1
            w = self.limit(w + dw) if limited else w + dw
        return tuple(self._rows(w, kept)) if isinstance(synapses, tuple) else self._packed(w, kept)

    def up_to_date(
        self, synapses: Float[Array, "k ..."], clocks: tuple[dict, ...], *, limited: bool = True
    ) -> Float[Array, "k ..."]:
        """Synapses as of the present step: the accumulated effect of lazy modifiers is applied."""
        nothing = lambda r, rule, w: jnp.zeros_like(w)
        return self.changed(synapses, clocks, nothing, limited=limited) if self.lazy else synapses

    def pulled_back(self, change: Array, synapses: Array, clocks: tuple[dict, ...]) -> Array:
        """The perturbation of stored synapses that makes `change` of them when they are brought up to date.

        State variables are unchanged; the weight's share is corrected for what they will still add to the weight.
        Used for derivatives.
        """
        if not self.lazy:
            return change
        later = lambda synapses: self.up_to_date(synapses, clocks, limited=False)[0]
        of_kept = later(synapses + change.at[0].set(0)) - later(synapses)
        slope = jax.jvp(lambda w: later(synapses.at[0].set(w)), (synapses[0],), (jnp.ones_like(synapses[0]),))[1]
        return change.at[0].set((change[0] - of_kept) / slope)

    def refreshed(
        self, synapses: Array, clocks: tuple[dict, ...], due: Sequence[Array | None], total: Callable[[Array], Array]
    ) -> Array:
        """Synapses after the modifiers whose periodic update is due have been applied."""
        w, kept = synapses[0], self._kept(synapses)
        for m, (modifier, now) in enumerate(zip(self.modifiers, due, strict=True)):
            if now is not None:
                new, keeps = modifier.refresh(w, kept[m], clocks[m], total)
                w = jnp.where(now, new, w)
                kept[m] = {name: jnp.where(now, keeps[name], x) for name, x in kept[m].items()}
        return self._packed(self.limit(w), kept)

    def limit(self, w: Array) -> Array:
        """Weights clipped to the bounds of all parts."""
        for part in self.parts:
            w = part.limit(w) if isinstance(part, AbstractModifier) else clipped(w, part.bounds())
        return w

    def floor(self) -> Any:
        """The smallest weight that all parts allow; minus infinity if there is none."""
        ends = [end for part in self.parts if (end := part.bounds()[0]) is not None]
        largest = np.maximum if is_concrete(ends) else jnp.maximum  # what is known compiles nothing
        return functools.reduce(largest, ends, -math.inf)

    @property
    def limited(self) -> bool:
        """Whether any part has bounds; static."""
        return any(end is not None for part in self.parts for end in part.bounds())

    def _kept(self, synapses: Any) -> list[dict[str, Array]]:
        kept: list[dict[str, Array]] = [{} for _ in self.modifiers]
        for row, (m, name) in enumerate(self.variables, start=1):
            kept[m][name] = synapses[row]
        return kept

    def _packed(self, w: Array, kept: list[dict[str, Array]]) -> Array:
        return jnp.stack(self._rows(w, kept))

    def _rows(self, w: Array, kept: list[dict[str, Array]]) -> list[Array]:
        return [w, *(kept[m][name] for m, name in self.variables)]


def clipped(w: Array, bounds: Bounds) -> Array:
    """Weights within bounds; the derivative is 1 up to a bound, and 0 beyond."""
    lo, hi = bounds
    w = w if hi is None else jnp.where(w > hi, hi, w)  # not `clip`, whose derivative at a bound is a half
    return w if lo is None else jnp.where(w < lo, lo, w)


def within(w: Array, bounds: Bounds) -> Array:
    """Which weights are within bounds; NaN is not."""
    lo, hi = bounds
    fine = w == w
    fine = fine if lo is None else fine & (w >= lo)
    return fine if hi is None else fine & (w <= hi)


def counted(event: Array, change: Change) -> Change:
    """A change times the factor of its event."""
    return tuple(event * term for term in change) if isinstance(change, tuple) else event * change


def terms(change: Change) -> tuple[Array, ...]:
    """The terms of a change, in their order."""
    return change if isinstance(change, tuple) else (change,)


def chain(
    *parts: AbstractRule | AbstractModifier | Chain,
    sends: AbstractSentWeight | None = None,
    coincident_pairs: AbstractPairing | None = None,
    clips: AbstractClipping | None = None,
) -> Chain:
    """One plasticity rule of several parts, in order: `chain(PairSTDP(), Modulate("reward"), Bound(0.0, 1.0))`.

    The changes that rules request are added; a modifier acts on the sum of those before it.

    **Arguments:** `sends`: `WeightBeforeUpdate()` or `WeightAfterUpdate()` the change; `coincident_pairs`:
    `CoincidentIgnored()` or `PreBeforePost()`; `clips`, for rules whose change has several terms: `ClipEachTerm()` or
    `ClipWholeChange()`. Left out, they follow the network's order of events: `WeightAfterUpdate()`,
    `CoincidentIgnored()` and `ClipEachTerm()` in `NestOrder`, `WeightBeforeUpdate()`, `PreBeforePost()` and
    `ClipWholeChange()` in `BrianOrder`.

    **Raises:** ValueError for anything but rules, modifiers, chains of them and these choices, and for a chain that
    changes no weight.
    """
    for name, choice, kind in (
        ("sends", sends, AbstractSentWeight),
        ("coincident_pairs", coincident_pairs, AbstractPairing),
        ("clips", clips, AbstractClipping),
    ):
        if not isinstance(choice, kind | None):
            options = " or ".join(f"{cls.__name__}()" for cls in kind.__subclasses__())
            raise ValueError(f"chain(..., {name}={choice!r}), expected {options}, or None for the network's order.")
    flat: list[AbstractRule | AbstractModifier] = []
    for part in parts:
        if isinstance(part, Chain):
            flat += part.parts
            sends = part.sends if sends is None else sends
            coincident_pairs = part.coincident_pairs if coincident_pairs is None else coincident_pairs
            clips = part.clips if clips is None else clips
        elif isinstance(part, (AbstractRule, AbstractModifier)):
            flat.append(part)
        else:
            raise ValueError(
                f"chain(...) got {part!r}, expected rules such as PairSTDP() and modifiers such as Bound()."
            )
    if not any(isinstance(part, AbstractRule) for part in flat) and not any(
        isinstance(part, AbstractModifier) and part.lazy for part in flat
    ):
        raise ValueError(
            "chain(...) got no rule and nothing that changes a weight by itself; add one, e.g. PairSTDP()."
        )
    return Chain(tuple(flat), sends, coincident_pairs, clips)
