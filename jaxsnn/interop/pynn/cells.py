"""PyNN's standard cells that are neurons: integrate-and-fire, exponential, Hodgkin-Huxley, Izhikevich.

Numbers are translated to those of NEST's models, pF, nS, pA, and made into the same neurons as `snn.presets.nest`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import build_translations, cells

from ...networks.population import Population
from ...neurons.base import AbstractNeuron
from ...neurons.coba import CobaLIF
from ...neurons.exponential import AdEx
from ...neurons.gains import Capacitance
from ...neurons.hodgkin_huxley import PeakDetector, TraubMiles
from ...neurons.integrators import RKF45, Euler
from ...neurons.lif import LIF
from ...neurons.quadratic import Izhikevich as QuadraticCell
from ...neurons.refractory import Clamp
from ...synapses.alpha import Alpha
from ...synapses.base import AbstractSynapse
from ...synapses.conductance import Conductance
from ...synapses.delta import Delta
from ...synapses.dual import DualConductance
from ...synapses.exponential import Exponential
from .building import one_or_all

_ROUNDING = 1e-6  # of a step, that times such as 0.3 may be off
_ERROR = 1e-3  # the tolerance that NEST builds into these models
MEMBRANE = (
    ("v_rest", "E_L"), ("v_reset", "V_reset"), ("cm", "C_m", 1e3), ("tau_refrac", "t_ref"), ("i_offset", "I_e", 1e3),
)  # fmt: skip
TAU = (("tau_m", "tau_m"),)
LEAK = (("tau_m", "g_L", "cm/tau_m*1000.0", "C_m/g_L"),)
_RECEPTORS = (("tau_syn_E", "tau_syn_ex"), ("tau_syn_I", "tau_syn_in"))
_REVERSALS = (("e_rev_E", "E_ex"), ("e_rev_I", "E_in"))
ADAPTIVE = (
    *MEMBRANE, *LEAK, ("v_thresh", "V_th"), ("v_spike", "V_peak"), ("a", "a"), ("b", "b", 1e3), ("delta_T", "Delta_T"),
    ("tau_w", "tau_w"),
)  # fmt: skip
_V = {"v": ("v", 1.0)}
_CONDUCTANCES = {"gsyn_exc": ("ex.g", 1e-3), "gsyn_inh": ("in.g", 1e-3)}
_CURRENTS = {"isyn_exc": ("ex.i", 1e-3), "isyn_inh": ("in.i", 1e-3)}

Numbers = Mapping[str, Any]


class Cell:
    """What the backend asks of a standard cell.

    `ports`: by receptor. `variables`: by PyNN's name the path of the state variable, and what a unit of it is in PyNN.
    """

    ports: ClassVar[dict[str, str]] = {"excitatory": "ex", "inhibitory": "in"}
    variables: ClassVar[dict[str, tuple[str, float]]] = _V

    def membrane(self, p: Numbers) -> AbstractNeuron:
        """The neuron, with the numbers `p`."""
        raise NotImplementedError

    def synapses(self, p: Numbers) -> dict[str, AbstractSynapse]:
        """Its ports."""
        return {"in": Delta()}

    def made(self, n: int, parameters: Numbers, start: dict[str, Any]) -> Population:
        """The population of `n` such cells, which start as `start` says."""
        p = {name: one_or_all(values) for name, values in parameters.items()}
        return Population(
            self.membrane(p), n, ports=self.synapses(p), init={x: one_or_all(v) for x, v in start.items()}
        )

    def read(self, names: tuple[str, ...], native: Callable[..., ParameterSpace]) -> ParameterSpace:
        """Parameters by PyNN's names; `native`: those of this module by their names, which may need others."""
        model: Any = self
        return model.reverse_translate(native(*native_names(model, names)))

    def decays(self, parameters: Numbers, receptor: str) -> np.ndarray | None:
        """The time constants of a receptor, ms, a cell each; None where it has none."""
        return parameters.get({"excitatory": "tau_syn_ex", "inhibitory": "tau_syn_in"}[receptor])

    def check(self, parameters: Numbers) -> None:
        """Raises ValueError for numbers that no such cell has."""

    def sent(self, parameters: Numbers, name: str, dt: float, first: int, last: int | None) -> list[Any]:
        """The drives of a spike source; a neuron has none."""
        return []


