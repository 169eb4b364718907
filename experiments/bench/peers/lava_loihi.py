"""The network of `loihi_network.py` in Lava's runtime on the CPU, fixed-point models: one JSON line a repeat.

Processes are made and compiled anew for each run, which is not timed; `us_per_step` is the wall time of `run`. Nothing
is probed while it runs. Made for lava-nc 0.10 with numpy < 2 in its own environment:

    python experiments/bench/peers/lava_loihi.py --seconds 1 --repeat 3 [--busy] [--learning]
"""

import logging
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "oracles"))
import lava_import  # noqa: F401  # makes Lava importable in newer Pythons
import loihi_network as network
from lava.magma.core.learning.learning_rule import Loihi2FLearningRule
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.lif.process import LIF
from lava.utils.weightutils import SignMode


def build(busy, learning):
    cells = LIF(
        shape=(network.N,), du=network.DECAY_U - 1, dv=network.DECAY_V, vth=network.threshold(busy),
        bias_mant=network.biases(), bias_exp=6,
    )  # fmt: skip
    how = {"weights": network.weights().T.copy(), "sign_mode": SignMode.MIXED}
    if learning:
        traces = {"x1_impulse": network.IMPULSE, "y1_impulse": network.IMPULSE}
        traces |= {"x1_tau": network.TAU, "y1_tau": network.TAU}
        rule = Loihi2FLearningRule(dw=network.RULE, **traces, t_epoch=network.EPOCH, rng_seed=network.SEED)
        synapses = LearningDense(**how, learning_rule=rule)
        cells.s_out.connect(synapses.s_in_bap)
    else:
        synapses = Dense(**how)
    cells.s_out.connect(synapses.s_in)
    synapses.a_out.connect(cells.a_in)
    return cells, synapses


def main():
    logging.disable(logging.CRITICAL)
    args = network.arguments()

    def run(steps):
        begin = time.perf_counter()
        cells, synapses = build(args.busy, args.learning)
        config = Loihi2SimCfg(select_tag="fixed_pt")
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        cells.create_runtime(run_cfg=config)
        start = time.perf_counter()
        cells.run(condition=RunSteps(num_steps=steps), run_cfg=config)
        wall = time.perf_counter() - start
        learned = [synapses.weights.get().T] if args.learning else []
        more = {"build_s": round(start - begin, 2)}
        more["fingerprint"] = network.fingerprint(cells.u.get(), cells.v.get(), *learned)
        cells.stop()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)  # of the processes of the runtime, their start included
        cpu = used.ru_utime + used.ru_stime - children.ru_utime - children.ru_stime
        return wall, more | {"cpu_us_per_step": round(cpu * 1e6 / steps, 3)}

    network.measure(args, "lava", version("lava-nc"), run)


if __name__ == "__main__":
    main()
