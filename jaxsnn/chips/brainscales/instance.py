"""One chip of the family: a program with the fixed pattern and the noise of a chip, which a key is."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import jax.numpy as jnp
from jaxtyping import Array

from ..._random import as_key
from ...lowering.program import Program
from ...lowering.relaxed import Relaxed
from .cells import AnalogCells
from .pattern import Circuits, Noise, Spread, factor
from .registers import changed, factors_of, potentials_of
from .relaxed import RelaxedAnalogSynapses, RelaxedCircuits
from .sensors import Sensors
from .synapses import AnalogSynapses

_OF = {"excitation": "efficacy", "inhibition": "efficacy"}  # the field of a spread that is called otherwise

Either = TypeVar("Either", Program, Relaxed)


def on_chip(program: Either, chip: Any, spread: Spread | None = None, noise: Noise | None = None) -> Either:
    """The program on one chip: every number that a circuit or a synapse has differs from what was asked, as there.

        p <- p (1 + sigma_p N)   of times, efficacies and synapses;   p <- p + sigma_p N LSB   of potentials

    with `N` a standard normal number of the circuit and the quantity, or of the synapse: the same for every program
    that runs on the chip, and whatever else runs on it.

    **Arguments:** `program`: as `lower(net, BrainScaleS2())` makes it, written by hand, or relaxed, to be trained on
    that chip; on one that is on a chip already another deviation comes on top. `chip`: a key or a seed; it may be
    traced, so that `vmap` over keys runs many chips. `spread`: None for `Spread()`. `noise`: None for what the program
    has.
    """
    chip, spread = as_key(chip, "chip"), Spread() if spread is None else spread
    if isinstance(program, Relaxed):
        return _relaxed(program, chip, spread, noise)
    if not isinstance(program, Program) or not isinstance(spread, Spread) or not isinstance(noise, Noise | None):
        raise ValueError(
            f"Got {type(program).__name__}, {spread!r} and {noise!r}; expected a Program, Spread(...) and Noise(...)."
        )
    cells: dict[str, Any] = {}
    for name, group in program.cells.items():
        cells[name] = _cells(group, chip, spread, noise) if isinstance(group, AnalogCells) else group
    synapses: dict[str, Any] = {}
    for name, group in program.synapses.items():
        post = program.cells[group.post]
        if isinstance(group, AnalogSynapses) and isinstance(post, AnalogCells):
            group = _synapses(group, post.circuits, chip, spread)
        synapses[name] = group
    return dataclasses.replace(program, cells=cells, synapses=synapses)


def _relaxed(relaxed: Relaxed, chip: Array, spread: Spread, noise: Noise | None) -> Relaxed:
    """The same of a relaxed program: of the circuits that it has, and of synapses whose weights stay where they are."""
    base = on_chip(relaxed.base, chip, spread, noise)
    cells: dict[str, Any] = dict(relaxed.cells)
    for name, part in relaxed.cells.items():
        if isinstance(part, RelaxedCircuits):
            cells[name] = RelaxedCircuits(_cells(part.cells, chip, spread, noise))
    synapses: dict[str, Any] = dict(relaxed.synapses)
    for name, link in relaxed.synapses.items():
        if isinstance(link, RelaxedAnalogSynapses):
            synapses[name] = dataclasses.replace(link, group=base.synapses[name])
    return dataclasses.replace(relaxed, base=base, cells=cells, synapses=synapses)


def _cells(cells: AnalogCells, chip: Array, spread: Spread, noise: Noise | None) -> AnalogCells:
    """A group with the numbers of its circuits."""
    drawn = lambda what: cells.circuits.deviation(chip, what, cells.n)
    of: Callable[[str], Array] = lambda what: getattr(
        spread, _OF.get(what, what.split(" ")[0])
    )  # ports have a `tau_syn` each
    factors = {what: factor(drawn(what), of(what)) for what in factors_of(cells)}
    shifts = {what: of(what) * drawn(what) for what in potentials_of(cells)}
    return dataclasses.replace(
        changed(cells, factors, shifts),
        offset=cells.offset + spread.cadc * drawn("cadc"),
        noise=cells.noise if noise is None else noise.membrane,
        readout=cells.readout if noise is None else noise.readout,
    )


def _synapses(group: AnalogSynapses, circuits: Circuits, chip: Array, spread: Spread) -> AnalogSynapses:
    """Synapses with their own factors, of either sign."""
    own = jnp.where(group.there[None], factor(circuits.of_synapses(chip, group.place), spread.synapse), 1.0)
    group = dataclasses.replace(group, factor=own if group.factor is None else own * group.factor)
    if (sensors := group.sensors) is None:
        return group
    of = lambda what: factor(circuits.of_synapses(chip, group.place, f"correlation {what}")[0], spread.correlation)
    amplitude, tau = sensors.amplitude * of("amplitude"), sensors.tau * of("tau")
    return dataclasses.replace(group, sensors=Sensors(amplitude, tau))
