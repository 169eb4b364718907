"""A balanced network as integers: rates and irregularity of a recurrent network survive the lowering to Loihi.

1 000 neurons (800 excitatory) with in-degrees of 80 and 20, in the asynchronous irregular state of Brunel (2000). The
same network, drive and key run in floating point and as a program, calibrated on the first 200 ms.

    python experiments/lower_balanced.py
    jaxsnn lower experiments/lower_balanced.py --out balanced.npz
"""

import jax
import jax.numpy as jnp

import jaxsnn as snn

EXC, INH, K_EXC, K_INH = 800, 200, 80, 20
J, TAU, V_TH, V_RESET, T_REF, DELAY, DT = 0.5, 20.0, 20.0, 10.0, 2.0, 1.5, 0.5  # mV, ms, mV, mV, ms, ms, ms
WARM_UP = 200.0  # ms


def balanced(g, key):
    """The network, with weights five times those of the paper for a tenth of its in-degree."""
    cell = lambda n: snn.Population(snn.LIF(tau=TAU, v_th=V_TH, v_reset=V_RESET, t_ref=T_REF), n)
    link = lambda pre, post, k, w: snn.Connection(
        pre, post, snn.FixedInDegree(k), via=snn.Dense(), weight=w, delay=DELAY
    )
    return snn.network(
        dt=DT,
        key=key,
        populations={"E": cell(EXC), "I": cell(INH)},
        projections={
            "EE": link("E", "E", K_EXC, J),
            "EI": link("E", "I", K_EXC, J),
            "IE": link("I", "E", K_INH, -g * J),
            "II": link("I", "I", K_INH, -g * J),
        },
    )


def external(eta):
    """Poisson input of `eta` times the rate that brings the mean to threshold."""
    return snn.Poisson(eta * 1e3 * V_TH / (J * TAU), J, into=("E", "I"), most=20.0)


def model(key, g=5.0, eta=2.0):
    """What `jaxsnn lower` lowers: the network, and its drive for a while."""
    return balanced(g, key), snn.lowering.Calibration(external(eta), steps=round(WARM_UP / DT), key=key)


def statistics(what, drive, key, *, window=1000.0):
    """Rate and irregularity of both populations, after the warm-up."""
    record = {p: {"isi": snn.ISI(p, start=WARM_UP), "count": snn.Count(p, start=WARM_UP)} for p in ("E", "I")}
    run = snn.simulate(what, drive, t=WARM_UP + window, key=key, record=record)
    out = {}
    for p in record:
        isi = run[p]["isi"]
        out[f"{p} rate (Hz)"] = float(jnp.mean(run[p]["count"])) / (window * 1e-3)
        out[f"{p} CV"] = float(jnp.nanmean(jnp.where(isi.count >= 4, isi.cv, jnp.nan)))
    return out


def main(seed=0):
    """The report, and model against program."""
    key = jax.random.key(seed)
    net, calibration = model(key)
    program, _, report = snn.lower(net, snn.chips.loihi.Loihi1(), calibrate=calibration)
    print(report)
    theirs, ours = (statistics(what, calibration.drive, key) for what in (net, program))
    print(f"{'':12}{'model':>10}{'program':>10}")
    for name, value in theirs.items():
        print(f"{name:12}{value:10.3f}{ours[name]:10.3f}")


if __name__ == "__main__":
    main()
