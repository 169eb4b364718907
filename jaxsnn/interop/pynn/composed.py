"""PyNN's composed cells: a `PointNeuron` is a membrane, `LIF` or `AdExp`, with receptors of any number and name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import build_translations, cells, receptors

from ...synapses.conductance import Conductance
from ...synapses.dual import DualConductance
from ...synapses.exponential import Exponential
from .cells import ADAPTIVE, LEAK, MEMBRANE, Cell, Numbers, adaptive, conducting, leaky, native_names


class LIF(cells.LIF):
    """PyNN's leaky membrane: `LIF` with receptors that are currents, `CobaLIF` with conductances."""

    translations = build_translations(*MEMBRANE, *LEAK, ("v_thresh", "V_th"))
    variables: ClassVar = {"v": ("v", 1.0)}

    @staticmethod
    def membrane(p: Numbers, conductances: bool) -> Any:
        """The neuron."""
        return conducting(p) if conductances else leaky({**p, "tau_m": p["C_m"] / p["g_L"]})


class AdExp(cells.AdExp):
    """PyNN's adaptive exponential membrane: `AdEx`."""

    translations = build_translations(*ADAPTIVE)
    variables: ClassVar = {"v": ("v", 1.0), "w": ("w", 1e-3)}

    @staticmethod
    def membrane(p: Numbers, conductances: bool) -> Any:
        """The neuron."""
        return adaptive(p)


class CurrExpPostSynapticResponse(receptors.CurrExpPostSynapticResponse):
    """PyNN's receptor of exponentially decaying currents: `Exponential`."""

    recordable: ClassVar = ["isyn"]
    variable, names = "i", ("tau_syn",)
    translations = build_translations(("tau_syn", "tau_syn"))

    @staticmethod
    def port(tau: Any) -> Exponential:
        """The port."""
        return Exponential(tau)


class CondExpPostSynapticResponse(receptors.CondExpPostSynapticResponse):
    """PyNN's receptor of exponentially decaying conductances: `Conductance`."""

    recordable: ClassVar = ["gsyn"]
    variable, names = "g", ("tau_syn", "e_syn")
    translations = build_translations(*((name, name) for name in names))

    @staticmethod
    def port(tau: Any, e_rev: Any) -> Conductance:
        """The port."""
        return Conductance(tau, e_rev)


class CondAlphaPostSynapticResponse(receptors.CondAlphaPostSynapticResponse):
    """PyNN's receptor of alpha-shaped conductances, whose peak is the weight: `DualConductance`."""

    recordable: ClassVar = ["gsyn"]
    variable, names = "g", ("tau_syn", "e_syn")
    translations = build_translations(*((name, name) for name in names))

    @staticmethod
    def port(tau: Any, e_rev: Any) -> DualConductance:
        """The port."""
        return DualConductance(tau, tau, e_rev)


class CondBetaPostSynapticResponse(receptors.CondBetaPostSynapticResponse):
    """PyNN's receptor of conductances that rise and decay, whose peak is the weight: `DualConductance`."""

    recordable: ClassVar = ["gsyn"]
    variable, names = "g", ("tau_rise", "tau_decay", "e_syn")
    translations = build_translations(*((name, name) for name in names))

    @staticmethod
    def port(rise: Any, decay: Any, e_rev: Any) -> DualConductance:
        """The port."""
        return DualConductance(rise, decay, e_rev)


ExpPSR = CondExpPostSynapticResponse
AlphaPSR = CondAlphaPostSynapticResponse
BetaPSR = CondBetaPostSynapticResponse


class PointNeuron(Cell, cells.PointNeuron):
    """PyNN's cell of a membrane and named receptors: a population with a port for each."""

    def __init__(self, neuron: Any, **post_synaptic_receptors: Any) -> None:
        for what, part, kind in (
            ("neuron", neuron, (LIF, AdExp)),
            *((name, part, receptors.StandardPostSynapticResponse) for name, part in post_synaptic_receptors.items()),
        ):
            if not isinstance(part, kind):
                raise ValueError(f"PointNeuron.{what} is {part!r}, expected LIF(...) or AdExp(...), and receptors.")
        super().__init__(neuron, **post_synaptic_receptors)

    @property
    def ports(self) -> dict[str, str]:
        """Receptors are ports of the same name."""
        return {name: name for name in self.post_synaptic_receptors}

    @property
    def variables(self) -> dict[str, tuple[str, float]]:
        """Those of the membrane and of each receptor."""
        of_ports = self.post_synaptic_receptors.items()
        return self.neuron.variables | {
            f"{name}.{psr.recordable[0]}": (f"{name}.{psr.variable}", 1e-3) for name, psr in of_ports
        }

    @property
    def native_parameters(self) -> ParameterSpace:
        """Those of the membrane, and those of each receptor with its name before."""
        found = dict(self.neuron.native_parameters.items())
        for name, psr in self.post_synaptic_receptors.items():
            found |= {f"{name}.{x}": psr.parameter_space[x] for x in psr.names}
        return ParameterSpace(found)

    def read(self, names: tuple[str, ...], native: Callable[..., ParameterSpace]) -> ParameterSpace:
        own = tuple(name for name in names if "." not in name)
        found = self.neuron.reverse_translate(native(*native_names(self.neuron, own))) if own else ParameterSpace({})
        for name in names:
            if "." in name:
                found.schema = None
                found[name] = native(name)[name]
        return found

    def membrane(self, p):
        return self.neuron.membrane(p, self.conductance_based)

    def synapses(self, p):
        of_ports = self.post_synaptic_receptors.items()
        return {name: psr.port(*(p[f"{name}.{x}"] for x in psr.names)) for name, psr in of_ports}

    def decays(self, parameters: Numbers, receptor: str) -> np.ndarray | None:
        return parameters.get(f"{receptor}.tau_syn")
