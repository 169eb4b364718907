"""A balanced network as integers: rates and irregularity of a recurrent network survive the lowering to Loihi.

1 000 neurons (800 excitatory) with in-degrees of 80 and 20, in the asynchronous irregular state of Brunel (2000). The
same network, drive and key run in floating point and as a program, calibrated on the first 200 ms.

    python experiments/lower_balanced.py [--plot PICTURE]
    jaxsnn lower experiments/lower_balanced.py --out balanced.npz
"""

import argparse

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


def plot(path, net, program, drive, key, *, shown=200.0):
    """The first spikes of the network, and of its program with the same drive."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.5), layout="constrained")
    for (name, what), ax in zip({"model": net, "program": program}.items(), figure.subplots(2, 1, sharex=True)):
        run = snn.simulate(what, drive, t=shown, key=key, record={p: snn.Raster(p) for p in ("E", "I")})
        snn.plot.raster({p: run[p] for p in ("E", "I")}, ax=ax).set(title=name)
        ax.label_outer()
    figure.savefig(path, dpi=120)


def main():
    """The report, and model against program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", help="where the picture goes")
    given = parser.parse_args()
    key = jax.random.key(given.seed)
    net, calibration = model(key)
    program, _, report = snn.lower(net, snn.chips.loihi.Loihi1(), calibrate=calibration)
    print(report)
    theirs, ours = (statistics(what, calibration.drive, key) for what in (net, program))
    print(f"{'':12}{'model':>10}{'program':>10}")
    for name, value in theirs.items():
        print(f"{name:12}{value:10.3f}{ours[name]:10.3f}")
    if given.plot:
        plot(given.plot, net, program, calibration.drive, key)


if __name__ == "__main__":
    main()
