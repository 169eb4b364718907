"""The numeric passes: a scale for every group of cells, and whole numbers for every value. All of it can be traced."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._types import is_concrete, param
from .discretise import AbstractPass
from .fixed import Fixed, Ranged, as_integer, register, to_mantissa
from .ir import CellNode, Graph, LinkNode, Value, real
from .learning.link import LearningLink

_UNIT = 64.0  # 2^6: thresholds and inputs are multiples of it
_CANDIDATES = 64
_SAMPLE = 512  # weights of a link that a scale is tried on
_FORGETS = 2.0**-6  # a membrane that keeps less than this in a step has forgotten its start
_LEARNED = 255.0  # the largest mantissa that can be learned
_ACCUMULATOR, _REGISTER = 2.0**21 - 64, 2.0**23 - 1
_THRESHOLD, _BIAS, _WEIGHT = 131071 * _UNIT, 4095.0 * 128, 254 * 128 * _UNIT


class Precision(Ranged):
    """How many bits numbers have: the one place to say it, for all passes that have to agree.

    **Arguments**, whole numbers that may be traced: `weight`: 1..8, the sign among them where signs are mixed; not of
    links that learn. `decay`: 1..12. `threshold`: 1..17.
    """

    weight: Array = register(8, within=(1, 8))
    decay: Array = register(12, within=(1, 12))
    threshold: Array = register(17, within=(1, 17))


def _if_possible(each: AbstractPass, number: Array, otherwise: float) -> Array:
    """A number, or one that no register holds where the pass was given traced numbers out of range: a run says so."""
    return number if is_concrete(each) else jnp.where(each.faulty(), jnp.asarray(otherwise, number.dtype), number)


class QuantiseDecays(AbstractPass):
    """Decays become multiples of `2^-bits`, the current's at least one of them; 12 bits are what a register has.

    A decay that was rounded changes the mean that a steady input reaches, by up to half a unit of the last bit over the
    decay; weights and biases are scaled by `rounded / exact`, which undoes that.
    """

    numeric: ClassVar[bool] = True
    bits: Array = register(12, within=(1, 12))

    def __call__(self, graph, target):
        cells, links = {}, {}
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            new, gain = {}, jnp.ones(())
            for key in ("decay_u", "decay_v"):
                exact = cell[key]
                unit = jnp.exp2(self.bits.astype(exact.dtype))
                register_unit = as_integer(1) << (12 - self.bits)
                m = jnp.clip(jnp.round(exact * unit), 1.0, unit).astype(jnp.int32) * register_unit
                m = _if_possible(self, m, -1)
                new[key] = Value(m, Fixed(13, 12, signed=False))
                ratio = m.astype(exact.dtype) / 4096.0 / exact
                gain = gain * ratio
                graph = graph.count(name, **{f"{key}, largest relative error": jnp.max(jnp.abs(ratio - 1.0))})
                if key == "decay_v":
                    new["bias"] = real(cell["bias"] * ratio)
            ports = {port: worth * gain for port, worth in cell.ports.items()}
            cells[name] = CellNode(cell.n, cell.set(**new).values, ports)
            for key, link in graph.into(name).items():
                links[key] = link.times(gain)
        return graph.having(cells=cells, links=links)


class Peaks(eqx.Module):
    """The largest magnitudes seen in a group, in the model's units: summed input of a step, `u + bias`, `v`."""

    a: Array = param(unit="v")
    u: Array = param(unit="v")
    v: Array = param(unit="v")


def unseen() -> Peaks:
    """Peaks of a group that was not looked at."""
    return Peaks(jnp.inf, jnp.inf, jnp.inf)


class AbstractRoom(eqx.Module):
    """Which registers must have room for all inputs at once, where a scale is set from weights alone."""


class UpToCurrent(AbstractRoom):
    """Input and current: they cannot overflow. The voltage may be clipped, far below rest."""


class UpToVoltage(AbstractRoom):
    """The voltage too, so that all cores agree; slow membranes pay for it with coarser weights."""


