"""The random numbers of a source core: Marsaglia's generator JKISS, and its seeds as the host makes them."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from .arithmetic import high

_CONGRUENTIAL, _ADDED = 314527869, 1234567
_CARRY = 4294584393
_ZERO_Y, _CARRIES = 13031301, 698769068  # what stands for a seed of y that is 0; how many carries there are


class Jkiss(NamedTuple):
    """The state: a congruential generator, a shift register, and a multiplication with its carry."""

    x: UInt32[Array, "..."]
    y: UInt32[Array, "..."]
    z: UInt32[Array, "..."]
    c: UInt32[Array, "..."]

    def drawn(self) -> tuple["Jkiss", UInt32[Array, "..."]]:
        """The next state and a number of 32 bits: all sums wrap, and `z`, `c` are the halves of a product.

            x <- 314527869 x + 1234567;   y <- y xor y << 5, xor y >> 7, xor y << 22;   c, z <- 4294584393 z + c
            the number is x + y + z

        **Reference:** G. Marsaglia, in D. Jones, Good practice in (pseudo) random number generation (2010), `JKISS`.
        """
        x = self.x * jnp.uint32(_CONGRUENTIAL) + jnp.uint32(_ADDED)
        y = self.y ^ (self.y << 5)
        y = y ^ (y >> 7)
        y = y ^ (y << 22)
        factor = jnp.uint32(_CARRY)
        z = self.z * factor + self.c
        c = high(self.z, factor) + (z < self.c).astype(jnp.uint32)
        return Jkiss(x, y, z, c), x + y + z


def source_seeds(seed: int, cores: int = 1) -> np.ndarray:
    """Seeds of the cores of a Poisson population as the host draws them for PyNN's `seed`: words `(cores, 4)`.

    They are numbers of a program: `PoissonSource(rate, seed=source_seeds(3, cores))`, or those of a sweep.

    **Arguments:** `seed`: 0 to 2^32 - 1. `cores`: of the population, in order, 500 sources each.

    **Reference:** the host software of sPyNNaker 7.4.1, NumPy's `RandomState`.
    """
    for name, x, least, ends in (("seed", seed, 0, 2**32), ("cores", cores, 1, 2**31)):
        if isinstance(x, bool) or not isinstance(x, (int, np.integer)) or not least <= x < ends:
            raise ValueError(f"Got {name} = {x!r}; expected a whole number from {least} to {ends - 1}.")
    drawn = np.random.RandomState(seed).randint(-(2**31), 2**31 - 1, 4 * cores, dtype=np.int64) + 2**31
    x, y, z, c = drawn.reshape(cores, 4).T
    return np.stack([x, np.where(y == 0, _ZERO_Y, y), z, c % _CARRIES + 1], axis=1).astype(np.uint32)


def is_valid(seeds: Any) -> Any:
    """Whether the generator can have these words: `y` not 0, `c` from 1 to 698 769 068."""
    y, c = seeds[:, 1], seeds[:, 3]
    return ((y != 0) & (c >= 1) & (c <= _CARRIES)).all()
