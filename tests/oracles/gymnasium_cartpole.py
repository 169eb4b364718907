"""Freezes episodes of Gymnasium's CartPole-v1 under random actions: `python tests/oracles/gymnasium_cartpole.py`.

Needs `gymnasium` 1.4. Writes tests/golden/gymnasium_cartpole.json: for every episode the states (double precision, the
one at the start included), the actions (0 left, 1 right), and whether it ended by itself.
"""

import json
from pathlib import Path

import gymnasium
import numpy as np

episodes = []
for seed in range(4):
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    # the last one is pushed one way from afar: it leaves the track, not the upright
    if seed == 3:
        env.unwrapped.state = np.array([2.3, 1.5, -0.05, 0.0])
    states, actions, ended = [[float(x) for x in env.unwrapped.state]], [], False
    while not ended:
        actions.append(int(rng.integers(2)) if seed < 3 else 1)
        _, reward, ended, cut, _ = env.step(actions[-1])
        assert reward == 1.0 and not cut
        states.append([float(x) for x in env.unwrapped.state])
    episodes.append({"states": states, "actions": actions})
out = {"version": gymnasium.__version__, "episodes": episodes}
(Path(__file__).parents[1] / "golden" / "gymnasium_cartpole.json").write_text(json.dumps(out))
print([len(e["actions"]) for e in episodes], [e["states"][-1] for e in episodes])
