"""The node of NIR for a population, and what arrives at its neurons in every step, which NIR has in a connection."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...networks.population import Population
from ...neurons.cuba import CubaLIF
from ...neurons.lif import LIF
from ...neurons.readout import LI
from ...neurons.recursions import CurrentAfterInput, EulerDecay
from ...neurons.resets import NoReset
from ...synapses.delta import Delta
from .conventions import Convention
from .maps import Shape

KEY = "jaxsnn"  # of a node's metadata


class Cell(NamedTuple):
    """A node; what is to arrive at it in every step beside spikes; and what a weight of 1 is in the graph.

    `threshold`: the node behind it of neurons that are not reset, or None.
    """

    node: Any
    bias: np.ndarray
    scale: np.ndarray
    threshold: Any = None


def node_of(name: str, p: Population, shape: Shape, convention: Convention, *, looped: bool) -> Cell:
    """The node of a population, whose spikes return to it where it is `looped`.

    **Raises:** ValueError for what NIR has no node for.
    """
    what, neuron = f"Population {name!r}", p.neuron
    if type(neuron) not in _KINDS:
        raise ValueError(f"{what} is {type(neuron).__name__}, which NIR has no node for; it has LIF, LI and CubaLIF.")
    if list(map(type, p.ports.values())) != [Delta]:
        kinds = ", ".join(type(port).__name__ for port in p.ports.values())
        raise ValueError(f"{what} has the ports {kinds}; NIR has jumps (Delta), or the current of CubaLIF.")
    if p.init and not (isinstance(neuron, LI) and set(p.init) == {"v"}):
        raise ValueError(f"{what} has initial values; a graph of NIR starts at rest.")
    given = _Given(what, p, shape, looped, convention)
    cell: Cell = _KINDS[type(neuron)](given)
    return cell._replace(threshold=given.threshold())


class _Given:
    """The numbers of a population as NIR has them: one a neuron, times in units of the graph."""

    def __init__(self, what: str, p: Population, shape: Shape, looped: bool, convention: Convention):
        self.what, self.p, self.shape, self.looped, self.convention = what, p, shape, looped, convention
        self.neuron: Any = p.neuron
        self.euler = isinstance(convention.decay, EulerDecay)

    def each(self, x: Any) -> np.ndarray:
        flat = np.asarray(x, np.float64).reshape(-1)
        return np.broadcast_to(flat, (self.p.n,)).reshape(self.shape).copy()

    def tau(self, tau: Any, decay_is_euler: bool = False) -> np.ndarray:
        """A time constant in steps, with which the convention's decay has the factor that the neuron's has."""
        steps = self.each(tau) / self.convention.dt_ms
        if decay_is_euler == self.euler:
            return steps
        with np.errstate(divide="ignore"):
            return -1.0 / (np.expm1(-1.0 / steps) if self.euler else np.log1p(-1.0 / steps))

    def cell(self, node: Any, bias: np.ndarray, gain: Any = 1.0) -> Cell:
        """`bias`: what is added to the membrane in every step; `gain`: what the node adds for one unit that arrives."""
        scale = (1.0 / self.each(gain)).reshape(-1)
        return Cell(node, bias.reshape(-1) * scale, scale)

    def leaks(self, tau: np.ndarray) -> bool:
        if np.any(np.isinf(tau)) and not np.all(np.isinf(tau)):
            raise ValueError(f"{self.what} has neurons with and without a leak, LIF and IF in NIR; split it in two.")
        return not np.any(np.isinf(tau))

    @property
    def unreset(self) -> bool:
        """Whether it fires and is not reset: in NIR a membrane with a threshold behind it."""
        never = isinstance(getattr(self.neuron, "reset_mechanism", None), NoReset)
        return never and not np.any(np.isinf(self.each(self.neuron.v_th)))

    def threshold(self) -> Any:
        import nir

        return nir.Threshold(threshold=self.each(self.neuron.v_th)) if self.unreset else None

    def firing(self, parts: tuple[str, ...] = ("reset_mechanism", "reset_time", "comparator")) -> dict[str, Any]:
        """What NIR says of the threshold, and what it has no place for; nothing where it is infinite or behind."""
        v_th, v_reset = self.each(self.neuron.v_th), self.each(self.neuron.v_reset)
        if self.unreset and isinstance(self.neuron.comparator, type(self.convention.comparator)):
            return {}
        if np.any(endless := np.isinf(v_th)):
            if not np.all(endless):
                raise ValueError(f"{self.what} has neurons that fire and ones of an infinite v_th; split it in two.")
            return {}
        convention, current = self.convention, isinstance(self.neuron, CubaLIF)
        said = {
            "reset_mechanism": convention.reset_mechanism,
            "reset_time": convention.reset_time_of(current=current, looped=self.looped),
            "comparator": convention.comparator,
        }
        for part in parts:
            here, there = type(getattr(self.neuron, part)).__name__, type(said[part]).__name__
            if here != there:
                raise ValueError(
                    f"{self.what} has {part} = {here}(), and the convention {there}(), which NIR does not say; give a "
                    f"convention with {part}={here}(), which its reader has to take as well."
                )
        return {"v_threshold": v_th, "v_reset": v_reset}

    def plain(self) -> None:
        """One error for what NIR has no node for."""
        if np.any(np.asarray(self.neuron.t_ref) > 0):
            raise ValueError(f"{self.what} has a refractory period, which NIR has no node for; set t_ref=0.")
        if getattr(self.neuron, "noise", None) is not None:
            raise ValueError(f"{self.what} has noise, which NIR has no node for; set noise=None.")


def _lif(of: _Given) -> Cell:
    import nir

    of.plain()
    neuron, convention, tau, firing = of.neuron, of.convention, of.tau(of.neuron.tau), of.firing()
    bias = of.each(neuron.gain.per_step(neuron.tau, convention.dt_ms)) * of.each(neuron.bias)
    kind: Any
    if not of.leaks(tau):
        kind = nir.IF if firing else nir.I
        return of.cell(kind(r=of.each(1.0 / convention.integrator_gain(1.0)), **firing), bias)
    kind, r = nir.LIF if firing else nir.LI, of.each(convention.written_r(tau))
    node = kind(tau=tau * convention.dt, r=r, v_leak=of.each(neuron.v_rest), **firing)
    return of.cell(node, bias, convention.membrane_gain(r, tau))


def _li(of: _Given) -> Cell:
    import nir

    convention, tau, rest = of.convention, of.tau(of.neuron.tau), of.each(of.neuron.v_rest)
    start = of.each(of.p.init.get("v", rest.reshape(-1)))
    if not of.leaks(tau):
        return of.cell(nir.I(r=of.each(1.0 / convention.integrator_gain(1.0))), of.each(0.0))
    bias = (rest - start) * -np.expm1(-convention.dt_ms / of.each(of.neuron.tau))  # NIR starts at v_leak
    r = of.each(convention.written_r(tau))
    return of.cell(nir.LI(tau=tau * convention.dt, r=r, v_leak=start), bias, convention.membrane_gain(r, tau))


def _cuba(of: _Given) -> Cell:
    import nir

    of.plain()
    neuron, convention = of.neuron, of.convention
    euler = isinstance(neuron.decay, EulerDecay)
    memoryless = np.all(of.each(neuron.tau) == convention.dt_ms) and np.all(of.each(neuron.tau_syn) == convention.dt_ms)
    memoryless = euler and memoryless and not np.any(np.isinf(of.each(neuron.v_th)))
    firing = of.firing(("comparator",)) if memoryless else of.firing()
    if not isinstance(neuron.recursion, CurrentAfterInput):
        kind = type(neuron.recursion).__name__
        raise ValueError(f"{of.what} has recursion = {kind}(); graphs of NIR are stepped as CurrentAfterInput().")
    if memoryless:
        return of.cell(nir.Threshold(threshold=firing["v_threshold"]), of.each(neuron.bias))
    if np.any(np.asarray(neuron.bias)):
        raise ValueError(f"{of.what} has a bias at its membrane, and NIR has one at its current; set bias=0.")
    tau, tau_syn = of.tau(neuron.tau, euler), of.tau(neuron.tau_syn, euler)
    made: Any = nir.CubaLIF if firing else nir.CubaLI
    r, w_in = convention.written_current(tau, tau_syn)
    node = made(
        tau_syn=tau_syn * convention.dt,
        tau_mem=tau * convention.dt,
        r=r,
        v_leak=of.each(neuron.v_rest),
        w_in=w_in,
        **firing,
    )
    gain = convention.membrane_gain(r, tau) * convention.current_gain(w_in, tau_syn)
    return of.cell(node, of.each(0.0), gain / of.each(neuron.per_step(convention.dt_ms)))


_KINDS: dict[type, Any] = {LIF: _lif, LI: _li, CubaLIF: _cuba}
