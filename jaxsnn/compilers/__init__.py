"""Who compiles the loop over steps: `XLA`, on every device, or the `C` compiler of this machine, faster on CPUs.

`simulate(..., compiler=snn.compilers.C())` is the same run, with the same equations.
"""

from .base import XLA as XLA
from .base import AbstractCompiler as AbstractCompiler
from .native import C as C
