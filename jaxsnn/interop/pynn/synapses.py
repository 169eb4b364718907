"""PyNN's synapse types: short-term plasticity as a release, spike-timing-dependent plasticity as a rule.

Numbers keep PyNN's names and units; weights become pA, nS or mV where the network is built.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pyNN.standardmodels import build_translations, synapses

from ...connectivity.short_term import TsodyksUzielMarkram
from ...connectivity.unreliable import Bernoulli
from ...plasticity.base import chain
from ...plasticity.bounds import Bound
from ...plasticity.stdp import AllPairs, Guetig, PairSTDP
from . import simulator
from .building import one_or_all


def _same(*names: str) -> dict[str, Any]:
    """Parameters that are called here what PyNN calls them."""
    return build_translations(*((name, name) for name in names))


class _Synapse:
    """What a synapse type adds to a connection."""

    def _get_minimum_delay(self) -> float:
        return simulator.state.shortest

    def of_sender(self, projection: Any, part: Any) -> list[np.ndarray]:
        """Numbers of each synapse that a release has once for each sender."""
        return []

    def dynamics(self, projection: Any, part: Any, steps: np.ndarray) -> dict[str, Any]:
        """`release`, `rule` and the shares of the delay, for a `Connection`."""
        return {}


class StaticSynapse(_Synapse, synapses.StaticSynapse):
    """PyNN's synapse of fixed weight and delay."""

    translations = _same("weight", "delay")


class SimpleStochasticSynapse(_Synapse, synapses.SimpleStochasticSynapse):
    """PyNN's synapse that transmits a spike with the probability `p`: `Bernoulli`."""

    translations = _same("weight", "delay", "p")

    def of_sender(self, projection, part):
        return [projection.values["p"][part.edges]]

    def dynamics(self, projection, part, steps):
        return {"release": Bernoulli(*_by_sender(self, projection, part))}


class TsodyksMarkramSynapse(_Synapse, synapses.TsodyksMarkramSynapse):
    """PyNN's short-term plasticity: `TsodyksUzielMarkram`, with the decay of the receivers' currents."""

    translations = _same("weight", "delay", "U", "tau_rec", "tau_facil")

    def of_sender(self, projection, part):
        taus = part.target.celltype.decays(part.target.cell_parameters, projection.receptor_type)
        if taus is None:
            raise ValueError(
                f"Projection {projection.label!r}: a TsodyksMarkramSynapse decays with the synaptic time constant of "
                f"its receivers; expected cells that have one, and {type(part.target.celltype).__name__} has none."
            )
        U, rec, facil = (projection.values[name][part.edges] for name in ("U", "tau_rec", "tau_facil"))
        return [U, taus[part.post], rec, facil]

    def dynamics(self, projection, part, steps):
        return {"release": TsodyksUzielMarkram(*_by_sender(self, projection, part))}


class STDPMechanism(_Synapse, synapses.STDPMechanism):
    """PyNN's plastic synapse: `PairSTDP` with a dependence on the weight, and a share of the delay in the dendrite."""

    base_translations = _same("weight", "delay", "dendritic_delay_fraction")
    weight_dependence: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for what, part, kind in (
            ("timing_dependence", self.timing_dependence, SpikePairRule),
            ("weight_dependence", self.weight_dependence, _Dependence),
        ):
            if not isinstance(part, kind):
                wanted = "SpikePairRule(...)" if kind is SpikePairRule else "AdditiveWeightDependence(...) or its kin"
                raise ValueError(f"STDPMechanism.{what} is {part!r}, expected {wanted} of jaxsnn.interop.pynn.")
        if self.voltage_dependence is not None:
            raise ValueError("STDPMechanism.voltage_dependence: no such rule of PyNN is here; leave it out.")

    def _build_translations(self) -> None:
        self.translations = dict(self.base_translations)  # PyNN's own adds to that of the class
        for component in (self.timing_dependence, self.weight_dependence):
            self.translations.update(component.translations if component is not None else {})

    def dynamics(self, projection, part, steps):
        get = lambda name: _of_all(projection, part, name)
        w_max = get("w_max") * projection.scale(part)
        mu = {name: get(name) if name in projection.values else x for name, x in self.weight_dependence.powers.items()}
        rule = PairSTDP(
            get("A_plus"), get("A_minus"), get("tau_plus"), get("tau_minus"),
            Guetig(w_max, mu["mu_plus"], mu["mu_minus"]), AllPairs(),
        )  # fmt: skip
        dendritic = np.rint(get("dendritic_delay_fraction") * steps) * simulator.state.dt
        return {"rule": chain(rule, Bound(0.0, w_max)), "dendritic": one_or_all(dendritic)}


class SpikePairRule(synapses.SpikePairRule):
    """PyNN's rule of all pairs of spikes, whose amplitudes are in units of `w_max`."""

    translations = _same("tau_plus", "tau_minus", "A_plus", "A_minus")


class _Dependence:
    """How a change depends on the weight: `(1 - w/w_max)^mu_plus` and `(w/w_max)^mu_minus`, in units of `w_max`."""

    powers: ClassVar[dict[str, float]]
    translations = _same("w_min", "w_max")

    def __init__(self, w_min: float = 0.0, w_max: float = 1.0, **powers: Any) -> None:
        if np.any(np.asarray(w_min) != 0.0):
            raise ValueError(f"{type(self).__name__}.w_min is {w_min!r}, expected 0, as in NEST.")
        super().__init__(**dict(w_min=w_min, w_max=w_max, **powers))


class AdditiveWeightDependence(_Dependence, synapses.AdditiveWeightDependence):
    """Changes do not depend on the weight."""

    powers: ClassVar = {"mu_plus": 0.0, "mu_minus": 0.0}


class MultiplicativeWeightDependence(_Dependence, synapses.MultiplicativeWeightDependence):
    """Changes are in proportion to the way that is left, `w_max - w` and `w`."""

    powers: ClassVar = {"mu_plus": 1.0, "mu_minus": 1.0}


class AdditivePotentiationMultiplicativeDepression(_Dependence, synapses.AdditivePotentiationMultiplicativeDepression):
    """Growth does not depend on the weight, depression is in proportion to it."""

    powers: ClassVar = {"mu_plus": 0.0, "mu_minus": 1.0}


class GutigWeightDependence(_Dependence, synapses.GutigWeightDependence):
    """Changes depend on powers `mu_plus`, `mu_minus` of the way that is left (Guetig et al. 2003)."""

    powers: ClassVar = {"mu_plus": 0.5, "mu_minus": 0.5}
    translations = _same("w_min", "w_max", "mu_plus", "mu_minus")


def _of_all(projection: Any, part: Any, name: str) -> float:
    """A number that all synapses have in common."""
    values = projection.values[name][part.edges]
    if np.any(values != values[0]):
        raise ValueError(
            f"Projection {projection.label!r}: got {name!r} from {values.min():g} to {values.max():g}; expected the "
            "same for all synapses of a rule."
        )
    return float(values[0])


def _by_sender(kind: _Synapse, projection: Any, part: Any) -> list[Any]:
    """The numbers of a release: one, or one a sender."""
    found = []
    for column in kind.of_sender(projection, part):
        each = np.full(part.source.size, column[0])
        each[part.pre] = column
        found.append(one_or_all(each))
    return found
