"""What a plasticity rule is, what a modifier is, and how `chain` makes one update of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .._types import Checked
from .traces import AbstractTrace


class Seen(NamedTuple):
    """What a synapse sees when it changes. `pre.x`, `post.y`: traces by name; `.v`: membranes; `.spike`: amplitudes.

    `modulators`: named signals that a drive feeds, such as reward. `dt`: ms.
    """

    pre: Any
    post: Any
    modulators: dict[str, Array]
    dt: float


class AbstractRule(Checked):
    """A plasticity rule, written for one synapse: how much the weight changes, and when.

    `on_pre` runs when a spike of the sending neuron reaches the synapse, `on_post` when one of the receiving neuron
    does; both read traces that do not yet hold the spike at hand. How this is done at the cost of the spikes is not the
    rule's business. A rule needs those of the functions below whose default (no change) does not suit it.
    """

    voltage: ClassVar[tuple[str, ...]] = ()  # "pre", "post": whose membrane it reads

    def pre_traces(self) -> dict[str, AbstractTrace]:
        """Traces of the sending neuron, by the name under which the rule reads them."""
        return {}

    def post_traces(self) -> dict[str, AbstractTrace]:
        """Traces of the receiving neuron."""
        return {}

    def pre_event(self, pre: Any, dt: float) -> Float[Array, "..."]:
        """By how much `on_pre` counts in this step; where it is 0, `on_pre` does not run. Default: the spike."""
        return pre.spike

    def post_event(self, post: Any, dt: float) -> Float[Array, "..."]:
        """By how much `on_post` counts in this step; where it is 0, `on_post` does not run. Default: the spike."""
        return post.spike

    def on_pre(self, w: Float[Array, "..."], s: Seen) -> Float[Array, "..."]:
        """The change of `w` at an event of the sending neuron."""
        return jnp.zeros_like(w)

    def on_post(self, w: Float[Array, "..."], s: Seen) -> Float[Array, "..."]:
        """The change of `w` at an event of the receiving neuron."""
        return jnp.zeros_like(w)

    def each_step(self, w: Float[Array, "..."], s: Seen) -> Float[Array, "..."]:
        """The change of `w` in every step. A rule that has this touches every synapse in every step, and costs that."""
        return jnp.zeros_like(w)

    def __check_init__(self):
        for side in self.voltage:
            if side not in ("pre", "post"):
                raise ValueError(f"{type(self).__name__}.voltage names {side!r}, expected 'pre' or 'post'.")


class AbstractModifier(Checked):
    """Takes the change that the rules before it in a chain ask for, and gives the change that is made.

    It may keep numbers for each synapse (`variables`), and a clock: numbers of shape `()` or `(n_post,)` that advance
    once a step. A synapse is only looked at when it is touched by an event; what a modifier would have done in between
    it makes up for then (`lazy`), from what its clock has summed up meanwhile.
    """

    variables: ClassVar[tuple[str, ...]] = ()  # numbers it keeps for each synapse; they start at 0
    lazy: ClassVar[bool] = False  # does it change weights between events?

    def start(self, n_post: int, dtype: Any) -> dict[str, Array]:
        """The clock at the start."""
        return {}

    def tick(self, clock: dict[str, Array], s: Seen) -> dict[str, Array]:
        """The clock after a step. `s.post` has the spikes of the step, `s.modulators` what was fed."""
        return clock

    def change(
        self, w: Float[Array, "..."], dw: Float[Array, "..."], kept: dict[str, Array], clock: dict[str, Array]
    ) -> tuple[Array, dict[str, Array]]:
        """The change that is made of `dw`, and the numbers kept for the synapse."""
        return dw, kept

    def limit(self, w: Float[Array, "..."]) -> Float[Array, "..."]:
        """What a changed weight may be at most and at least."""
        return w

    def allows(self, w: Float[Array, "..."]) -> Bool[Array, "..."]:
        """Whether a weight is one that `limit` could leave behind."""
        return jnp.ones(w.shape, bool)

    def due(self, clock: dict[str, Array]) -> Bool[Array, ""] | None:
        """Whether every synapse has to be touched at the end of this step; None for never."""
        return None

    def renew(
        self, w: Float[Array, "..."], kept: dict[str, Array], clock: dict[str, Array], total: Callable[[Array], Array]
    ) -> tuple[Array, dict[str, Array]]:
        """What happens to every synapse then. `total(x)`: the sum of `x` over all synapses of the same post neuron."""
        return w, kept

    def rewound(self, clock: dict[str, Array]) -> dict[str, Array]:
        """The clock after `renew`."""
        return clock


# --- choices ----------------------------------------------------------------------------------------------------------


class AbstractSends(eqx.Module):
    """Which weight a spike carries that changes the synapse it passes."""


class Before(AbstractSends):
    """The weight before the change (what Brian2 users write: `ge += w; w += ...`)."""


class After(AbstractSends):
    """The weight after the change (NEST)."""


class AbstractPairing(eqx.Module):
    """What spikes of both neurons that reach a synapse in the same step are to one another."""


class Apart(AbstractPairing):
    """They do not pair; `on_post` runs before `on_pre` (NEST)."""


class PreFirst(AbstractPairing):
    """The sending neuron's spike comes first: `on_pre` runs, and `on_post` pairs with it (Brian2)."""


