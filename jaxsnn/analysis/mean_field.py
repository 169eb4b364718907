"""Stationary rate of the leaky integrate-and-fire neuron in white noise, and of Brunel's (2000) network.

NumPy in float64 whatever JAX's precision: the theory column of a table must not lose digits to the simulation's.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

_NODES = 512  # of the quadrature, whose error falls exponentially: below 1e-12 relative up to an upper limit of 25
_TINY = 1e-16  # where the lower tail of the integral is cut, as a share of the whole
_NEVER = 40.0  # an upper limit from which on the rate, about exp(-limit^2), is 0 in double precision


def _log_integral(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.float64]:
    """`log(sqrt(pi) * integral_lower^upper exp(u^2) (1 + erf(u)) du)`, without overflow at any limits.

    With `exp(u^2) (1 + erf(u)) = 2/sqrt(pi) * integral_0^inf exp(-w^2 + 2 u w) dw` the integral over `u` is elementary
    and what is left is `integral_0^inf exp(-w^2) (exp(2 upper w) - exp(2 lower w)) / w dw`: positive, no special
    function, no cancellation. The trapezium rule is applied in `y`, where `log w = y - exp(-y)` (double exponential).
    """
    lowest = -np.log(np.log(np.maximum(1.0, np.abs(lower)) / _TINY))
    highest = np.log(np.maximum(upper, 0.0) + 7.0) + 0.2
    y = np.linspace(lowest, highest, _NODES)
    stretch = np.exp(-y)
    w = np.exp(y - stretch)
    peak = np.maximum(upper, 0.0)  # exp(peak^2) is factored out: what remains never exceeds 1
    exponent = -((w - peak) ** 2) + 2.0 * np.minimum(upper, 0.0) * w
    integrand = np.exp(exponent) * -np.expm1(-2.0 * (upper - lower) * w) * (1.0 + stretch)
    return peak**2 + np.log(integrand.sum(axis=0) * (highest - lowest) / (_NODES - 1))


def siegert(
    mu: ArrayLike, sigma: ArrayLike, *, tau: ArrayLike, t_ref: ArrayLike, v_th: ArrayLike, v_reset: ArrayLike
) -> NDArray[np.float64]:
    """Stationary rate, in Hz, of a leaky integrate-and-fire neuron driven by white noise.

    The membrane is `tau dv/dt = -v + mu + sigma sqrt(tau) xi(t)` with unit white noise `xi`, threshold `v_th`, reset
    `v_reset` and a refractory period `t_ref`:

        1 / rate = t_ref + tau sqrt(pi) integral_{(v_reset - mu)/sigma}^{(v_th - mu)/sigma} exp(u^2) (1 + erf(u)) du

    Overflow-safe: far below threshold the rate underflows to 0; at `sigma = 0` it is the noiseless rate.

    **Arguments** (broadcast against each other)

    - `mu`: mean drive, mV above rest.
    - `sigma`: amplitude of the noise, mV, in Brunel's convention: the free membrane has the standard deviation
      `sigma / sqrt(2)`. For Poisson input of rate `r` (per ms) and weight `J`, `sigma^2 = J^2 tau r`.
    - `tau`, `t_ref`: membrane time constant and refractory period, ms.
    - `v_th`, `v_reset`: threshold and reset, mV above rest, `v_reset < v_th`.

    **Returns** the rate in Hz, of the broadcast shape.

    **Raises** `ValueError` if `tau <= 0`, `t_ref < 0`, `sigma < 0`, `v_reset >= v_th`, or any value is not finite.

        >>> round(float(siegert(20.0, 5.0, tau=20.0, t_ref=2.0, v_th=20.0, v_reset=10.0)), 3)
        27.341

    **Reference** Siegert (1951), Phys. Rev. 81, 617; Brunel (2000), J. Comput. Neurosci. 8, 183, eq. 21; the integral's
    form is Brunel & Hakim (1999), Neural Comput. 11, 1621, eq. A.1.
    """
    given = {"mu": mu, "sigma": sigma, "tau": tau, "t_ref": t_ref, "v_th": v_th, "v_reset": v_reset}
    numbers = {name: _real(value, "siegert", name) for name, value in given.items()}
    _check(numbers)
    mu, sigma, tau, t_ref, v_th, v_reset = np.broadcast_arrays(*numbers.values())
    noisy = sigma > 0.0
    width = np.where(noisy, sigma, 1.0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        lower, upper = (v_reset - mu) / width, (v_th - mu) / width
        log_time = np.where(upper < _NEVER, np.log(tau) + _log_integral(lower, upper), np.inf)
        noiseless = np.where(mu > v_th, np.log(tau * np.log1p((v_th - v_reset) / (mu - v_th))), np.inf)
        log_time = np.where(noisy, log_time, noiseless)
        return 1000.0 * np.exp(-np.logaddexp(np.log(t_ref), log_time))


def _real(value: ArrayLike, function: str, name: str) -> NDArray[np.float64]:
    """Finite numbers in double precision, or one error."""
    given = np.asarray(value)
    if given.dtype.kind not in "iuf":
        raise ValueError(f"{function}: `{name}` is {value!r}: expected real numbers.")
    if not np.all(np.isfinite(given)):
        raise ValueError(f"{function}: `{name}` is {value}: expected finite numbers, no NaN. Check its origin.")
    return given.astype(np.float64)


def _check(numbers: dict[str, NDArray[np.float64]]) -> None:
    for name, bad, expected in (
        ("tau", numbers["tau"] <= 0.0, "a positive time, in ms"),
        ("t_ref", numbers["t_ref"] < 0.0, "a time of at least 0, in ms"),
        ("sigma", numbers["sigma"] < 0.0, "a noise amplitude of at least 0, in mV"),
        ("v_reset", numbers["v_reset"] >= numbers["v_th"], f"a reset below the threshold, v_th = {numbers['v_th']}"),
    ):
        if np.any(bad):
            raise ValueError(f"siegert: `{name}` is {numbers[name]}: expected {expected}.")


def brunel_rate(
    g: ArrayLike,
    eta: ArrayLike,
    *,
    c_e: float = 1000.0,
    gamma: float = 0.25,
    weight: float = 0.1,
    tau: float = 20.0,
    t_ref: float = 2.0,
    v_th: float = 20.0,
    v_reset: float = 10.0,
    start: Literal["below", "above"] = "below",
) -> NDArray[np.float64]:
    """Self-consistent stationary rate, in Hz, of Brunel's (2000) excitatory-inhibitory network (model A).

    The rate `nu` solves `nu = siegert(mu(nu), sigma(nu))` with

        mu = c_e J tau (nu_ext + nu (1 - gamma g)),   sigma^2 = c_e J^2 tau (nu_ext + nu (1 + gamma g^2)),
        nu_ext = eta nu_thr,   nu_thr = v_th / (c_e J tau)

    There can be three solutions, the middle one unstable. `start` says which one is returned: `"below"`, the one that
    `dnu/ds = -nu + siegert(...)` reaches from silence (the lowest), or `"above"`, the one it reaches from saturation,
    `1 / t_ref` (the highest). Two solutions within 7 % of each other may be passed over.

    The diffusion approximation behind it fails in the synchronous regular regime (`g < 4`): take that value as a label.

    **Arguments**

    - `g`: relative strength of inhibition; `eta`: external rate over `nu_thr`; both broadcast.
    - `c_e`: recurrent excitatory synapses a neuron, and as many external ones; `gamma`: inhibitory over excitatory.
    - `weight`: amplitude `J` of an excitatory synapse, mV; `tau`, `t_ref`: ms; `v_th`, `v_reset`: mV above rest.

    **Returns** the rate in Hz, of the broadcast shape of `g` and `eta`.

    **Raises** `ValueError` as `siegert` does, if `g`, `eta` or `gamma` is negative, and if `c_e`, `weight` or `v_th` is
    not positive.

        >>> round(float(brunel_rate(5.0, 2.0)), 2)
        37.95

    **Reference** Brunel (2000), J. Comput. Neurosci. 8, 183, eqs. 4, 21 and table 1.
    """
    given = {"g": g, "eta": eta, "c_e": c_e, "gamma": gamma, "weight": weight, "tau": tau, "t_ref": t_ref, "v_th": v_th}
    numbers = {name: _real(value, "brunel_rate", name) for name, value in given.items()}
    for name in ("c_e", "weight", "tau", "v_th"):
        if np.any(numbers[name] <= 0.0):
            raise ValueError(f"brunel_rate: `{name}` is {given[name]}: expected more than 0.")
    for name in ("g", "eta", "gamma"):
        if np.any(numbers[name] < 0.0):
            raise ValueError(f"brunel_rate: `{name}` is {given[name]}: expected at least 0.")
    threshold_rate = v_th / (c_e * weight * tau)  # per ms
    highest = 1000.0 / t_ref if t_ref > 0.0 else 1e5

    def solve(g: float, eta: float) -> float:
        def excess(rate: NDArray[np.float64]) -> NDArray[np.float64]:
            inner, outer = rate / 1000.0, eta * threshold_rate
            mu = c_e * weight * tau * (outer + inner * (1.0 - gamma * g))
            sigma = np.sqrt(c_e * tau * (outer + inner * (1.0 + gamma * g * g))) * abs(weight)
            return siegert(mu, sigma, tau=tau, t_ref=t_ref, v_th=v_th, v_reset=v_reset) - rate

        return _relax(excess, highest, start)

    return np.vectorize(solve, otypes=[np.float64])(g, eta)


def _relax(excess: Callable[[NDArray[np.float64]], NDArray[np.float64]], highest: float, start: str) -> float:
    """The root of `excess` that `d rate / ds = excess(rate)` reaches from 0 or from `highest`: scan, then bisect."""
    if start not in ("below", "above"):
        raise ValueError(f'brunel_rate: `start` is {start!r}: expected "below" (silence) or "above" (saturation).')
    grid = np.concatenate([[0.0], np.geomspace(1e-6, highest, 300)])
    falling = excess(grid) <= 0.0  # where the rate would decrease
    if start == "below":
        stop = int(np.argmax(falling))
        if stop == 0:
            return 0.0
    else:
        rising = np.flatnonzero(~falling)
        if rising.size == 0:
            return 0.0
        stop = min(int(rising[-1]) + 1, grid.size - 1)
    low, high = grid[stop - 1], grid[stop]
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0.0 else (low, middle)
    return float(0.5 * (low + high))