def native_names(model: Any, names: tuple[str, ...]) -> list[str]:
    """Of which numbers here the parameters `names` are computed."""
    return model.get_native_names(*(() if model.computed_parameters_include(names) else names))


def leaky(p: Numbers, **more: Any) -> LIF:
    """A membrane that is integrated exactly."""
    given = (p[name] for name in ("tau_m", "E_L", "V_th", "V_reset", "t_ref", "I_e"))
    return LIF(*given, gain=Capacitance(p["C_m"]), **more)


def conducting(p: Numbers) -> CobaLIF:
    """A membrane that is integrated together with conductances."""
    given = (p[name] for name in ("C_m", "g_L", "E_L", "V_th", "V_reset", "t_ref", "I_e"))
    return CobaLIF(*given, integrator=RKF45(_ERROR))


def adaptive(p: Numbers) -> AdEx:
    """A membrane with an exponential onset of spikes and adaptation."""
    given = ("C_m", "g_L", "E_L", "V_th", "Delta_T", "V_peak", "V_reset", "t_ref", "I_e", "a", "tau_w", "b")
    return AdEx(*(p[name] for name in given), integrator=RKF45(1e-6, relative=1e-6, first=0.01))


class _Leaky(Cell):
    """A leaky membrane with currents, integrated exactly."""

    def membrane(self, p):
        return leaky(p)


class IF_curr_exp(_Leaky, cells.IF_curr_exp):
    """PyNN's cell with exponentially decaying currents: `LIF` with two `Exponential` ports."""

    translations = build_translations(*MEMBRANE, *TAU, ("v_thresh", "V_th"), *_RECEPTORS)
    variables: ClassVar = _V | _CURRENTS

    def synapses(self, p):
        return {"ex": Exponential(p["tau_syn_ex"]), "in": Exponential(p["tau_syn_in"])}


class IF_curr_alpha(_Leaky, cells.IF_curr_alpha):
    """PyNN's cell with alpha-shaped currents, whose peak is the weight: `LIF` with two `Alpha` ports."""

    translations = build_translations(*MEMBRANE, *TAU, ("v_thresh", "V_th"), *_RECEPTORS)

    def synapses(self, p):
        return {"ex": Alpha(p["tau_syn_ex"]), "in": Alpha(p["tau_syn_in"])}


class IF_curr_delta(_Leaky, cells.IF_curr_delta):
    """PyNN's cell whose membrane jumps by the weight, mV: `LIF` with a `Delta` port, deaf while refractory."""

    translations = build_translations(*MEMBRANE, *TAU, ("v_thresh", "V_th"))
    ports: ClassVar = {"excitatory": "in", "inhibitory": "in"}

    def membrane(self, p):
        return leaky(p, refractory_input=Clamp())


class _Conducting(Cell):
    """A leaky membrane with conductances, integrated together by Fehlberg's method, as in NEST."""

    variables: ClassVar = _V | _CONDUCTANCES

    def membrane(self, p):
        return conducting(p)

    def synapses(self, p):
        return exponential(p)


def exponential(p: Numbers) -> dict[str, AbstractSynapse]:
    """Conductances that decay."""
    return {"ex": Conductance(p["tau_syn_ex"], p["E_ex"]), "in": Conductance(p["tau_syn_in"], p["E_in"])}


def alpha(p: Numbers) -> dict[str, AbstractSynapse]:
    """Conductances with the course of an alpha function, whose peak is the weight."""
    ex, inh = p["tau_syn_ex"], p["tau_syn_in"]
    return {"ex": DualConductance(ex, ex, p["E_ex"]), "in": DualConductance(inh, inh, p["E_in"])}


class IF_cond_exp(_Conducting, cells.IF_cond_exp):
    """PyNN's cell with exponentially decaying conductances: `CobaLIF` with two `Conductance` ports."""

    translations = build_translations(*MEMBRANE, *LEAK, ("v_thresh", "V_th"), *_RECEPTORS, *_REVERSALS)