# --- composition ------------------------------------------------------------------------------------------------------


class Chain(eqx.Module):
    """Rules and modifiers in order; made by `chain(...)`."""

    parts: tuple[AbstractRule | AbstractModifier, ...]
    sends: AbstractSends | None
    coincident: AbstractPairing | None

    @property
    def rules(self) -> tuple[AbstractRule, ...]:
        return tuple(part for part in self.parts if isinstance(part, AbstractRule))

    @property
    def modifiers(self) -> tuple[AbstractModifier, ...]:
        return tuple(part for part in self.parts if isinstance(part, AbstractModifier))

    @property
    def variables(self) -> tuple[tuple[int, str], ...]:
        """The numbers of a synapse beside its weight: (modifier, name), in the order in which they are stored."""
        return tuple((m, name) for m, modifier in enumerate(self.modifiers) for name in modifier.variables)

    @property
    def lazy(self) -> bool:
        return any(modifier.lazy for modifier in self.modifiers)

    def changed(
        self, synapses: Float[Array, "k ..."], clocks: tuple[dict, ...], ask: Callable[[int, AbstractRule, Array], Any]
    ) -> Float[Array, "k ..."]:
        """One update of synapses, `(1 + variables, ...)` numbers: `ask(r, rule, w)` is what rule `r` asks for."""
        w = synapses[0]
        dw, kept = jnp.zeros_like(w), self._kept(synapses)
        r = m = 0
        for part in self.parts:
            if isinstance(part, AbstractRule):
                dw, r = dw + ask(r, part, w), r + 1
            else:
                dw, kept[m] = part.change(w, dw, kept[m], clocks[m])
                m += 1
        return self._packed(self.limit(w + dw), kept)

    def settled(self, synapses: Float[Array, "k ..."], clocks: tuple[dict, ...]) -> Float[Array, "k ..."]:
        """Synapses brought up to date: what lazy modifiers have yet to do, done."""
        return self.changed(synapses, clocks, lambda r, rule, w: jnp.zeros_like(w)) if self.lazy else synapses

    def renewed(self, synapses: Array, clocks: tuple[dict, ...], due: list, total: Callable[[Array], Array]) -> Array:
        """Synapses after the modifiers that are due have had their turn."""
        w, kept = synapses[0], self._kept(synapses)
        for m, modifier in enumerate(self.modifiers):
            if due[m] is not None:
                new, keeps = modifier.renew(w, kept[m], clocks[m], total)
                w = jnp.where(due[m], new, w)
                kept[m] = {name: jnp.where(due[m], keeps[name], x) for name, x in kept[m].items()}
        return self._packed(self.limit(w), kept)

    def limit(self, w: Array) -> Array:
        for modifier in self.modifiers:
            w = modifier.limit(w)
        return w

    def _kept(self, synapses: Array) -> list[dict[str, Array]]:
        kept: list[dict[str, Array]] = [{} for _ in self.modifiers]
        for row, (m, name) in enumerate(self.variables, start=1):
            kept[m][name] = synapses[row]
        return kept

    def _packed(self, w: Array, kept: list[dict[str, Array]]) -> Array:
        return jnp.stack([w, *(kept[m][name] for m, name in self.variables)])


def chain(
    *parts: AbstractRule | AbstractModifier | Chain,
    sends: AbstractSends | None = None,
    coincident: AbstractPairing | None = None,
) -> Chain:
    """One plasticity rule of several parts, in order: `chain(PairSTDP(), Modulate("reward"), Bound(0.0, 1.0))`.

    What rules ask for adds up; a modifier acts on the sum of what stands before it.

    **Arguments:** `sends`: `Before()` or `After()` the change; `coincident`: `Apart()` or `PreFirst()`. Left out, they
    follow the network's order of events: `After()` and `Apart()` in `NestOrder`, `Before()` and `PreFirst()` in
    `BrianOrder`.
    """
    flat: list[AbstractRule | AbstractModifier] = []
    for part in parts:
        if isinstance(part, Chain):
            flat += part.parts
            sends = part.sends if sends is None else sends
            coincident = part.coincident if coincident is None else coincident
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
    return Chain(tuple(flat), sends, coincident)