class BalanceScales(AbstractPass):
    """A scale for every group: what one unit of `v` is worth in the lowest bits of its registers.

    As large as thresholds, biases, weights and inputs have room for; and within a factor of two below that, the one
    that rounds weights least. A power of two is not asked for: spikes have no unit, so groups need not agree.
    Weights that are learned count as large as their `Bound`, and are to reach it where their mantissa ends.

    **Arguments:** `peaks`: seen in a run, by group. Where there are none, the bound of the weights is taken: all
    inputs at once, `room`: `UpToCurrent()` or `UpToVoltage()`. `margin`: room left beyond the peaks, a factor.
    `weight_bits`: as `Quantise` has.
    """

    numeric: ClassVar[bool] = True
    peaks: dict[str, Peaks] = eqx.field(default_factory=dict)
    margin: Array = param(1.5, unit="1", gt=0.0)
    weight_bits: Array = register(8, within=(1, 8))
    room: AbstractRoom = eqx.field(default_factory=UpToCurrent)

    def faulty(self):
        return super().faulty() | ~jnp.all(self.margin > 0)

    def __check_init__(self):
        for name, peak in self.peaks.items():
            if not isinstance(peak, Peaks):
                raise ValueError(f"BalanceScales.peaks[{name!r}] is {peak!r}; expected Peaks(a, u, v).")
        if not isinstance(self.room, (UpToCurrent, UpToVoltage)):
            raise ValueError(f"BalanceScales.room is {self.room!r}; expected UpToCurrent() or UpToVoltage().")

    def __call__(self, graph, target):
        cells = {}
        for name, cell in graph.cells.items():
            if not cell.is_input:
                largest = self._largest(graph, name, cell)
                scale = self._least_error(largest, list(graph.into(name).values()))
                cells[name] = cell.set(scale=real(_if_possible(self, scale, jnp.nan)))
        return graph.having(cells=cells)

    def _largest(self, graph: Graph, name: str, cell: CellNode) -> Float[Array, ""]:
        """The scale at which the first register is full."""
        links = graph.into(name).values()
        none = jnp.zeros(cell.n)
        ends = [link.reach() for link in links]
        up = sum((jnp.sum(high, axis=0) for _, high in ends), none)
        down = sum((jnp.sum(-low, axis=0) for low, _ in ends), none)
        a = jnp.maximum(up, down)
        u = a * 4096.0 / cell["decay_u"].astype(a.dtype) + jnp.abs(cell["bias"])
        v = u * 4096.0 / cell["decay_v"].astype(a.dtype)
        fires = "threshold" in cell.values
        bound = Peaks(jnp.max(a), jnp.max(u), jnp.max(jnp.maximum(v, cell["threshold"] + u) if fires else v))
        seen = self.peaks.get(name, unseen())
        known = jnp.isfinite(seen.a)  # one program for both
        need = jax.tree.map(lambda s, b: jnp.where(known, s * self.margin, b), seen, bound)
        weight = jnp.max(jnp.stack([jnp.zeros(()), *(jnp.max(jnp.maximum(high, -low)) for low, high in ends)]))
        rooms = [
            (_ACCUMULATOR, need.a),
            (_REGISTER, need.u),
            (_BIAS, jnp.max(jnp.abs(cell["bias"]))),
            (_WEIGHT, weight),
            (_THRESHOLD, jnp.max(cell["threshold"]) if fires else need.v),
        ]
        if isinstance(self.room, UpToVoltage):
            rooms.append((_REGISTER, jnp.where(known, 0.0, 1.05 * bound.v)))  # some for what rounding adds
        return jnp.min(jnp.stack([room / jnp.maximum(need, 1e-30 * room) for room, need in rooms]))

    def _least_error(self, largest: Array, links: list[LinkNode]) -> Float[Array, ""]:
        """Of scales up to a factor of two below the largest, the one that rounds the weights least."""
        below = jnp.arange(_CANDIDATES, dtype=largest.dtype) / _CANDIDATES
        candidates = largest * jnp.exp2(-below)
        learned = [link.learning.largest() for link in links if link.learning is not None]
        if learned:  # the scales at which a bound is where mantissas end
            full = jnp.stack(learned) / (_LEARNED * _UNIT)
            exponent = jnp.clip(jnp.floor(jnp.log2(largest * full)), -8.0, 7.0)
            candidates = jnp.concatenate([candidates, jnp.minimum(jnp.exp2(exponent) / full, largest)])
            below = jnp.log2(largest / candidates)
        samples = [(_sample(link["weight"]), link) for link in links if link.learning is None]

        def error(scale: Array) -> Array:
            total = jnp.zeros(())
            for w, link in samples:
                whole, exponent, _ = _whole(w * scale, link, self.weight_bits)
                back = whole.astype(w.dtype) * jnp.exp2(exponent.astype(w.dtype)) * _UNIT / scale
                total += jnp.sum((back - w) ** 2) / jnp.maximum(jnp.sum(w**2), 1e-30)
            for most in learned:
                end = _LEARNED * jnp.exp2(_learned_exponent(most * scale)) * _UNIT / scale
                total += (end / jnp.maximum(most, 1e-30) - 1.0) ** 2
            return total

        errors = jax.lax.map(error, candidates)
        return candidates[jnp.argmin(errors + 1e-9 * below)]  # of equals the largest


