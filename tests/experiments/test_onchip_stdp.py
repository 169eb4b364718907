"""The chip learns what the floats learn: which inputs have events in common; without any, it finds none."""

import functools

import jax
import numpy as np

import jaxsnn as snn
from experiments import onchip_stdp


@functools.cache
def results():
    """With events in common and without, in one compile."""
    space = onchip_stdp.SPACE | {"common": snn.Axis(0.4, values=(0.0, 0.5)), "seconds": snn.Static(8)}
    return snn.sweep(onchip_stdp.experiment, snn.product(space), key=jax.random.key(0), progress=snn.progress.Quiet())


def test_both_find_the_common_events(tmp_path):
    ds = results().sel(common=0.5)
    ends = {name: [half[-1] for half in onchip_stdp.halves(ds[f"{name}_w"].values)] for name in ("float", "chip")}
    for together, alone in ends.values():
        assert together - alone > 0.2
    assert np.allclose(ends["float"], ends["chip"], atol=0.05)
    assert "correlation of all weights 0.9" in onchip_stdp.summary(ds)
    onchip_stdp.plot(ds, tmp_path / "onchip.png")
    assert (tmp_path / "onchip.png").stat().st_size > 10_000


def test_nothing_in_common_is_nothing_to_find():
    """Control."""
    together, alone = (half[-1] for half in onchip_stdp.halves(results().sel(common=0.0).chip_w.values))
    assert abs(together - alone) < 0.1
