"""Points run, whatever fails, and are stored as they finish."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..simulation.progress import AbstractProgress
from .compiled import Layout, Program, compiled
from .dataset import NOT_RUN
from .execute import Failure, Lanes, Outcome, Pace, failure_of
from .plan import Job, Plan, fits
from .store import Claims, Shard, Store, Workers, Writer
from .work import Work, call_of, parts_of, structures

_PAUSE = 0.2  # seconds between looks at what others do


@dataclass
class Spent:
    """Where the time of a sweep went."""

    compile_s: float = 0.0
    device_s: float = 0.0
    programs: int = 0  # that were compiled, and not found
    said: list[str] = field(default_factory=list)


def run(plan: Plan, progress: AbstractProgress, executor: Executor | None = None, remote: Any = None) -> Spent:
    """Run what is missing. What finishes is stored at once, and all of it when this returns or raises.

    `executor`: where calls run, in place of threads of this process; `remote(job, layout)` makes what it is given.
    """
    spent = Spent(compile_s=plan.traced_s)
    with _shared(plan) as (claims, look), _writing(plan) as writer, progress.task("sweep", plan.missing) as advance:
        works = _works(plan, claims, look)

        def keep(job: int, outcome: Outcome) -> None:
            spent.device_s += outcome.seconds
            writer.add(job, _shard(plan, plan.jobs[job], outcome))
            advance(len(outcome.rows))

        for number, job in enumerate(plan.jobs):
            if job.error is not None and len(rows := works[number].take(len(job.structure.rows))):
                keep(number, Outcome(rows, failure_of(job.error, "trace"), 0.0))
        going = [number for number, job in enumerate(plan.jobs) if job.traced is not None]
        while going:
            lanes = Lanes(plan.resources.lanes, executor)
            try:
                with _ahead(plan, [plan.jobs[i] for i in going], progress, spent, remote) as programs:
                    for number, (go, pace) in zip(going, programs, strict=False):
                        if isinstance(go, Exception):
                            rows = works[number].take(len(plan.jobs[number].structure.rows))
                            keep(number, Outcome(rows, failure_of(go, "compile"), 0.0))
                            continue
                        for outcome in lanes.run(works[number], lambda rows: call_of(plan.grid, rows), go, pace):
                            keep(number, outcome)
            finally:
                lanes.close()
            going = _left_elsewhere(works, going, look)
    return spent


def _left_elsewhere(works: list[Work], going: list[int], look: Any) -> list[int]:
    """Structures of which others have parts that are not finished yet, after a pause; none when all is done."""
    if not any(works[i].elsewhere for i in going):
        return []
    time.sleep(_PAUSE)
    look()
    return [i for i in going if works[i].try_again()]


@contextmanager
def _shared(plan: Plan) -> Iterator[tuple[Claims | None, Any]]:
    """The store, for others too: who else is at work, and what they finish."""
    if not isinstance(plan.store, Store):
        yield None, lambda: None
        return
    store = plan.store
    workers = Workers(store.folder, plan.name)
    try:
        for told in workers.others().values():
            if told["plan"] != plan.name:
                process, host = told["process"]["pid"], told["process"].get("host", "another machine")
                raise ValueError(
                    f"Process {process} on {host} is sweeping other points into {store.folder}; wait until it is done "
                    "(or a minute, if it died), or give another folder."
                )

        def look() -> None:
            if store.look():
                found = store.index.find(plan.ids)
                done = (found.shard >= 0) if not plan.attempt else (found.shard >= 0) & (found.status == 0)
                plan.todo &= ~done

        claims = Claims(store.folder, workers)
        yield claims, look
        claims.drop()  # all is stored
        workers.tidy()
    finally:
        workers.leave()
    if not workers.others():
        store.folder.tidy()


@contextmanager
def _writing(plan: Plan) -> Iterator[Writer]:
    writer = Writer(plan.store)
    try:
        yield writer
    finally:
        writer.close()


def _works(plan: Plan, claims: Claims | None, look: Any) -> list[Work]:
    """The work of every job: the parts of the whole plan that belong to its structure."""
    every = structures(plan.grid)
    parts = {tuple(s.rows[:1]): own for s, own in zip(every, parts_of(every), strict=True)}
    works = [Work(parts[tuple(job.structure.rows[:1])], plan.todo, claims, look) for job in plan.jobs]
    for work in works:
        work.start_at(plan.share)
    return works


@contextmanager
def _ahead(plan: Plan, jobs: list[Job], progress: AbstractProgress, spent: Spent, remote: Any) -> Iterator[Any]:
    """The programs of several structures: the next one compiles while this one runs."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="jaxsnn-compile")

    def made(job: Job) -> tuple[Any, Pace]:
        layout = plan.resources.layout(job, plan.batch)
        first = lambda: plan.resources.first(layout, len(job.structure.rows), plan.batch)
        if remote is not None:
            return remote(job, layout), Pace(first(), plan.batch or layout.most)
        program = [_compiled(plan, job, layout, spent)]
        while not fits(program[0], plan.resources) and layout.size > 1:
            layout = layout._replace(size=layout.size // 2)
            program[0] = _compiled(plan, job, layout, spent)

        def halved() -> int:
            nonlocal layout
            layout = layout._replace(size=max(1, layout.size // 2))
            progress.say(f"sweep: out of memory; {layout.most} points a call from here on")
            program[0] = _compiled(plan, job, layout, spent)
            return layout.most

        go = lambda call: program[0].run(call)
        return go, Pace(first(), min(plan.batch or layout.most, layout.most), halved)

    def each() -> Iterator[tuple[Any, Any]]:
        futures: list[Future[Any]] = []
        for i in range(len(jobs)):
            futures += [pool.submit(made, job) for job in jobs[len(futures) : i + 2]]
            with progress.compiling("sweep"):
                error = futures[i].exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            yield futures[i].result() if error is None else (error, None)

    try:
        yield each()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _compiled(plan: Plan, job: Job, layout: Layout, spent: Spent) -> Program:
    assert job.traced is not None
    tick = time.monotonic()
    program = compiled(job.traced, layout, plan.key)
    spent.compile_s += time.monotonic() - tick
    spent.programs += program.fresh
    return program


def _shard(plan: Plan, job: Job, outcome: Outcome) -> Shard:
    """The points of a call as they are stored."""
    ids = plan.ids[outcome.rows]
    if isinstance(outcome.found, Failure):
        status = np.full(len(ids), NOT_RUN, np.uint32)
        return Shard(
            ids, status, {}, dict.fromkeys(range(len(ids)), (outcome.found.kind, outcome.found.message)), plan.attempt
        )
    values, status = outcome.found
    assert job.traced is not None
    named = dict(zip(job.traced.form, values, strict=True))
    named.pop("status", None)
    return Shard(ids, status, named, {}, plan.attempt)
