"""Imports Lava 0.10 and Lava-DL 0.6 on Python 3.11, which they were not released for. Import this before them.

Python 3.11 refuses one mutable dataclass default in Lava, which here becomes a factory. Lava-DL's object detection
needs OpenCV and torchvision, which no model here uses: an empty package stands in for it.
"""

import copy
import dataclasses
import sys
import types

_strict = dataclasses._get_field  # the private hook, in this process only


def _with_factories(cls, name, kind, keyword_only):
    default = getattr(cls, name, dataclasses.MISSING)
    refused = not isinstance(default, dataclasses.Field) and type(default).__hash__ is None
    if refused and "ClassVar" not in str(kind):
        setattr(cls, name, dataclasses.field(default_factory=lambda: copy.copy(default)))
    return _strict(cls, name, kind, keyword_only)


dataclasses._get_field = _with_factories

for name in ("cv2", "torchvision", "lava.lib.dl.slayer.object_detection"):
    sys.modules.setdefault(name, types.ModuleType(name))
