"""Chains of layers for Lava-DL, from a seed: dense, delayed, recurrent, convolutional, with every kind of weights."""

import numpy as np

from jaxsnn.chips import loihi
from jaxsnn.chips.loihi.cells import CubaCells
from jaxsnn.chips.loihi.convolution import ConvSynapses
from jaxsnn.chips.loihi.cores import Excitatory, Inhibitory, LavaCore, SignedWeights
from jaxsnn.chips.loihi.synapses import Synapses
from jaxsnn.lowering.cells import InputCells

STEPS = 60


def matrix(rng, n_pre, n_post, kind):
    """Mantissas, exponent and sign mode."""
    low, high, sign, exponent = {
        "mixed": (-120, 121, SignedWeights, 0),
        "small": (-6, 7, SignedWeights, 0),
        "excitatory": (0, 90, Excitatory, 0),
        "inhibitory": (-90, 0, Inhibitory, 0),
        "scaled": (-31, 32, SignedWeights, 2),
    }[kind]
    weight = rng.integers(low, high, (n_pre, n_post))
    return weight // (1 + (sign is SignedWeights)) * (1 + (sign is SignedWeights)), exponent, sign()


def cells(rng, n, threshold, bias=0):
    decays = dict(decay_u=int(rng.integers(300, 4097)), decay_v=int(rng.integers(50, 900)))
    return CubaCells(n, **decays, threshold=threshold, bias=np.full(n, bias), bias_exponent=6)


def dense(rng, kinds, *, delay=None, recurrent=False, biased=False):
    sizes = [14, 11, 9][: len(kinds) + 1]
    groups, synapses = {"in": InputCells(sizes[0])}, {}
    names = ["in", "a", "b"]
    for pre, post, n_pre, n_post, kind in zip(names, names[1:], sizes, sizes[1:], kinds):
        weight, exponent, sign = matrix(rng, n_pre, n_post, kind)
        late = 0 if delay is None else delay(rng, n_pre, n_post)
        bias = rng.integers(-3, 12, n_post) + (300 if kind == "inhibitory" else 0) if biased else 0
        groups[post] = cells(rng, n_post, 8 if kind == "small" else 300, bias)
        synapses[f"{pre}{post}"] = Synapses(
            pre, post, weight, exponent, sign=sign, delay=late, max_delay=int(np.max(late))
        )
        if recurrent:
            weight, exponent, sign = matrix(rng, n_post, n_post, kind)
            synapses[f"{post}{post}"] = Synapses(post, post, weight, exponent, sign=sign)
    return loihi.program(groups, synapses, LavaCore())


def image(rng, *, biased=False):
    """Two convolutions and a dense layer behind them."""
    kernel = lambda *shape: rng.integers(-60, 90, shape)
    first = ConvSynapses("in", "a", kernel(4, 2, 3, 2), image=(2, 7, 6), stride=(2, 1), padding=(1, 0))
    second = ConvSynapses("a", "b", kernel(6, 2, 2, 3), image=first.out_image, dilation=(2, 1), padding=1, groups=2)
    n = [int(np.prod(s)) for s in (first.image, first.out_image, second.out_image)]
    weight, exponent, sign = matrix(rng, n[2], 10, "mixed")
    groups = {"in": InputCells(n[0]), "a": cells(rng, n[1], 400), "b": cells(rng, n[2], 400), "c": cells(rng, 10, 400)}
    if biased:
        per_channel = np.repeat(rng.integers(-2, 14, 4), n[1] // 4)
        numbers = dict(decay_u=2000, decay_v=300, threshold=400, bias_exponent=6)
        groups["a"] = CubaCells(n[1], **numbers, bias=per_channel)
        groups["b"] = CubaCells(n[2], **numbers, bias=rng.integers(-2, 14, n[2]))
    last = Synapses("b", "c", weight, exponent, sign=sign)
    return loihi.program(groups, {"first": first, "second": second, "third": last}, LavaCore())


CASES = {
    "dense": lambda rng: dense(rng, ["mixed", "mixed"]),
    "dense, small weights": lambda rng: dense(rng, ["small", "small"], biased=True),
    "dense, one sign": lambda rng: dense(rng, ["excitatory", "inhibitory"], biased=True),
    "dense, exponent": lambda rng: dense(rng, ["scaled", "excitatory"]),
    "one delay": lambda rng: dense(rng, ["mixed", "mixed"], delay=lambda rng, n, m: int(rng.integers(1, 9))),
    "delays of receivers": lambda rng: dense(
        rng, ["mixed", "small"], delay=lambda rng, n, m: np.tile(rng.integers(0, 30, m), (n, 1))
    ),
    "delays of senders": lambda rng: dense(
        rng, ["mixed", "mixed"], delay=lambda rng, n, m: np.tile(rng.integers(0, 62, (n, 1)), (1, m))
    ),
    "recurrent": lambda rng: dense(rng, ["mixed", "small"], recurrent=True),
    "recurrent, one sign": lambda rng: dense(rng, ["excitatory"], recurrent=True),
    "convolutions": lambda rng: image(rng),
    "convolutions, biased": lambda rng: image(rng, biased=True),
}


def case(name):
    """The program and its input `(steps, n)`."""
    rng = np.random.default_rng([ord(c) for c in name])
    program = CASES[name](rng)
    return program, (rng.random((STEPS, program.cells["in"].n)) < 0.25)


def file_of(name):
    """The name of its golden file."""
    return "netx_" + name.replace(",", "").replace(" ", "_") + ".net"
