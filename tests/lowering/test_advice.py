"""What a report advises: nothing where all is well, and each thing by name."""

from jaxsnn.lowering.advice import advice

REGISTERS = {"input": [-9, 9], "current": [-9, 9], "voltage": [-9, 9]}
PROVED = {"input is proved": True, "current is proved": True, "voltage is proved": False}
LIMIT = {"limit": "cells", "group": "E", "used": 100, "room": 1024, "remedy": "a smaller population"}
WELL = {
    "chip": {"chips": 1, "binding limit": LIMIT},
    "cells": {"E": {"biases clipped": 0, **PROVED, "registers": REGISTERS}},
    "links": {"w": {"weights, relative rms error": 0.01}},
    "agreement": {"E": {"coincidence": 0.99}},
}


def test_nothing_is_advised_where_all_is_well():
    assert advice(WELL) == []


def test_everything_that_is_close_or_lost_is_named():
    limit = LIMIT | {"limit": "axons in", "used": 4000, "room": 4096, "remedy": "a smaller fan-in"}
    full = {"chips": 2, "binding limit": limit}
    cells = {"E": {"biases clipped": 3, "input is proved": False, "registers": REGISTERS}}
    bad = {**WELL, "chip": full, "cells": cells, "links": {"w": {"weights, relative rms error": 0.2}}}
    said = advice({**bad, "agreement": {"E": {"coincidence": 0.5}}})
    for part, line in zip(("'E': a smaller fan-in", "3 biases clipped", "w: weights are off by 20 %", "50 %"), said):
        assert part in line, said
    assert len(said) == 4
    del bad["agreement"]
    assert any("input can overflow; calibrate" in line for line in advice(bad))
    bad["passes"] = ["a program as it is"]
    assert any("input can overflow; smaller weights" in line for line in advice(bad))
    over = advice({**bad, "run": {"problems": ["an overflow"]}})
    clean = advice({**bad, "run": {"problems": []}})
    assert any("input can overflow" in line for line in over) and not any("overflow" in line for line in clean)
