"""File formats of events: N-MNIST, AEDAT 2.0, 3.1 and 4, and Prophesee's EVT 2.0, EVT 3.0 and DAT.

Each is a class that reads a file piece by piece; `read_events` finds out which one a file is.
"""

from .aedat2 import AEDAT2 as AEDAT2
from .aedat2 import DAVIS as DAVIS
from .aedat2 import DVS128 as DVS128
from .aedat2 import AbstractAddress as AbstractAddress
from .aedat3 import AEDAT3 as AEDAT3
from .aedat4 import AEDAT4 as AEDAT4
from .base import AbstractEventFormat as AbstractEventFormat
from .dat import DAT as DAT
from .evt2 import EVT2 as EVT2
from .evt3 import EVT3 as EVT3
from .nmnist import NMNIST as NMNIST
