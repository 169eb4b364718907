"""Power spectra and coherence of signals and rates, by Welch's average over overlapping segments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .rasters import Array, milliseconds, namespace


class Spectrum(NamedTuple):
    """Frequencies, Hz, and what was found at each of them."""

    frequency: np.ndarray
    value: Array


def welch_psd(signal: Any, dt: float, *, len_segment: int | None = None, overlap: float = 0.5) -> Spectrum:
    """Power spectral density of a signal: the mean over segments of `2 |FFT(h (x - <x>))|^2 / (fs sum h^2)`.

    `h` is Hann's window, `fs = 1000 / dt` Hz; frequencies 0 and `fs / 2` are not doubled.

    **Arguments**

    - `signal`: shape `(samples, ...)`, such as a population's rate, a membrane, or a train as `binned` (times
      `1000 / bin`, the train as a sum of delta functions). `dt`: between samples, ms: of `binned`, its `bin_size`.
    - `len_segment`: samples of a segment; default: an eighth of the signal, overlaps counted, as Elephant's.
    - `overlap`: share of a segment that the next one repeats.

    **Returns** `Spectrum(frequency, value)`: the square of the signal's unit per Hz, shape `(frequencies, ...)`.
    Differentiable. Cost: `samples log(len_segment)`. Elephant: `spectral.welch_psd`; SciPy: `signal.welch`.

    **Reference:** Welch, IEEE Trans. Audio Electroacoust. 15:70 (1967).
    """
    signal = _signal(signal, "welch_psd")
    frequency, density = _cross(signal, signal, dt, len_segment, overlap, "welch_psd")
    return Spectrum(frequency, density.real)


def welch_coherence(
    first: Any, second: Any, dt: float, *, len_segment: int | None = None, overlap: float = 0.5
) -> Spectrum:
    """Coherence of two signals: `|S_12|^2 / (S_11 S_22)`, each a mean over segments; 1 if one is a filter of the other.

    With a single segment it is 1 everywhere: take several. `first`, `second`: signals of one shape; all else as of
    `welch_psd`. NaN at a frequency where
    a signal has no power. Elephant: `welch_coherence`, which also gives the phase; SciPy: `signal.coherence`.
    """
    first, second = _signal(first, "welch_coherence"), _signal(second, "welch_coherence")
    if first.shape != second.shape:
        raise ValueError(f"welch_coherence: signals of shape {first.shape} and {second.shape}: expected the same.")
    xp = namespace(first)
    several = (dt, len_segment, overlap, "welch_coherence")
    frequency, both = _cross(first, second, *several)
    product = _cross(first, first, *several)[1].real * _cross(second, second, *several)[1].real
    there = product > 0.0
    return Spectrum(frequency, xp.where(there, xp.abs(both) ** 2 / xp.where(there, product, 1.0), xp.nan))


def _cross(
    first: Array, second: Array, dt: float, size: int | None, overlap: float, function: str
) -> tuple[np.ndarray, Array]:
    """The cross spectral density, one-sided, of signals along axis 0."""
    milliseconds(dt, function, "dt")
    samples = first.shape[0]
    if not 0.0 <= overlap < 1.0:
        raise ValueError(f"{function}: `overlap` is {overlap!r}: expected a share from 0 to less than 1.")
    size = int(samples / (8 - 7 * overlap)) if size is None else size
    if not 2 <= size <= samples:
        raise ValueError(f"{function}: `len_segment` is {size}: expected 2 to {samples}, the samples of the signal.")
    xp = namespace(first)
    step = size - int(size * overlap)
    starts = np.arange(0, samples - size + 1, step)
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
    shaped = hann.astype(first.dtype).reshape((1, size) + (1,) * (first.ndim - 1))

    def transforms(signal: Array) -> Array:
        segments = signal[starts[:, None] + np.arange(size)[None]]
        return xp.fft.rfft(shaped * (segments - xp.mean(segments, axis=1, keepdims=True)), axis=1)

    found = xp.mean(xp.conj(transforms(first)) * transforms(second), axis=0)
    twice = np.full(found.shape[0], 2.0)
    twice[0] = 1.0
    twice[-1] = 1.0 if size % 2 == 0 else 2.0
    scale = (twice * dt / 1000.0 / np.sum(hann**2)).astype(first.dtype)
    return np.fft.rfftfreq(size, dt / 1000.0), found * scale.reshape(-1, *(1,) * (found.ndim - 1)).astype(found.dtype)


def _signal(signal: Any, function: str) -> Array:
    signal = signal if hasattr(signal, "dtype") else np.asarray(signal)
    if signal.ndim < 1 or signal.dtype.kind not in "biuf":
        raise ValueError(
            f"{function}: a signal of {signal.dtype}{list(signal.shape)}: expected numbers (samples, ...)."
        )
    return signal if signal.dtype.kind == "f" else signal.astype(float)
