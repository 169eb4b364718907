"""Results kept by commit, as JSON, and two of them side by side.

A file holds the lines of one commit, each with a date and the machine's processor; of lines with the same workload and
subject the last one counts.
"""

import datetime
import json
import os
import platform
import subprocess
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
NAMES = ("workload", "subject")  # what makes two lines comparable


def commit() -> str:
    """The commit of this checkout, with a mark where files differ from it other than results."""
    git = ("git", "-C", str(Path(__file__).parent))
    found = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    others = (":/", f":(exclude){RESULTS}")
    changed = subprocess.run([*git, "status", "--porcelain", *others], capture_output=True, text=True, check=False)
    return (found.stdout.strip() or "unknown") + ("-changed" if changed.stdout.strip() else "")


def processor() -> str:
    """The processor's name, and the vectors that it has."""
    file = Path("/proc/cpuinfo")
    found = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line) if file.exists() else {}
    about = {name.strip(): text.strip() for name, text in found.items()}
    flags = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}
    has = about.get("flags", about.get("Features", "")).split()
    vectors = next((name for flag, name in flags.items() if flag in has), "")
    return about.get("model name", platform.processor() or platform.machine()) + (f" ({vectors})" if vectors else "")


def keep(line: dict, folder: Path = RESULTS) -> None:
    """Add a line to the file of this commit."""
    path = folder / f"{commit()}.json"
    lines = json.loads(path.read_text()) if path.exists() else []
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    lines.append(line | {"date": now, "cores": os.cpu_count(), "machine": platform.machine(), "processor": processor()})
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(f"  {json.dumps(line)}" for line in lines) + "\n]\n")


def path_of(given: str, folder: Path = RESULTS) -> Path:
    """A file of results, or that of a commit."""
    path = Path(given) if Path(given).is_file() else next(iter(sorted(folder.glob(f"{given}*.json"))), None)
    if path is None:
        raise SystemExit(f"Got {given!r}, expected a file of results or a commit that has one in {folder}.")
    return path


def read(given: str, folder: Path = RESULTS) -> dict[tuple[str, ...], dict]:
    """The last line of every workload and subject, of a file or of a commit that has one."""
    lines = json.loads(path_of(given, folder).read_text())
    return {tuple(line.get(name, "") for name in NAMES): line for line in lines}


def compared(old: dict, new: dict) -> list[str]:
    """A sentence for every number that both have: before, after, and after over before."""
    rows = []
    for names in [names for names in old if names in new]:
        for field, before in old[names].items():
            after = new[names].get(field)
            if field != "cores" and all(
                isinstance(x, (int, float)) and not isinstance(x, bool) for x in (before, after)
            ):
                ratio = f"{after / before:8.3f}" if before else "       -"
                rows.append(f"{' '.join(names):28s} {field:24s} {before:12g} {after:12g} {ratio}")
    return rows
