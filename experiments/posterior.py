"""A posterior learned from pairs of parameters and outputs, and a check of whether it is calibrated.

Parameters are given in the unit box, where the prior is uniform (`TrainingSet.unit`). In `z = Phi^-1(u)` the prior is a
standard normal, and there the posterior is a mixture of Gaussians whose weights, means and covariances are functions of
the output, a neural network each. Several networks, trained from different random numbers, are one mixture:

    q(z | x) = 1/M sum_m sum_k w_mk(x) N(z; mu_mk(x), (L_mk(x) L_mk(x)^T)^-1)

References: Bishop, Mixture density networks (1994). Papamakarios and Murray, NIPS (2016): the same for simulators.
Talts, Betancourt, Simpson, Vehtari and Gelman, arXiv:1804.06788 (2018): `ranks`, `uniformity`.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree
from jax.scipy.special import logsumexp, ndtr, ndtri
from scipy import stats

COMPONENTS, WIDTH = 6, 64
BATCH, RATE, DECAY = 64, 2e-3, 1e-3
EDGE = 2.0**-24  # of the unit box, where float32 ends


class Gaussians(NamedTuple):
    """A mixture in `z`: weights `(k,)`, means `(k, d)`, factors `L` of the precisions and their determinants `(k,)`."""

    log_weight: jax.Array
    mean: jax.Array
    factor: jax.Array  # (k, d, d), lower triangles
    log_det: jax.Array

    def log_prob(self, z):
        """The logarithm of the density at `z`, shape `(d,)`."""
        white = (self.factor * (z[None] - self.mean)[:, :, None]).sum(axis=1)
        normal = -0.5 * (white**2).sum(axis=1) + self.log_det - 0.5 * len(z) * np.log(2.0 * np.pi)
        return logsumexp(self.log_weight + normal)

    def sample(self, key):
        """One draw of `z`."""
        which, noise = jax.random.split(key)
        k = jax.random.categorical(which, self.log_weight)
        white = jax.random.normal(noise, self.mean.shape[1:])
        return self.mean[k] + jax.scipy.linalg.solve_triangular(self.factor[k].T, white, lower=False)


class Member(eqx.Module):
    """From a standardised output, `(n,)`, to a mixture in `z`."""

    network: eqx.nn.MLP
    d: int = eqx.field(static=True)

    def __init__(self, n, d, key):
        self.d = d
        each = 1 + d + d * (d + 1) // 2  # a weight, a mean, the lower triangle of a factor
        self.network = eqx.nn.MLP(n, COMPONENTS * each, WIDTH, 2, jax.nn.silu, key=key)

    def __call__(self, x):
        out = self.network(x).reshape(COMPONENTS, -1)
        log_weight, mean, log_diagonal, below = jnp.split(out, np.cumsum([1, self.d, self.d]), axis=1)
        entries = jnp.concatenate([jnp.exp(log_diagonal), below], axis=1)
        factor = (entries @ self.places()).reshape(COMPONENTS, self.d, self.d)
        return Gaussians(jax.nn.log_softmax(log_weight[:, 0]), mean, factor, log_diagonal.sum(axis=1))

    def places(self):
        """Where the diagonal and what is below it stand in a matrix: rows of zeros and a one."""
        rows, columns = np.tril_indices(self.d, -1)
        on = np.arange(self.d)
        at = np.concatenate([on * self.d + on, rows * self.d + columns])
        return np.eye(self.d**2, dtype=np.float32)[at]


class Posterior(eqx.Module):
    """`q(u | x)` for every output `x`, shape `(n,)`, in the units in which it was trained."""

    members: Member  # all of them: leaves begin with an axis of M
    centre: jax.Array
    spread: jax.Array

    def __call__(self, x):
        """The mixture of all members' Gaussians, in `z`."""
        x = (x - self.centre) / self.spread
        each = eqx.filter_vmap(lambda member: member(x))(self.members)
        log_weight, *rest = (part.reshape(-1, *part.shape[2:]) for part in each)
        return Gaussians(log_weight - np.log(len(each.mean)), *rest)

    @eqx.filter_jit
    def log_prob(self, u, x):
        """Log densities in the unit box of pairs `(points, d)`, `(points, n)`; that of the prior is 0 everywhere."""
        z = ndtri(u)
        density = jax.vmap(lambda z, x: self(x).log_prob(z))(z, x)
        return density - jax.scipy.stats.norm.logpdf(z).sum(axis=-1)

    @eqx.filter_jit
    def sample(self, x, n, key):
        """Draws for outputs `(points, n)`: `(points, n, d)`, in the unit box."""
        draw = lambda x, key: jax.vmap(self(x).sample)(jax.random.split(key, n))
        return jnp.clip(ndtr(jax.vmap(draw)(x, jax.random.split(key, len(x)))), EDGE, 1.0 - EDGE)


