"""What a kernel takes of a multiprocessor, by the assembler: registers, threads, and the instructions of its loop."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import subprocess
from pathlib import Path
from typing import Any

REGISTERS, THREADS, MULTIPROCESSORS, SCHEDULERS, CLOCK = 65_536, 2_048, 132, 4, 1.98e9  # of an H100, as in `targets`


def dumped_to(folder: Path) -> None:
    """Kernels are written to a folder, as PTX; to be called before JAX is imported."""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_dump_to={folder}"


def resources(folder: Path, name: str, blocks: int) -> dict[str, Any]:
    """The kernel `name`, whose outermost loop is over steps, and the last thing that it does.

    `instructions`: of a step for each warp, with one turn of the loops over rows; no
    step is shorter than `issue_us`, in which they are issued.
    """
    own = [path for path in folder.glob("*.ptx") if f".entry {name}(" in path.read_text()]
    ptx = max(own, key=lambda path: path.stat().st_mtime)
    text = ptx.read_text()
    entry = text[text.index(f".entry {name}(") :]
    entry = entry[: entry.index("\n}")]
    said = subprocess.run(
        [_assembler(), "-v", "-arch=sm_90a", str(ptx), "-o", os.devnull], capture_output=True, text=True, check=True
    ).stderr
    said = said[said.index(f"'{name}'") :]
    number = lambda pattern, where: int(re.findall(pattern, where)[0])
    registers, threads = number(r"Used (\d+) registers", said), number(r"\.reqntid (\d+)", entry)
    resident = min(REGISTERS // (registers * threads), THREADS // threads)
    lines = in_loop(entry)
    waves = math.ceil(blocks / MULTIPROCESSORS)
    return {
        "registers": registers,
        "spilled_B": number(r"(\d+) bytes spill stores", said),
        "threads": threads,
        "blocks_a_multiprocessor": resident,
        "instructions": len(lines),
        "barriers": sum("bar.sync" in line for line in lines),
        "atomics": sum("atom." in line for line in lines),
        "issue_us": len(lines) * threads / 32 * waves / (SCHEDULERS * CLOCK) * 1e6,
    }


def in_loop(entry: str) -> list[str]:
    """The instructions between the first label that is branched back to and the last branch to it."""
    lines = entry.splitlines()
    labels = {line[:-1]: i for i, line in enumerate(lines) if re.fullmatch(r"\$L\w+:", line)}
    jumps = [(i, labels[m[1]]) for i, line in enumerate(lines) if (m := re.search(r"bra\S*\s+(\$L\w+);", line))]
    back = [(to, i) for i, to in jumps if to <= i]
    begin, end = min(back)[0], max(i for _, i in back)
    body = (line.strip() for line in lines[begin : end + 1])
    return [line for line in body if line and not line.startswith(("//", ".", "$", "{", "}"))]


def _assembler() -> str:
    found = importlib.util.find_spec("nvidia.cuda_nvcc")
    assert found is not None and found.submodule_search_locations
    return str(Path(found.submodule_search_locations[0]) / "bin" / "ptxas")
