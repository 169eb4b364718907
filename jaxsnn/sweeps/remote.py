"""Calls in the workers of an executor: what travels there, and what a worker keeps."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from .compiled import Call, Layout, Outputs, Program, compiled
from .form import Dims
from .plan import Job, Plan, resources
from .program import Experiment, trace
from .space import Space


class Task(NamedTuple):
    """A structure as it travels: what it takes to trace and compile it in another process."""

    name: str
    experiment: Experiment
    space: Space
    static: dict[str, Any]
    key: np.ndarray
    impl: str
    dims: Dims
    size: int


class RemoteCall(NamedTuple):
    """What an executor is given in place of a compiled program."""

    task: Task

    def __call__(self, call: Call) -> Outputs:
        return _program(self.task).run(call)


def remote_for(experiment: Experiment, plan: Plan, dims: Dims) -> Callable[[Job, Layout], RemoteCall]:
    """Makes what an executor is given for a structure."""
    words, impl = np.asarray(jax.random.key_data(plan.key)), str(jax.random.key_impl(plan.key))

    def made(job: Job, layout: Layout) -> RemoteCall:
        static = job.structure.static
        name = uuid.uuid4().hex
        return RemoteCall(Task(name, experiment, plan.grid.space, static, words, impl, dims, layout.size))

    return made


_kept: OrderedDict[str, Program] = OrderedDict()
_lock = threading.Lock()


def _program(task: Task) -> Program:
    """Compiled once in every worker; the last eight are kept."""
    with _lock:
        if task.name not in _kept:
            key = jax.random.wrap_key_data(jax.numpy.asarray(task.key), impl=task.impl)
            traced = trace(task.experiment, task.space, task.static, key, set(), task.dims)
            here = resources(None, None)
            mesh = jax.sharding.Mesh(np.asarray(here.devices), ("points",))
            _kept[task.name] = compiled(traced, Layout(task.size, mesh, here.together), key)
            while len(_kept) > 8:
                _kept.popitem(last=False)
        return _kept[task.name]
