"""A trained network of linear layers and ReLUs as a sigma-delta program for Loihi 2: what is sent are changes."""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._arguments import count
from ..._types import canonical_float
from ...lowering.cells import InputCells
from ...lowering.program import Program
from ...simulation.drives.trains import Replay
from ...simulation.probes.traces import Last, Trace
from ...simulation.progress import Quiet
from ...simulation.run import simulate
from .build import program as built
from .cores import Excitatory, LavaCore
from .loihi2.sigma_delta import DeltaCells, Identity, Relu, SigmaDeltaCells
from .synapses import Synapses

MANTISSA, LEVELS, EXPONENT = 254.0, 2.0**10, 7  # of weights, of activations that are sent, of what is not sent of them


class Activity(NamedTuple):
    """What a program gave for examples, and what it sent for them.

    `outputs`: `(examples, outputs)`, in the units of the network. `messages`: of each group, a cell and an example.
    `synaptic`: operations of synapses an example; `dense`: those of the network. `status`: of the run.
    """

    outputs: Float[Array, "examples outputs"]
    messages: dict[str, float]
    synaptic: float
    dense: int
    status: Array


class SigmaDelta(NamedTuple):
    """What `from_ann` gives. `program`: groups `x`, `encode`, `layer 1`, ..., of which the last is read.

    `inputs`, `scale`: how many units a 1 of an input, and a 1 of the output, are. `layers`: how many there are.
    """

    program: Program
    inputs: float
    scale: float
    layers: int

    def run(self, x: Any, hold: int | None = None) -> Activity:
        """What the program says of examples, `(examples, inputs)`, each from the start and held for `hold` steps.

        None: for as long as it takes to pass all layers, and four steps more.
        """
        hold = self.layers + 6 if hold is None else count(hold, "hold", "a positive whole number of steps")
        senders = ("encode", *(f"layer {k}" for k in range(1, self.layers)))
        frames = jnp.round(jnp.asarray(x, canonical_float()) * self.inputs)
        out, sent, status = _told(self.program, frames, hold, senders, f"layer {self.layers}")
        sums = {name: np.asarray(z.sum(axis=(1, 2))).mean() for name, z in sent.items()}  # messages an example
        links: Any = [group for group in self.program.synapses.values() if group.pre in sums]
        return Activity(
            out.astype(frames.dtype) / self.scale,
            {name: float(sums[name] / self.program.cells[name].n) for name in senders},
            float(sum(sums[group.pre] * group.weight.shape[1] for group in links)),
            sum(group.weight.size for group in links),
            jax.lax.reduce_or(status, (0,)),
        )


@functools.partial(jax.jit, static_argnames=("hold", "senders", "last"))
def _told(program: Program, frames: Array, hold: int, senders: tuple[str, ...], last: str) -> Any:
    """What the last layer holds in the end of each example, who sent in which step, and the status."""
    record: Any = {"out": Last(f"{last}.act"), "sent": {name: Trace(f"{name}.sent") for name in senders}}

    def one(frame: Array) -> Any:
        drive, key = Replay(jnp.broadcast_to(frame, (hold, *frame.shape)), into="x"), jax.random.key(0)
        done = simulate(program, drive, steps=hold, key=key, record=record, throw=False, progress=Quiet())
        return done["out"], {name: done["sent"][name] != 0 for name in senders}, done.status

    return jax.lax.map(one, frames)


def from_ann(model: eqx.nn.Sequential, x: Any, *, threshold: float = 0.01) -> SigmaDelta:
    """A sigma-delta program for Loihi 2 of a network of `eqx.nn.Linear` layers with ReLUs between them.

    Weights get 8 bits a layer, activations 10 where they are sent: cells send by how much their activation has changed
    once that reaches the threshold, so that what does not change costs nothing. A layer takes a step. The lowest 7 bits
    of a change are not sent (as in Lava, rounded down), so that sums drift in long streams.

    **Arguments:** `model`: `Linear`, `Lambda(jax.nn.relu)`, `Linear`, ... `x`: examples, `(examples, inputs)`, whose
    largest activations set the scale of every layer. `threshold`: of the largest activation of a layer, 0 to 1.

    **Raises:** ValueError for other layers, by name.

    **Reference:** O'Connor and Welling, arXiv:1611.02024 (2016). Shrestha et al., arXiv:2310.03251 (2023), for Loihi 2.
    """
    layers: list[Any] = _linear(model)
    x = jnp.asarray(x, canonical_float())
    if x.ndim != 2 or x.shape[1] != layers[0].in_features or not 0.0 <= threshold < 1.0:
        raise ValueError(
            f"Got examples of shape {x.shape} and threshold = {threshold!r}; expected (examples, "
            f"{layers[0].in_features}) and a part of 1."
        )
    largest = float(jnp.max(jnp.abs(x)))
    unit = inputs = LEVELS / max(largest, 1e-12)  # units of a 1 as it is sent
    n = layers[0].in_features
    cells: dict[str, Any] = {"x": InputCells(n, message_bits=11)}
    cells["encode"] = DeltaCells(n, threshold=max(1, round(threshold * LEVELS)))
    synapses: dict[str, Any] = {"x to encode": Synapses("x", "encode", np.eye(n, dtype=int), sign=Excitatory())}
    before, act = "encode", x
    for k, layer in enumerate(layers, 1):
        weight, bias, last = np.asarray(layer.weight).T, layer.bias, k == len(layers)
        act = jax.vmap(layer)(act)
        steepest = MANTISSA / max(float(np.abs(weight).max()), 1e-12)
        room = 2.0**20 if last else LEVELS * 2.0**EXPONENT
        top = max(float(jnp.max(jnp.abs(act))), 1e-12)
        exponent = int(np.clip(np.floor(np.log2(room / (top * unit * steepest))), -8, 7))
        unit = unit * steepest * 2.0**exponent
        cells[f"layer {k}"] = SigmaDeltaCells(
            layer.out_features,
            threshold=max(1, round(threshold * top * unit)),
            bias=0 if bias is None else np.round(np.asarray(bias) * unit).astype(int),
            state_exponent=0 if last else EXPONENT,
            activation=Identity() if last else Relu(),
        )
        mantissas = 2 * np.round(weight * steepest / 2).astype(int)
        synapses[f"{before} to layer {k}"] = Synapses(before, f"layer {k}", mantissas, exponent)
        before, act = f"layer {k}", jax.nn.relu(act)
        unit = unit if last else unit / 2.0**EXPONENT
    return SigmaDelta(built(cells, synapses, LavaCore()), inputs, unit, len(layers))


def _linear(model: Any) -> list[eqx.nn.Linear]:
    """The linear layers of a network that has a ReLU between any two of them, and none behind the last."""
    kinds = getattr(model, "layers", ())
    relu = lambda layer: isinstance(layer, eqx.nn.Lambda) and layer.fn is jax.nn.relu
    for k, layer in enumerate(kinds):
        if not (isinstance(layer, eqx.nn.Linear) if k % 2 == 0 else relu(layer)):
            name = getattr(layer, "fn", type(layer))
            raise ValueError(
                f"Layer {k} of the network is {getattr(name, '__name__', name)}; from_ann takes eqx.nn.Linear and "
                "eqx.nn.Lambda(jax.nn.relu) in turn, a Linear last."
            )
    if not isinstance(model, eqx.nn.Sequential) or len(kinds) % 2 == 0:
        raise ValueError(
            f"Got {type(model).__name__} of {len(kinds)} layers; expected eqx.nn.Sequential of Linear and "
            "Lambda(jax.nn.relu) in turn, a Linear last."
        )
    return list(kinds[::2])