def learn(u, x, key, *, members=4, epochs=100, held_out=0.1):
    """A posterior from pairs `u`, `(points, d)` in the unit box, and `x`, `(points, n)`.

    Each member maximises `mean log q(u | x)` by Adam and keeps the weights that were best on pairs held out for that.
    """
    host = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    aside, learned = np.split(host.permutation(len(x)), [max(1, int(held_out * len(x)))])
    centre, spread = x[learned].mean(axis=0), x[learned].std(axis=0) + 1e-9
    z, x = stats.norm.ppf(u.astype(float)).astype(np.float32), ((x - centre) / spread).astype(np.float32)
    batch = min(BATCH, len(learned))
    orders = host.permuted(np.broadcast_to(learned, (members, epochs, len(learned))), axis=2)
    rows = orders[..., : len(learned) // batch * batch].reshape(members, epochs, -1, batch)
    with jax.numpy_dtype_promotion("standard"):  # optax mixes types
        best = _descend(z, x, aside, rows, jax.random.split(key, members))
    return Posterior(best, jnp.asarray(centre), jnp.asarray(spread))


@eqx.filter_jit
def _descend(z, x, aside, rows, keys):
    """All members at once: a step of Adam for each batch of `rows`, at a falling rate."""
    adam = optax.adamw(optax.cosine_decay_schedule(RATE, rows.shape[1] * rows.shape[2]), weight_decay=DECAY)

    def one(key, rows):
        weights, shape = eqx.partition(Member(x.shape[1], z.shape[1], key), eqx.is_array)
        first, build = ravel_pytree(weights)  # one vector: a program a third as long

        def loss(weights, rows):
            member = eqx.combine(build(weights), shape)
            return -jnp.mean(jax.vmap(lambda z, x: member(x).log_prob(z))(z[rows], x[rows]))

        def step(carry, rows):
            weights, state = carry
            change, state = adam.update(jax.grad(loss)(weights, rows), state, weights)
            return (weights + change, state), None

        def epoch(carry, rows):
            carry, best, lowest = carry
            carry, _ = jax.lax.scan(step, carry, rows)
            now = loss(carry[0], aside)
            return (carry, jnp.where(now < lowest, carry[0], best), jnp.minimum(now, lowest)), None

        start = (first, adam.init(first)), first, jnp.asarray(jnp.inf)
        return eqx.combine(build(jax.lax.scan(epoch, start, rows)[0][1]), shape)

    return eqx.filter_vmap(one)(keys, rows)


def ranks(draws, u):
    """How many draws lie below the true value: `(points, n, d)` and `(points, d)` to `(points, d)`, from 0 to n.

    Where draws are from the posterior, ranks are uniform, for each parameter, whatever the model is.
    """
    return np.asarray(draws < np.asarray(u)[:, None]).sum(axis=1)


def uniformity(ranks, n, bins=20):
    """Two probabilities of ranks as uneven as these, if they were uniform from 0 to n: `{"chi2": ..., "ks": ...}`.

    chi-square of `bins` equal bins, for which `n + 1` should be a multiple of them, and Kolmogorov-Smirnov.
    """
    counts = np.histogram(ranks, bins, (-0.5, n + 0.5))[0]
    spread = (np.asarray(ranks) + 0.5) / (n + 1.0)
    return {"chi2": float(stats.chisquare(counts).pvalue), "ks": float(stats.kstest(spread, "uniform").pvalue)}
