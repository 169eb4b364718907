"""Who compiles the loop over steps: `XLA`, on every device, or the `C` compiler of this machine, faster on CPUs.

`simulate(..., compiler=snn.compilers.C())` is the same run, with the same equations.
"""

from typing import TYPE_CHECKING

from .._late import exports

if TYPE_CHECKING:
    from .base import XLA as XLA
    from .base import AbstractCompiler as AbstractCompiler
    from .native import C as C
else:
    __getattr__, __dir__ = exports(__name__)
