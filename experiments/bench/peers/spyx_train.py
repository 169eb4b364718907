"""The workload `train` in Spyx 1.0: `spyx.nn.run`, a compiled scan over steps."""

from importlib.metadata import version

import jax
import jax.numpy as jnp
import spyx
import spyx.nn
from flax import nnx
from training import BETA, THRESHOLD, UNITS, data, measure


def main():
    x, weight, labels = data()
    rngs = nnx.Rngs(0)
    linear = nnx.Linear(UNITS, UNITS, use_bias=False, rngs=rngs)
    linear.kernel.set_value(jnp.asarray(weight))
    lif = spyx.nn.LIF((UNITS,), beta=BETA, threshold=THRESHOLD, activation=spyx.axn.arctan(), rngs=rngs)
    net = spyx.nn.Sequential(linear, lif)
    x, labels = jnp.asarray(x), jnp.asarray(labels)

    @nnx.jit
    def value_and_grad(net, x, labels):
        def loss(net):
            spikes, _ = spyx.nn.run(net, x)
            logits = jax.nn.log_softmax(jnp.sum(spikes, axis=0))
            return -jnp.mean(jnp.take_along_axis(logits, labels[:, None], axis=1))

        return nnx.value_and_grad(loss)(net)

    def gradient():
        loss, grads = jax.block_until_ready(value_and_grad(net, x, labels))
        return float(loss), float(jnp.linalg.norm(grads.layers[0].kernel.get_value()))

    measure("spyx", version("spyx"), gradient)


if __name__ == "__main__":
    main()