def _learned_exponent(largest: Array) -> Array:
    """The exponent with which the largest scaled weight that can be learned fills its mantissa, below 0 too."""
    units = jnp.maximum(largest / _UNIT, 1e-30)
    return jnp.clip(jnp.ceil(jnp.log2(units / (_LEARNED + 0.499))), -8.0, 7.0)


def _sample(weight: Array) -> Array:
    """Weights of a link, from the smallest to the largest, few enough to try many scales on."""
    flat = jnp.sort(weight.reshape(-1))
    if flat.size <= _SAMPLE:
        return flat
    return flat[jnp.linspace(0, flat.size - 1, _SAMPLE).astype(jnp.int32)]


def _whole(scaled: Array, link: LinkNode, bits: Array) -> tuple[Array, Array, Array]:
    """Scaled weights as `whole 2^exponent 2^6` with `exponent >= 0`, and which were clipped.

    `whole` has `bits` bits, or one less where signs are mixed. The exponent is the smallest that fits them: a negative
    one would buy nothing, as an input is a multiple of 2^6.
    """
    limit = jnp.exp2(jnp.maximum(bits - link.sign.spent, 0).astype(scaled.dtype)) - 1.0
    units = scaled / _UNIT
    top = jnp.max(jnp.abs(units))
    most = (15 + link.sign.spent - bits).astype(scaled.dtype)  # 7, of a mantissa that fills the high bits
    exponent = jnp.clip(jnp.ceil(jnp.log2(jnp.maximum(top, 1e-30) / (jnp.maximum(limit, 0.5) + 0.499))), 0.0, most)
    rounded = jnp.round(units * jnp.exp2(-exponent))
    return jnp.clip(rounded, -limit, limit).astype(jnp.int32), exponent.astype(jnp.int32), jnp.abs(rounded) > limit


