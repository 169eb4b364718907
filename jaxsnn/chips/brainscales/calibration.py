"""Calibration by gradient: what circuits have to be asked for, so that on a chip they do what the program says."""

import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ... import _random
from ..._arguments import count
from ..._random import as_key
from ..._types import canonical_float
from ...lowering.calibrate import calibration_of
from ...lowering.program import Program
from ...lowering.relaxed import straight_through
from ...simulation.probes.spikes import Raster
from .cells import CADC, AnalogCells
from .following import Task, followed, task_of
from .instance import on_chip
from .pattern import Noise, Spread
from .registers import changed, factors_of, potentials_of

FACTOR, LSB = 0.1, 3.0  # units in which registers are sought: about what a chip is off
FARTHEST = 5.0  # units from what was asked
MISSED = 5.0  # LSB: what a spike too many or too few counts as
PRIOR = 1.0  # LSB: what a register that is a unit from what was asked counts as


class Calibrated(NamedTuple):
    """What a chip is asked for instead of the program, so that there it does what the program says.

    `program`: with the registers that were found: `on_chip(found.program, chip)` is the calibrated chip. `registers`:
    by group and quantity, `(n,)` each: factors of times and efficacies, LSB to add to potentials. `error`: of the
    readings, LSB rms, by group, `(n,)`. `before`: the same of the chip without calibration.
    """

    program: Program
    registers: dict[str, dict[str, Array]]
    error: dict[str, Float[Array, " n"]]
    before: dict[str, Float[Array, " n"]]


def calibrate(
    program: Program,
    chip: Any,
    run: Any,
    spread: Spread | None = None,
    noise: Noise | None = None,
    *,
    starts: int = 4,
    iterations: int = 30,
    key: Any = 0,
) -> Calibrated:
    """Find registers of every circuit with which a chip does what the program says: down the gradient of readings.

    Every group on the chip receives the spikes that the program itself sends in `run`, and is made to fire where the
    program fires, so that each circuit is compared by itself, and smoothly. With `e` the difference of the readings of
    the converter, and of the spikes that the circuit would have sent (5 LSB each), registers `u` of a circuit go

        u <- u - (J' J + damping diag(J' J))^-1 J' e,   J = de/du      where that is less of an error

    from several random `u` and from 0; each circuit keeps the best. What single synapses are off cannot be calibrated,
    as weights have 6 bits; their mean goes into the efficacies.

    **Arguments:** `program`: as lowered, without a chip. `chip`, `spread`, `noise`: as of `on_chip`; keys may be
    traced, so that `vmap` calibrates many chips in one program. `run`: a `Calibration(drive, steps=..., key=...)`, or a
    `Replay`, in which the neurons hear enough to fire: what it does not show stays as it was asked for. `starts`,
    `iterations`: static. `key`: of the starts and the noise.

    **Returns:** `Calibrated`.

    **Raises:** ValueError for what is no program of analog cells, and no run.

    **Reference:** Levenberg (1944) and Marquardt (1963). Abarbanel et al., SIAM J. Appl. Dyn. Syst. 8:1341 (2009), for
    comparing a neuron that is held to what it should do.
    """
    starts = count(starts, "starts", "a positive whole number")
    iterations = count(iterations, "iterations", "a positive whole number")
    trial = calibration_of(run)
    cells = program.cells if isinstance(program, Program) else {}
    analog = {name: group for name, group in cells.items() if isinstance(group, AnalogCells)}
    if not analog or trial is None:
        raise ValueError(
            f"Got {type(program).__name__} and run = {type(run).__name__}; expected a Program with AnalogCells, as "
            "lower(net, BrainScaleS2()).program is, and a Calibration(...) or a Replay."
        )
    ideal = _without_noise(program)
    real = on_chip(program, as_key(chip, "chip"), spread, noise)
    quiet, circuits = ({name: dict[str, Any](p.cells)[name] for name in analog} for p in (ideal, real))
    sent = trial.run(ideal, {name: Raster(name) for name in cells}).record
    sent = {name: raster.dense().astype(canonical_float()) for name, raster in sent.items()}
    registers, error, before = {}, {}, {}
    for name in analog:
        stream = _random.stream(as_key(key), f"{name}.calibration")
        v, _ = followed(quiet[name], task_of(ideal, name, sent), stream)
        fit = Fit(circuits[name], task_of(real, name, sent), quiet[name].reading(v), stream)
        registers[name], error[name], before[name] = fit.best(starts, iterations)
    asked = {name: changed(group, registers[name], registers[name]) for name, group in analog.items()}
    return Calibrated(dataclasses.replace(program, cells={**cells, **asked}), registers, error, before)


def _without_noise(program: Program) -> Program:
    """The program without noise."""
    silent = lambda group: (
        dataclasses.replace(group, noise=None, readout=None) if isinstance(group, AnalogCells) else group
    )
    return dataclasses.replace(program, cells={name: silent(group) for name, group in program.cells.items()})


