"""Models of PyNN that have no counterpart here: named, with the reason and what to use."""

from __future__ import annotations

from typing import Any

from pyNN.standardmodels import ModelNotAvailable


def refused(name: str, why: str) -> type:
    """A class of this name that cannot be made."""

    def missing(self: Any, *args: Any, **parameters: Any) -> None:
        raise NotImplementedError(f"jaxsnn.interop.pynn has no {name}: {why}.")

    return type(name, (ModelNotAvailable,), {"__init__": missing, "__doc__": f"Not available: {why}."})


IF_cond_exp_gsfa_grr = refused(
    "IF_cond_exp_gsfa_grr", "adaptation and relative refractoriness as conductances; write the cell by snn.equations"
)
GIF_cond_exp = refused(
    "GIF_cond_exp", "its threshold and its current both adapt and it fires by chance; snn.EscapeLIF has the hazard"
)
SpikeSourceInhGamma = refused(
    "SpikeSourceInhGamma", "its rate and its regularity change over time; give its spikes to a SpikeSourceArray"
)
MultiQuantalSynapse = refused(
    "MultiQuantalSynapse", "no release that runs out of vesicles and draws them; TsodyksMarkramSynapse depletes"
)
StochasticTsodyksMarkramSynapse = refused(
    "StochasticTsodyksMarkramSynapse", "no release that depletes by chance; TsodyksMarkramSynapse has its mean"
)
NativeRNG = refused("NativeRNG", "PyNN draws a network with NumPy everywhere; take NumpyRNG")
ElectricalSynapse = refused("ElectricalSynapse", "no gap junctions between the cells of a network")
Vogels2011Rule = refused("Vogels2011Rule", "a rule of snn.Connection, snn.VogelsSprekeler; not by PyNN's names")