class Quantise(AbstractPass):
    """Weights, thresholds and biases become mantissas, each in its format; what is lost is counted by part.

    A weight is `mantissa 2^(6 + exponent)`, one exponent a link, and bits that no weight of a link uses are not stored.
    The mantissa fills the high bits, so that all cores agree on it whatever they do with low ones.

    Weights that are learned have all 8 bits, and an exponent with which their `Bound` fills them.

    **Arguments:** `weight_bits`: 1..8, the sign among them where signs are mixed; not of links that learn.
    `threshold_bits`: 1..17.
    """

    numeric: ClassVar[bool] = True
    weight_bits: Array = register(8, within=(1, 8))
    threshold_bits: Array = register(17, within=(1, 17))

    def __call__(self, graph, target):
        cells, links = {}, {}
        for name, cell in graph.cells.items():
            if cell.is_input:
                continue
            cell, counts = self._cell(cell, dict(graph.late).get(name, 0))
            cells[name], graph = cell, graph.count(name, **counts)
            for key, link in graph.into(name).items():
                links[key], counts = self._link(link, cell["scale"])
                graph = graph.count(key, **counts)
        return graph.having(cells=cells, links=links)

    def _cell(self, cell: CellNode, late: int) -> tuple[CellNode, dict[str, Any]]:
        scale = cell["scale"]
        counts: dict[str, Any] = {}
        if "threshold" in cell.values:
            wanted = cell["threshold"] * scale
            coarse = 17 - self.threshold_bits  # low bits that are left out
            form = Fixed(self.threshold_bits, -(6 + coarse), signed=False)
            m, clipped = to_mantissa(wanted, form)
            threshold = Value(_if_possible(self, m << coarse, -1), Fixed(17, -6, signed=False))
            error = (m << coarse).astype(wanted.dtype) * _UNIT / jnp.maximum(wanted, 1e-30) - 1.0
            counts["thresholds clipped"] = jnp.sum(clipped)
            counts["threshold, largest relative error"] = jnp.max(jnp.abs(error))
        else:
            threshold = Value(as_integer(131071), Fixed(17, -6, signed=False))
        wanted = cell["bias"] * scale
        exponent = jnp.clip(jnp.ceil(jnp.log2(jnp.maximum(jnp.abs(wanted) / 4095.0, 1.0))), 0, 7).astype(jnp.int32)
        m, clipped = to_mantissa(wanted, Fixed(12, -exponent))
        counts["biases clipped"] = jnp.sum(clipped)
        back = m.astype(wanted.dtype) * jnp.exp2(exponent.astype(wanted.dtype))
        counts["bias, largest error over threshold"] = jnp.max(
            jnp.abs(back - wanted) / jnp.maximum(threshold.x.astype(wanted.dtype) * _UNIT, 1.0)
        )
        held = cell["refractory"]
        refractory = Value(held.astype(jnp.int32), Fixed(6, signed=False))
        start, clipped = _start(cell, late, threshold.x)
        counts |= {"initial voltages clipped": jnp.sum(clipped)}
        values = dict(threshold=threshold, bias=Value(m, Fixed(12, -exponent)), refractory=refractory, v_start=start)
        ports = {port: worth * scale / _UNIT for port, worth in cell.ports.items()}
        return CellNode(cell.n, cell.set(**values).values, ports), counts

    def _link(self, link: LinkNode, scale: Array) -> tuple[LinkNode, dict[str, Any]]:
        if link.learning is not None:
            return self._learned(link, link.learning, scale)
        wanted = link["weight"] * scale
        whole, exponent, clipped = _whole(wanted, link, self.weight_bits)
        spent = link.sign.spent
        used = jnp.ceil(jnp.log2(jnp.max(jnp.abs(whole)).astype(wanted.dtype) + 1.0)).astype(jnp.int32)
        bits = jnp.minimum(used + spent, 8)
        lift = jnp.minimum(8 - bits + spent, exponent + 8)  # an exponent is at least -8
        values = dict(
            weight=Value(whole << lift, Fixed(8, -(6 + exponent - lift))),
            exponent=Value(exponent - lift, Fixed(3)),
            bits=Value(_if_possible(self, bits, 9), Fixed(4, signed=False)),
        )
        return link.set(**values), _lost(link, wanted, whole, exponent, clipped)

    def _learned(self, link: LinkNode, learning: LearningLink, scale: Array) -> tuple[LinkNode, dict[str, Any]]:
        wanted = link["weight"] * learning.worth * scale
        exponent = _learned_exponent(learning.largest() * scale)
        step = 1 + link.sign.spent  # where both signs are stored, mantissas start even
        rounded = step * jnp.round(wanted / (_UNIT * jnp.exp2(exponent) * step))
        most = _LEARNED - link.sign.spent
        whole, exponent = jnp.clip(rounded, -most, most).astype(jnp.int32), exponent.astype(jnp.int32)
        values = dict(
            weight=Value(whole, Fixed(8, -(6 + exponent))),
            exponent=Value(exponent, Fixed(3)),
            bits=Value(as_integer(8), Fixed(4, signed=False)),
        )
        spread = {"receivers' gains, largest relative error": learning.spread} if learning.unit.ndim else {}
        return link.set(**values), _lost(link, wanted, whole, exponent, jnp.abs(rounded) > most) | spread


def _start(cell: CellNode, late: int, threshold: Array) -> tuple[Value, Array]:
    """The voltage at the start, and where it had to be clipped: at most at threshold, and of 23 bits.

    A group that is `late` by so many steps first takes these without input, so it starts as much before.
    """
    v, keep = cell["v_start"], 1.0 - cell["decay_v"].astype(cell["v_start"].dtype) / 4096.0
    for _ in range(late):
        v = jnp.where(keep > _FORGETS, (v - cell["bias"]) / jnp.maximum(keep, _FORGETS), 0.0)
    wanted = jnp.round(v * cell["scale"])
    most = jnp.minimum(threshold.astype(wanted.dtype) * _UNIT, _REGISTER)
    kept = jnp.clip(wanted, -_REGISTER, most)
    return Value(kept.astype(jnp.int32), Fixed(23)), kept != wanted


def _lost(link: LinkNode, wanted: Array, whole: Array, exponent: Array, clipped: Array) -> dict[str, Any]:
    """What quantising lost of the weights of a link."""
    exists = jnp.asarray(link["exists"])
    back = whole.astype(wanted.dtype) * jnp.exp2(exponent.astype(wanted.dtype)) * _UNIT
    n = jnp.maximum(jnp.sum(exists), 1).astype(wanted.dtype)
    size = jnp.sqrt(jnp.sum(wanted**2) / n)
    return {
        "synapses": jnp.sum(exists),
        "weights clipped": jnp.sum(clipped & exists),
        "weights rounded": jnp.sum((back != wanted) & exists),
        "weights rounded to 0": jnp.sum((whole == 0) & (wanted != 0)),
        "weights, relative rms error": jnp.sqrt(jnp.sum((back - wanted) ** 2) / n) / jnp.maximum(size, 1e-30),
    }