class Fit(eqx.Module):
    """A group on its chip, what it receives and what the converter should read: a least-squares problem a circuit."""

    cells: AnalogCells
    task: Task
    wanted: Float[Array, "steps n"]
    stream: Array

    def registers(self, u: Float[Array, "registers n"]) -> dict[str, Float[Array, " n"]]:
        """What they are by name, of their numbers in units."""
        factors, potentials = factors_of(self.cells), potentials_of(self.cells)
        found = {what: jnp.exp(FACTOR * x) for what, x in zip(factors, u)}
        return found | {what: LSB * x for what, x in zip(potentials, u[len(factors) :])}

    def residuals(self, u: Float[Array, "registers n"]) -> tuple[Float[Array, "steps n"], Float[Array, "steps n"]]:
        """How far readings are from what they should be, and spikes, LSB."""
        found = self.registers(u)
        cells = changed(self.cells, found, found)
        v, z = followed(cells, self.task, self.stream)
        exact = cells.reading(v)
        if cells.readout is not None:
            ids = cells.n + jnp.arange(cells.n, dtype=jnp.uint32)[None]  # the first are those of the membrane
            steps = jnp.arange(len(v), dtype=jnp.uint32)[:, None]
            exact = exact + cells.readout * _random.normal(self.stream, steps, ids)
        read = straight_through(jnp.clip(jnp.round(exact), *CADC), exact)
        return read - self.wanted, MISSED * (z - self.task.spikes)

    def best(self, starts: int, iterations: int) -> tuple[dict[str, Array], Array, Array]:
        """Registers where the best of some starts ended, each circuit's own, and the error there; and what it was.

        The first start is what was asked, and so is what a circuit does not show: registers are drawn to it a little.
        """
        count = len(factors_of(self.cells)) + len(potentials_of(self.cells))
        ids = jnp.arange(count * self.cells.n, dtype=jnp.uint32).reshape(1, count, -1)
        start = jnp.uint32(2**31) + jnp.arange(starts, dtype=jnp.uint32)[:, None, None]
        away = _random.normal(self.stream, start, ids).at[0].set(0.0)
        end, before = jax.vmap(lambda u: self.descended(u, iterations))(away)
        first = jnp.argmin(end.cost, axis=0)
        chosen = lambda x: jnp.take_along_axis(x, first.reshape(1, *(1,) * (x.ndim - 2), -1), axis=0)[0]
        return self.registers(chosen(end.u)), chosen(end.rms), before[0]

    def descended(self, u: Array, iterations: int) -> tuple["At", Array]:
        """Levenberg and Marquardt, of every circuit by itself: where it ends, and the rms of readings at its start."""
        unit = jnp.broadcast_to(jnp.eye(len(u))[:, :, None], (len(u), *u.shape))

        def at(u: Array) -> At:
            (readings, spikes), along = jax.linearize(self.residuals, u)
            r = jnp.concatenate([readings, spikes, PRIOR * u])
            slopes = jnp.concatenate([*jax.vmap(along)(unit), PRIOR * unit], axis=1)  # (registers, rows, n)
            curved = jnp.einsum("prn,qrn->pqn", slopes, slopes)
            rms = jnp.sqrt(jnp.mean(jnp.square(readings), axis=0))
            return At(u, jnp.einsum("prn,rn->pn", slopes, r), curved, jnp.sum(jnp.square(r), axis=0), rms)

        def step(carry: Any, _: None) -> Any:
            here, damping = carry
            damped = here.curved * (1.0 + damping[None, None] * unit)
            move = jnp.linalg.solve(damped.transpose(2, 0, 1), here.slope.T[:, :, None])[:, :, 0].T
            there = at(jnp.clip(here.u - jnp.clip(move, -1.0, 1.0), -FARTHEST, FARTHEST))
            better = there.cost < here.cost
            damping = jnp.clip(jnp.where(better, damping / 3.0, damping * 3.0), 1e-6, 1e6)
            return (
                jax.tree.map(lambda new, old: jnp.where(jnp.broadcast_to(better, new.shape), new, old), there, here),
                damping,
            ), here.rms

        far = jnp.full(u.shape[1], jnp.inf)
        nowhere = At(u, jnp.zeros_like(u), unit, far, far)
        (end, _), history = jax.lax.scan(step, (nowhere, jnp.ones_like(far)), None, length=iterations + 1)
        return end, jnp.concatenate([history, end.rms[None]])[1]


class At(NamedTuple):
    """Registers, and there: the slope and the curvature of the cost of each circuit, the cost, the rms of readings."""

    u: Float[Array, "registers n"]
    slope: Float[Array, "registers n"]
    curved: Float[Array, "registers registers n"]
    cost: Float[Array, " n"]
    rms: Float[Array, " n"]
