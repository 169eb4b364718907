"""Brian2: the cells of its examples, its refractoriness, and its sources of spikes, for `network(order=BrianOrder())`.

    E = brian2.CUBA(3200)                                     # ports "ge" and "gi", as in `on_pre="ge += we"`
    drive = brian2.SpikeGeneratorGroup(3200, indices, times, into="E.ge", weight=1.62)

Brian2 has equations instead of models: `snn.equations.neuron` takes them as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._types import as_number
from .._units import unitless
from ..networks.population import Population
from ..neurons.hodgkin_huxley import AboveThreshold, TraubMiles
from ..neurons.integrators import ExponentialEuler
from ..neurons.lif import LIF
from ..neurons.thresholds import Greater
from ..simulation.drives.generator import SpikeGenerator
from ..simulation.drives.trains import Poisson
from ..synapses.conductance import Conductance
from ..synapses.exponential import Exponential
from ._refuse import refuse, refused_names

_REASONS = {
    "method": "which is that of the example; make the neuron by snn.equations.neuron",
    **dict.fromkeys(("threshold", "reset"), "which are those of the example; make the neuron by snn.equations.neuron"),
    **dict.fromkeys(("period", "sorted"), "which no list of spikes here has"),
    "when": "a slot of Brian2's schedule; the order of a step is the network's",
    "order": "a slot of Brian2's schedule; the order of a step is the network's",
}


def t_ref(refractory: Any, dt: float) -> Array:
    """`refractory` of Brian2 as the `t_ref` of the neurons here: `refractory=5*ms` holds 49 steps of 0.1 ms."""
    with jax.ensure_compile_time_eval():
        return dt * jnp.maximum(jnp.floor(as_number(refractory) / dt + 1e-3) - 1.0, 0.0)


def CUBA(
    n: int,
    *,
    taum: Any = 20.0,
    taue: Any = 5.0,
    taui: Any = 10.0,
    Vt: Any = -50.0,
    Vr: Any = -60.0,
    El: Any = -49.0,
    refractory: Any = 5.0,
    dt: float = 0.1,
    **others: Any,
) -> Population:
    """The example `CUBA`: `dv/dt = (ge + gi - (v - El)) / taum (unless refractory)`, `method="exact"`, `v > Vt`; mV.

    Its weights are 1.62 mV into `ge` and -9 mV into `gi`.
    """
    refuse("brian2.CUBA", others, _REASONS)
    neuron = LIF(taum, El, Vt, Vr, t_ref=t_ref(refractory, dt), comparator=Greater())
    return Population(neuron, n, ports={"ge": Exponential(taue), "gi": Exponential(taui)}, init={"v": Vr})


def COBA(
    n: int,
    *,
    taum: Any = 20.0,
    taue: Any = 5.0,
    taui: Any = 10.0,
    Vt: Any = -50.0,
    Vr: Any = -60.0,
    El: Any = -60.0,
    Ee: Any = 0.0,
    Ei: Any = -80.0,
    refractory: Any = 5.0,
    dt: float = 0.1,
    **others: Any,
) -> Population:
    """`dv/dt = (El - v + ge (Ee - v) + gi (Ei - v)) / taum (unless refractory)`, exponential Euler, `v > Vt`.

    Benchmark 1 of Brette et al., J. Comput. Neurosci. 23:349 (2007): conductances in units of the leak, weights 0.6
    into `ge` and 6.7 into `gi`.
    """
    refuse("brian2.COBA", others, _REASONS)
    neuron = LIF(taum, El, Vt, Vr, t_ref=t_ref(refractory, dt), comparator=Greater())
    return Population(neuron, n, ports={"ge": Conductance(taue, Ee), "gi": Conductance(taui, Ei)}, init={"v": Vr})


def COBAHH(
    n: int, *, taue: Any = 5.0, taui: Any = 10.0, refractory: Any = 3.0, dt: float = 0.1, **others: Any
) -> Population:
    """The example `COBAHH`: Traub-Miles cells, `v > -20*mV`, `refractory=3*ms`, `method="exponential_euler"`; nS, mV.

    All gates start closed, as Brian2's do; weights are 6 nS into `ge` and 67 nS into `gi`.
    """
    refuse("brian2.COBAHH", others, _REASONS)
    neuron = TraubMiles(
        v_th=-20.0, t_ref=t_ref(refractory, dt), integrator=ExponentialEuler(), detector=AboveThreshold()
    )
    ports = {"ge": Conductance(taue, 0.0), "gi": Conductance(taui, -80.0)}
    return Population(neuron, n, ports=ports, init={"v": -60.0, "m": 0.0, "h": 0.0, "n": 0.0})  # type: ignore


def SpikeGeneratorGroup(
    N: int,
    indices: Any,
    times: Any,
    *,
    into: str,
    weight: Any = 1.0,
    delay: float = 0.0,
    dt: float = 0.1,
    **others: Any,
) -> SpikeGenerator:
    """Given spikes, connected one to one: `indices[i]` of `N` fires at `times[i]` ms, in the step that this lies in.

    **Arguments:** `into`: the port of the receivers, `"E.ge"`. `weight`: what `on_pre` adds. `delay`: of the synapses,
    ms. `dt`: the time step of the network, ms.
    """
    refuse("brian2.SpikeGeneratorGroup", others, _REASONS)
    at, which = np.asarray(unitless(times, "times"), float), np.asarray(indices)
    if which.size and (which.min() < 0 or which.max() >= N):
        raise ValueError(
            f"brian2.SpikeGeneratorGroup got indices from {which.min()} to {which.max()}, expected 0 to {N - 1}."
        )
    steps = np.floor(at / dt + 1e-3) + np.rint(delay / dt)
    return SpikeGenerator(which, steps * dt, into=into, weight=weight, start=0.0)


def PoissonGroup(N: int, rates: Any, *, into: str | Sequence[str], weight: Any = 1.0, **others: Any) -> Poisson:
    """`N` Poisson sources, each connected to one receiver: `rates` in Hz, a number or one a source.

    Brian2 draws whether a source fires in a step, here the number of its spikes is drawn: the mean is the same.
    """
    refuse("brian2.PoissonGroup", others, _REASONS)
    rates = as_number(rates)
    if rates.shape not in ((), (N,)):
        raise ValueError(f"brian2.PoissonGroup got rates of shape {rates.shape}, expected () or ({N},).")
    return Poisson(rates, weight, into=into)


def PoissonInput(target: str | Sequence[str], *, N: int, rate: Any, weight: Any, **others: Any) -> Poisson:
    """The sum of `N` sources of `rate` Hz into every neuron of the port `target`, `"E.ge"`.

    Brian2 draws a binomial number of spikes a step, here a Poisson one is drawn: the mean is the same.
    """
    refuse("brian2.PoissonInput", others, _REASONS)
    with jax.ensure_compile_time_eval():
        total = N * as_number(rate)
    return Poisson(total, weight, into=target)


__getattr__ = refused_names(
    "snn.presets.brian2",
    {
        "NeuronGroup": "a group of neurons is snn.Population(neuron, n, ports=...)",
        "Synapses": "synapses are snn.Connection(pre, post, topology, weight=..., delay=...) of snn.network",
        "StateMonitor": "record with the probe snn.Trace('E.v')",
        "SpikeMonitor": "record with the probe snn.Raster('E') or snn.Spikes('E')",
        "PopulationRateMonitor": "record with the probe snn.PopulationRate('E')",
        "TimedArray": "snn.TimedArray is 0 after its last row, where Brian2's keeps that row",
        "EventMonitor": "record with the probe snn.Raster('E')",
        "run_regularly": "write a drive, snn.drives.AbstractDrive, which sees the state of the step before",
        "network_operation": "write a drive, snn.drives.AbstractDrive, which sees the state of the step before",
    },
)
