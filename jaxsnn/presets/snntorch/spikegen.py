"""snnTorch's spike encoders: configured here, then called with the data, `rate(num_steps=25)(data, key=key)`.

They put time behind the examples, `(..., steps, n)`, as estimators take it; snnTorch puts it in front.
"""

from __future__ import annotations

from typing import Any

from ...data.encoders import LatencyCode, RateCode
from .._refuse import refuse, refused_names

_RATE = {
    "offset": "which is added to the data: add it before",
    "first_spike_time": "a silent start; give the drive start=",
    "time_var_input": "data that changes over time; use snn.Poisson with bin=",
}
_LATENCY = {
    **dict.fromkeys(("tau", "bypass"), "of the logarithmic code, which no encoder here has"),
    "interpolate": "which fills the time before and after a spike",
    "first_spike_time": "a silent start; give the drive start=",
    **dict.fromkeys(("on_target", "off_target"), "the amplitudes of spike and silence, which are 1 and 0 here"),
}


def rate(num_steps: int, *, gain: Any = 1.0, **others: Any) -> RateCode:
    """Independent spikes with the probability `gain * data` in every step."""
    refuse("snntorch.spikegen.rate", others, _RATE)
    return RateCode(num_steps, gain)


def latency(
    num_steps: int,
    *,
    threshold: Any = 0.01,
    normalize: bool = False,
    linear: bool = False,
    clip: bool = False,
    **others: Any,
) -> LatencyCode:
    """One spike each, the sooner the larger: snnTorch's code with `normalize=True, linear=True, clip=True`."""
    refuse("snntorch.spikegen.latency", others, _LATENCY)
    for name, value in (("normalize", normalize), ("linear", linear), ("clip", clip)):
        if value is not True:
            raise ValueError(
                f"snntorch.spikegen.latency got {name} = {value!r}, expected True: the encoder here is linear, fills "
                "num_steps, and leaves out what is below the threshold."
            )
    return LatencyCode(num_steps, threshold)


__getattr__ = refused_names(
    "snn.presets.snntorch.spikegen",
    {
        "delta": "it compares with the step before; snn.encoders.DeltaCode compares with the value at the last spike",
        "targets_rate": "targets are labels or rates here; see snn.CrossEntropy and snn.MeanSquaredError",
        "targets_latency": "targets are labels or times here; see snn.CrossEntropy and snn.FirstSpike",
    },
)
