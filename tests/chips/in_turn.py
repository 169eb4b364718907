"""Many programs of one structure as one compiled program."""

import equinox as eqx
import jax


def in_turn(run, *batches):
    """`run` of each entry along the first axis of the arrays of `batches`, one after the other.

    On a CPU that is what `vmap(simulate)` comes to; but a batch is traced three times on the way there.
    """
    numbers, rest = eqx.partition(batches, eqx.is_array)
    return jax.jit(lambda xs: jax.lax.map(lambda x: run(*eqx.combine(x, rest)), xs))(numbers)
