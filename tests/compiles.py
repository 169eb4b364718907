"""What the tests compile: programs and seconds of every test, with a budget a file kept beside them, and what else
takes their time: tracing, lowering, reading from the cache, looking for garbage.

Nearly all of the suite's time is XLA compiling, so programs are what is counted: where JAX asks its backend for one,
whether a cache has it or not, so that the number does not depend on what another worker has compiled before.

`tests/programs.json` holds the programs and the seconds of each test file. A run of a whole file that asks for clearly
more programs fails and says so; the seconds order the next run, the longest file first. `pytest --write-programs`
writes both as this run found them.
"""

from __future__ import annotations

import gc
import json
import os
import threading
import time
from collections import defaultdict
from pathlib import Path

import jax
import pytest

BUDGET = Path(__file__).with_name("programs.json")
HIT = "/jax/compilation_cache/cache_hits"
PARTS = {  # of what JAX does before a program runs
    "/jax/core/compile/jaxpr_trace_duration": "tracing",
    "/jax/core/compile/jaxpr_to_mlir_module_duration": "lowering",
    "/jax/core/compile/backend_compile_duration": "compiling",
    "/jax/compilation_cache/cache_retrieval_time_sec": "reading",
}
HELD = 1000  # programs that a worker keeps from file to file

counts = {"programs": 0, "hits": 0, **dict.fromkeys(PARTS.values(), 0.0), "garbage": 0.0}  # all but two are seconds

SPENT = (*counts, "processor", "total")


class Nested(threading.local):
    """What each part takes by itself: parts are within parts, and are told when they end."""

    def __init__(self):
        self.ended: list[tuple[float, float]] = []  # beginnings and seconds of those that are within none so far

    def alone(self, end: float, seconds: float) -> float:
        """Of a part that ends now, the seconds that are not those of parts within it."""
        within = 0.0
        while self.ended and self.ended[-1][0] >= end - seconds:
            within += self.ended.pop()[1]
        self.ended.append((end - seconds, seconds))
        return max(seconds - within, 0.0)


def listen() -> None:
    """Count from here on. JAX has no public way to stop, hence once a process."""
    nested, begun = Nested(), 0.0

    def part(event: str, seconds: float, **_: object) -> None:
        if (name := PARTS.get(event)) is not None:
            counts["programs"] += name == "compiling"
            counts[name] += nested.alone(time.time(), seconds)  # JAX's clock

    def hit(event: str, **_: object) -> None:
        counts["hits"] += event == HIT

    def garbage(phase: str, _: object) -> None:
        nonlocal begun
        if phase == "stop":
            counts["garbage"] += time.perf_counter() - begun
        begun = time.perf_counter()

    jax.monitoring.register_event_duration_secs_listener(part)
    jax.monitoring.register_event_listener(hit)
    gc.callbacks.append(garbage)


def processor() -> float:
    """Seconds of processors that this process has taken, and processes that it started and that have ended."""
    return sum(os.times()[:4])


def allowed(programs: int) -> int:
    """Programs that a file may ask for whose budget is `programs`.

    The first file of a worker, and the first after programs were let go, compiles what all files need: some 170.
    """
    return programs + max(250, programs // 4)


def over_budget(found: dict[str, float], budget: dict[str, int]) -> list[str]:
    """One sentence for each file that asked for more programs than it may; a file without a budget may ask for 250."""
    return [
        f"{name} compiles {n:.0f} programs, expected at most {allowed(budget.get(name, 0))}: "
        "share programs between tests, or accept the number with `pytest --write-programs`"
        for name, n in sorted(found.items())
        if n > allowed(budget.get(name, 0))
    ]


def budget() -> dict[str, dict[str, int]]:
    return json.loads(BUDGET.read_text()) if BUDGET.exists() else {}


def file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def unoptimised(item: pytest.Item) -> bool:
    """Whether the programs of a test are compiled without most optimisations, as its file is marked."""
    return item.get_closest_marker("unoptimised") is not None


def by_file(tests: dict[str, dict[str, float]], name: str) -> dict[str, float]:
    out: dict[str, float] = defaultdict(float)
    for nodeid, test in tests.items():
        out[file_of(nodeid)] += test[name]
    return dict(out)


class Recorder:
    """Counts where tests run (in every worker) and adds up where their reports arrive."""

    def __init__(self, config: pytest.Config):
        self.config = config
        self.before = counts | {"processor": processor()}
        self.tests: dict[str, dict[str, float]] = {}
        self.over: list[str] = []
        self.cleared = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        """Files whose programs are not optimised, then the others; of each the longest first, so that no worker is left
        alone with it at the end; within a file as written."""
        kept = budget()
        items.sort(key=lambda item: (not unoptimised(item), -kept.get(file_of(item.nodeid), {}).get("seconds", 0)))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item, nextitem):
        """Let go of programs between files: each takes about ten of the 65 530 mappings that Linux gives a process,
        and XLA ends it without a word when there are none left."""
        done = nextitem is None or file_of(nextitem.nodeid) != file_of(item.nodeid)
        if done and counts["programs"] - self.cleared > HELD:
            jax.clear_caches()
            self.cleared = counts["programs"]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self):
        report = yield
        now = counts | {"processor": processor()}
        report.spent = {name: now[name] - self.before[name] for name in now}  # travels from a worker
        self.before = now
        return report

    def pytest_runtest_logreport(self, report):
        test = self.tests.setdefault(report.nodeid, dict.fromkeys(SPENT, 0.0))
        for name, value in {**getattr(report, "spent", {}), "total": report.duration}.items():
            test[name] += value

    def pytest_sessionfinish(self, session):
        if hasattr(self.config, "workerinput") or not self.tests:
            return
        programs, seconds = by_file(self.tests, "programs"), by_file(self.tests, "total")
        option = self.config.option
        whole = not (option.keyword or option.markexpr or option.lf or any("::" in arg for arg in self.config.args))
        if option.write_programs:
            kept = {name: file for name, file in budget().items() if (self.config.rootpath / name).exists()}
            kept |= {name: {"programs": round(n), "seconds": round(seconds[name])} for name, n in programs.items()}
            lines = (f"  {json.dumps(name)}: {json.dumps(file)}" for name, file in sorted(kept.items()))
            BUDGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        elif whole:
            self.over = over_budget(programs, {name: file["programs"] for name, file in budget().items()})
            if self.over and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if not self.tests:
            return
        line = terminalreporter.write_line
        total = {name: sum(test[name] for test in self.tests.values()) for name in SPENT}
        terminalreporter.section("compiled programs")
        line(f"{total['programs']:.0f} programs, {total['hits']:.0f} of them kept from before; "
             f"{total['total']:.0f} s of tests, {total['processor']:.0f} s of processors, of these")  # fmt: skip
        line(", ".join(f"{total[name]:.0f} s {name}" for name in (*PARTS.values(), "garbage")))
        files = {name: by_file(self.tests, name) for name in total}
        for name in sorted(files["total"], key=files["total"].get, reverse=True)[:12]:
            line(f"{files['total'][name]:6.0f} s {files['programs'][name]:6.0f} programs  {name}")
        for sentence in self.over:
            line(sentence, red=True)
