"""A number that carries a unit is refused wherever numbers enter: alone it would be in another unit, in silence."""

import numpy as np
import pytest
import quantities as pq

import jaxsnn as snn
from jaxsnn.presets import brian2


class Brians(np.ndarray):
    """As Brian2's `Quantity`: an array of numbers in SI units, with a unit that arithmetic follows."""

    def get_best_unit(self):
        return "second"


ms, second = np.asarray(1e-3).view(Brians), np.asarray(1.0).view(Brians)
CELL = snn.Population(snn.LIF(), 3)


def network(dt=0.1, init=None, **connection):
    cells = snn.Population(snn.LIF(), 3, init=init or {})
    link = snn.Connection("E", "E", snn.AllToAll(), **({"weight": 0.1, "delay": 1.0} | connection))
    return snn.network(dt=dt, key=0, populations={"E": cells}, projections={"EE": link})


NET = network()
DOORS = {
    "a parameter": lambda x: snn.LIF(tau=20 * x),
    "a list of them": lambda x: snn.LIF(tau=[20 * x, 10 * x, 5 * x]),
    "set": lambda x: snn.set(NET, "EE.weight", 4 * x),
    "the length of a run": lambda x: snn.simulate(NET, t=1000 * x, key=0),
    "a step": lambda x: network(dt=0.1 * x),
    "a weight": lambda x: network(weight=0.1 * x),
    "weights": lambda x: network(weight=np.ones((3, 3)) * x),
    "a delay": lambda x: network(delay=1000 * x),
    "a start": lambda x: network(init={"v": 2 * x}),
    "a law": lambda x: snn.Uniform(0 * x, 2 * x),
    "a rate": lambda x: snn.Poisson(2 * x, into="E"),
    "times of spikes": lambda x: snn.SpikeGenerator([0], [1000] * x, into="E"),
    "the same of Brian2": lambda x: brian2.SpikeGeneratorGroup(3, [0], [1000] * x, into="E.in"),
    "a window": lambda x: snn.Count("E", start=1000 * x),
    "an axis": lambda x: snn.Axis(4.0, values=[4 * x]),
    "trains": lambda x: snn.analysis.spike_trains([[1, 2] * x], t_stop=10.0),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_unit_is_refused(door):
    for unit in (ms, second):
        with pytest.raises(ValueError, match=r"carries a unit|expected a (positive )?number"):
            DOORS[door](unit)
    if door != "trains":  # which reads quantities of `quantities`, Neo's, as what they are
        with pytest.raises(ValueError, match=r"carries a unit|expected a (positive )?number"):
            DOORS[door](pq.ms)


def test_what_to_do_is_said_and_does_it():
    """Control: the same numbers, divided by their unit, are taken."""
    with pytest.raises(
        ValueError, match=r"Got t = 1.0, which carries a unit; .* divide by the unit, as in 1\*second/ms"
    ):
        snn.simulate(NET, t=second, key=0)
    assert float(snn.LIF(tau=float(20 * ms / ms)).tau) == 20.0
    assert float(snn.set(NET, "EE.weight", np.float64(4.0))["EE"].weight) == 4.0
