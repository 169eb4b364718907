"""Short-term plasticity, unreliable synapses and NMDA in NEST 3.10: `tests/golden/nest_release.json`.

    python tests/oracles/nest_release.py

Needs `nest-simulator` 3.10. A step is a parrot's spike: the one that NEST stamps `(step + 1) dt`.
"""

import json
import pathlib

import nest
import numpy as np

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
DT, STEPS, DELAY = 0.1, 12_000, 1.7
CELL = dict(E_L=-70.0, C_m=250.0, tau_m=10.0, V_th=1e6, V_reset=-70.0, t_ref=2.0, tau_syn_ex=3.0, tau_syn_in=3.0)
FORMS = {
    "tsodyks2_synapse": [
        dict(U=0.5, tau_rec=800.0, tau_fac=0.0),
        dict(U=0.1, tau_rec=100.0, tau_fac=1000.0),
        dict(U=0.67, tau_rec=450.0, tau_fac=15.0),
        dict(U=0.04, tau_rec=5.0, tau_fac=5.0),
    ],
    "tsodyks_synapse": [
        dict(U=0.5, tau_psc=3.0, tau_rec=800.0, tau_fac=0.0),
        dict(U=0.1, tau_psc=20.0, tau_rec=100.0, tau_fac=1000.0),
        dict(U=0.04, tau_psc=1.5, tau_rec=100.0, tau_fac=1000.0),
        dict(U=0.8, tau_psc=50.0, tau_rec=30.0, tau_fac=10.0),
    ],
}
P, TRIALS, TARGETS = 0.3, 2_000, 20


def steps(rng):
    """Spikes in bursts and pauses, two of them in neighbouring steps, none in the last 100 ms."""
    times = np.cumsum(np.rint(rng.exponential(rng.choice([8.0, 60.0, 600.0], 90)) + 1.0).astype(int)) + 20
    times = np.sort(np.append(times, times[5] + 1))
    return np.unique(times[times < STEPS - 1000])


def reset(seed=1):
    nest.ResetKernel()
    nest.set(resolution=DT, local_num_threads=1, rng_seed=seed)


def parrot(spikes):
    """A parrot that fires in these steps: its generator has a delay of one step."""
    generator = nest.Create("spike_generator", params=dict(spike_times=np.round(spikes * DT, 1)))
    bird = nest.Create("parrot_neuron")
    nest.Connect(generator, bird, syn_spec=dict(delay=DT))
    return bird


def plastic(model, numbers, spikes):
    """The weights that were sent, and `V_m` every 5 ms of a neuron that hears them."""
    reset()
    bird, cell = parrot(spikes), nest.Create("iaf_psc_exp", params=CELL)
    weights = nest.Create("weight_recorder")
    nest.CopyModel(model, "plastic", dict(weight_recorder=weights))
    rest = dict(x=1.0) if model == "tsodyks_synapse" else dict(x=1.0, u=numbers["U"])
    nest.Connect(bird, cell, syn_spec=dict(synapse_model="plastic", weight=100.0, delay=DELAY, **numbers, **rest))
    meter = nest.Create("voltmeter", params=dict(interval=5.0))
    nest.Connect(meter, cell)
    nest.Simulate(STEPS * DT)
    sent = weights.events
    assert np.array_equal(np.rint(sent["times"] / DT).astype(int) - 1, spikes)
    return dict(
        model=model, numbers=numbers, amplitude=(sent["weights"] / 100.0).tolist(), v=meter.events["V_m"].tolist()
    )


def bernoulli():
    """How many of a neuron's spikes each of its synapses passes on, and how many synapses pass each spike on."""
    reset(seed=5)
    bird = parrot(np.arange(10, 10 + 2 * TRIALS, 2))
    relays = nest.Create("parrot_neuron", TARGETS)
    nest.Connect(bird, relays, syn_spec=dict(synapse_model="bernoulli_synapse", p_transmit=P, delay=1.0))
    recorder = nest.Create("spike_recorder")
    nest.Connect(relays, recorder)
    nest.Simulate(DT * (2 * TRIALS + 100))
    events = recorder.events
    trial = (np.rint(events["times"] / DT).astype(int) - 21) // 2
    of_synapse = np.bincount(events["senders"] - relays.tolist()[0], minlength=TARGETS)
    of_trial = np.bincount(trial, minlength=TRIALS)
    return dict(
        p=P,
        trials=TRIALS,
        targets=TARGETS,
        passed_by_synapse=of_synapse.tolist(),
        trials_with=np.bincount(of_trial, minlength=TARGETS + 1).tolist(),
    )


def nmda():
    """`V_m` of iaf_bw_2001 with nothing but an NMDA conductance that decays from 12 nS, from two voltages."""
    out = []
    for start in (-70.0, -40.0):
        reset()
        cell = nest.Create("iaf_bw_2001", params=dict(V_th=1e6, V_m=start, s_NMDA=12.0, gsl_error_tol=1e-12))
        meter = nest.Create("voltmeter", params=dict(interval=5.0))
        nest.Connect(meter, cell)
        nest.Simulate(200.0 + DT)
        out.append(dict(start=start, v=meter.events["V_m"].tolist()))
    return out


def beta():
    """`V_m` of iaf_cond_beta after one spike of 10 nS that is heard in step 19."""
    reset()
    cell = nest.Create("iaf_cond_beta", params=dict(V_th=1e6, tau_rise_ex=1.5, tau_decay_ex=6.0))
    generator = nest.Create("spike_generator", params=dict(spike_times=[1.0]))
    nest.Connect(generator, cell, syn_spec=dict(weight=10.0, delay=1.0))
    meter = nest.Create("voltmeter", params=dict(interval=1.0))
    nest.Connect(meter, cell)
    nest.Simulate(60.0 + DT)
    return dict(v=meter.events["V_m"].tolist())


def main():
    nest.verbosity = nest.VerbosityLevel.ERROR
    spikes = steps(np.random.default_rng(11))
    data = dict(
        simulator=f"NEST {nest.__version__}",
        dt=DT,
        steps=STEPS,
        delay=DELAY,
        cell=CELL,
        spikes=spikes.tolist(),
        plastic=[plastic(model, numbers, spikes) for model, some in FORMS.items() for numbers in some],
        bernoulli=bernoulli(),
        nmda=nmda(),
        beta=beta(),
    )
    (GOLDEN / "nest_release.json").write_text(json.dumps(data) + "\n")
    print(len(spikes), "spikes;", data["bernoulli"], [x["v"][-1] for x in data["nmda"]], max(data["beta"]["v"]))


if __name__ == "__main__":
    main()
