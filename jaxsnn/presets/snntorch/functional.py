"""snnTorch's losses: each is told what it reads, where snnTorch is handed a tensor."""

from __future__ import annotations

from typing import Any

from ...gradients.losses import CrossEntropy
from ...simulation.probes.counts import Count
from ...simulation.probes.folds import Max
from .._refuse import refuse, refused_names

_REASONS = {
    **dict.fromkeys(("population_code", "num_classes"), "several neurons a class, which no loss here adds up"),
    "reduction": "which is the mean over the batch here",
    "weight": "weights of the classes, which no loss here has",
}


def ce_count_loss(population: str, **others: Any) -> CrossEntropy:
    """Cross entropy of the spike counts of `population`, one neuron a class."""
    refuse("snntorch.functional.ce_count_loss", others, _REASONS)
    return CrossEntropy(Count(population))


def ce_max_membrane_loss(population: str, **others: Any) -> CrossEntropy:
    """Cross entropy of the largest membrane potentials of `population`."""
    refuse("snntorch.functional.ce_max_membrane_loss", others, _REASONS)
    return CrossEntropy(Max(f"{population}.v"))


_TARGETS = "its targets are rates of right and wrong classes; give them to snn.MeanSquaredError(snn.Count(...))"
__getattr__ = refused_names(
    "snn.presets.snntorch.functional",
    {
        "mse_count_loss": _TARGETS,
        "mse_membrane_loss": "the target is a membrane over time; use snn.losses.TraceError",
        "ce_rate_loss": "a cross entropy of the spikes of each step; snn.losses.StepCrossEntropy takes the membrane",
        "ce_temporal_loss": "it is made of spike times; use snn.CrossEntropy(snn.FirstSpike(...), scale=-1.0)",
        "mse_temporal_loss": "the targets are spike times; use snn.MeanSquaredError(snn.FirstSpike(...))",
        "accuracy_rate": "it is snn.Accuracy(snn.Count(...))",
    },
)