class IF_cond_alpha(_Conducting, cells.IF_cond_alpha):
    """PyNN's cell with alpha-shaped conductances, whose peak is the weight: `CobaLIF` with `DualConductance`."""

    translations = build_translations(*MEMBRANE, *LEAK, ("v_thresh", "V_th"), *_RECEPTORS, *_REVERSALS)

    def synapses(self, p):
        return alpha(p)


class IF_facets_hardware1(_Conducting, cells.IF_facets_hardware1):
    """PyNN's `IF_cond_exp` with what is fixed in the chip of FACETS, stage 1; `g_leak` in nS."""

    translations = build_translations(
        ("v_reset", "V_reset"), ("v_rest", "E_L"), ("v_thresh", "V_th"), ("e_rev_I", "E_in"), ("g_leak", "g_L"),
        *_RECEPTORS,
    )  # fmt: skip

    def made(self, n, parameters, start):
        fixed = {"C_m": 200.0, "t_ref": 1.0, "E_ex": 0.0, "I_e": 0.0}  # of the chip
        return super().made(n, {**parameters, **fixed}, start)


class _Adaptive(Cell):
    """Exponential integrate-and-fire with adaptation, integrated by Fehlberg's method."""

    variables: ClassVar = _V | _CONDUCTANCES | {"w": ("w", 1e-3)}

    def membrane(self, p):
        return adaptive(p)


class EIF_cond_exp_isfa_ista(_Adaptive, cells.EIF_cond_exp_isfa_ista):
    """PyNN's adaptive exponential cell with exponentially decaying conductances: `AdEx`."""

    translations = build_translations(*ADAPTIVE, *_RECEPTORS, *_REVERSALS)

    def synapses(self, p):
        return exponential(p)


class EIF_cond_alpha_isfa_ista(_Adaptive, cells.EIF_cond_alpha_isfa_ista):
    """PyNN's adaptive exponential cell with alpha-shaped conductances: `AdEx`."""

    translations = build_translations(*ADAPTIVE, *_RECEPTORS, *_REVERSALS)

    def synapses(self, p):
        return alpha(p)


class HH_cond_exp(Cell, cells.HH_cond_exp):
    """PyNN's Hodgkin-Huxley cell after Traub and Miles, with exponentially decaying conductances: `TraubMiles`."""

    translations = build_translations(
        ("gbar_Na", "g_Na", 1e3), ("gbar_K", "g_K", 1e3), ("g_leak", "g_L", 1e3), ("cm", "C_m", 1e3),
        ("v_offset", "V_T"), ("e_rev_Na", "E_Na"), ("e_rev_K", "E_K"), ("e_rev_leak", "E_L"),
        ("i_offset", "I_e", 1e3), *_RECEPTORS, *_REVERSALS,
    )  # fmt: skip
    variables: ClassVar = _V | _CONDUCTANCES | {name: (name, 1.0) for name in "mhn"}

    def membrane(self, p):
        return TraubMiles(
            p["C_m"], p["g_Na"], p["g_K"], p["g_L"], p["E_Na"], p["E_K"], p["E_L"], p["V_T"], v_th=p["V_T"] + 30.0,
            t_ref=2.0, bias=p["I_e"], integrator=RKF45(_ERROR), detector=PeakDetector(),
        )  # fmt: skip

    def synapses(self, p):
        return exponential(p)


class Izhikevich(Cell, cells.Izhikevich):
    """PyNN's cell of Izhikevich (2003), whose membrane jumps by the weight, mV."""

    translations = build_translations(("a", "a"), ("b", "b"), ("c", "c"), ("d", "d"), ("i_offset", "I_e", 1e3))
    ports: ClassVar = {"excitatory": "in", "inhibitory": "in"}
    variables: ClassVar = _V | {"u": ("u", 1.0)}

    def membrane(self, p):
        return QuadraticCell(p["a"], p["b"], p["c"], p["d"], 30.0, bias=p["I_e"], integrator=Euler())


def steps_of(times: Any, dt: float) -> np.ndarray:
    """The steps in which spikes at `times`, ms, are sent: those in which they lie, their ends included, as in NEST."""
    return np.ceil(np.asarray(times, float) / dt - _ROUNDING).astype(np.int64) - 1
