"""Run a script of PyNN that takes its simulator's name: `python -m jaxsnn.interop.pynn VAbenchmarks.py jaxsnn CUBA`.

`pyNN.utility.get_simulator` imports `pyNN.NAME`; for the script, `pyNN.jaxsnn` is this backend.
"""

import runpy
import sys
from pathlib import Path
from typing import Any

from jaxsnn.interop import pynn


def main() -> dict[str, Any]:
    """Run the script in the first argument with the rest; its names."""
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m jaxsnn.interop.pynn SCRIPT [ARGUMENT ...]")
    sys.modules["pyNN.jaxsnn"] = pynn
    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(Path(sys.argv[0]).parent))  # as Python does
    return runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
