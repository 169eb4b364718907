"""Who computes which part of a plan: a part is claimed by creating a file that was not there."""

from __future__ import annotations

from collections import defaultdict

from .folder import AbstractFolder
from .workers import Workers


class Claims:
    """Parts of a plan, each claimed by at most one worker that is alive.

    `claims/<plan>/<part>-<generation>` names its worker, and is never written again. A part whose worker is dead is
    taken by creating the next generation, in which again only one of several succeeds.
    """

    def __init__(self, folder: AbstractFolder, workers: Workers):
        self.folder, self.workers = folder, workers
        self.at = f"claims/{workers.plan}"
        self._last: dict[int, int] = defaultdict(lambda: -1)  # generation, by part
        self._holder: dict[str, str] = {}
        self.mine: set[int] = set()
        self.look()

    def look(self) -> None:
        """See what others have claimed since."""
        for name in self.folder.names(self.at):
            part, _, generation = name.partition("-")
            if generation.isdecimal() and part.isdecimal():
                self._last[int(part)] = max(self._last[int(part)], int(generation))

    def take(self, part: int) -> bool:
        """Whether the part is this worker's from now on."""
        if part in self.mine:
            return True
        last = self._last[part]
        if last >= 0 and self.workers.alive(self._who(part, last)):
            return False
        if self.folder.create(f"{self.at}/{part}-{last + 1}", self.workers.name.encode()):
            self._last[part] = last + 1
            self.mine.add(part)
            return True
        self.look()
        return False

    def drop(self) -> None:
        """What is left of the claims of this plan, where it is finished."""
        for name in self.folder.names(self.at):
            self.folder.remove(f"{self.at}/{name}")

    def _who(self, part: int, generation: int) -> str:
        name = f"{self.at}/{part}-{generation}"
        if name not in self._holder:
            try:
                self._holder[name] = self.folder.read(name).decode(errors="replace")
            except FileNotFoundError:  # finished meanwhile
                return ""
        return self._holder[name]
