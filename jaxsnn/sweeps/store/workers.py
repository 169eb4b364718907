"""The processes that work on a store, so that none waits for one that has ended."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from .folder import AbstractFolder

BEAT, LEASE = 5.0, 60.0  # seconds between two signs of life; without one for so long, a worker counts as dead


class Workers:
    """This process among those that share a store.

    Each writes a file with a counter that it raises every few seconds. Whether another is alive is found out by looking
    at its counter for a while, on the clock of the one who looks: clocks of two machines are never compared, and one
    that jumps changes nothing. Of a process on the same machine it is seen at once.
    """

    def __init__(self, folder: AbstractFolder, plan: str, *, beat: float = BEAT, lease: float = LEASE):
        self.folder, self.plan, self.beat, self.lease = folder, plan, beat, lease
        self.name = uuid.uuid4().hex[:12]
        self._seen: dict[str, tuple[Any, float]] = {}  # its counter, and when it was first seen to stand there
        self._stop = threading.Event()
        self._count = 0
        self._sign()
        self._thread = threading.Thread(target=self._beating, name="jaxsnn-heartbeat", daemon=True)
        self._thread.start()

    def others(self) -> dict[str, dict[str, Any]]:
        """The other workers that are not known to be dead, and what they say of themselves."""
        found = {}
        for file in self.folder.names("workers"):
            name = file.removesuffix(".json")
            if name != self.name and (told := self._told(name)) is not None and self.alive(name):
                found[name] = told
        return found

    def alive(self, name: str) -> bool:
        """Whether a worker may still be at work."""
        if name == self.name:
            return True
        told = self._told(name)
        if told is None:  # it left, or never came
            return False
        if (process := told["process"])["machine"] == _process()["machine"] != "":
            return _started(process["pid"]) == process["started"]
        now = time.monotonic()
        count, since = self._seen.get(name, (None, now))
        if count != told["count"]:
            self._seen[name] = (told["count"], now)
            return True
        return now - since < self.lease

    def tidy(self) -> None:
        """Remove the files of the dead."""
        for file in self.folder.names("workers"):
            if not self.alive(file.removesuffix(".json")):
                self.folder.remove(f"workers/{file}")

    def leave(self) -> None:
        """Nothing of this worker is left; others may take what it has not finished."""
        self._stop.set()
        self._thread.join(timeout=1.0)
        try:
            self.folder.remove(f"workers/{self.name}.json")
        except OSError:
            pass

    def _beating(self) -> None:
        while not self._stop.wait(self.beat):
            try:
                self._sign()
            except OSError:  # a full disk: others will take over, and nothing is lost
                continue

    def _sign(self) -> None:
        self._count += 1
        told = {"count": self._count, "plan": self.plan, "process": _process()}
        self.folder.write(f"workers/{self.name}.json", json.dumps(told).encode(), durable=False)

    def _told(self, name: str) -> dict[str, Any] | None:
        try:
            return json.loads(self.folder.read(f"workers/{name}.json"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return {"count": None, "plan": self.plan, "process": {"machine": "", "pid": 0, "started": ""}}


def at_work(folder: AbstractFolder) -> bool:
    """Whether somebody may be at work on a store: a process of this machine that lives, or any of another machine."""
    here = _process()["machine"]
    for file in folder.names("workers"):
        try:
            process = json.loads(folder.read(f"workers/{file}"))["process"]
        except (OSError, ValueError):  # it is just leaving, or writing
            return True
        if not here or process["machine"] != here or _started(process["pid"]) == process["started"]:
            return True
    return False


def _process() -> dict[str, Any]:
    """An identifier that no other process ever had, where the system tells enough; else one without a machine."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        machine = f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        machine = ""
    return {"machine": machine, "host": os.uname().nodename, "pid": os.getpid(), "started": _started(os.getpid())}


def _started(pid: int) -> str:
    """When a process started, in ticks since the machine did; "" where there is none, or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
