"""NEST 3: neuron models, devices, connection rules and synapse models, spike for spike where nothing is drawn.

    E = nest.iaf_psc_exp(800, I_e=300.0)  # a Population with the ports "ex" and "in"
    EE = nest.Connect("E", "E.ex", nest.fixed_indegree(80), weight=20.0, delay=1.5)
    drive = nest.poisson_generator(8000.0, into="E.ex", weight=20.0)

The sign of a weight chooses a receptor in NEST. Here the name of the port does: excitation goes to `"E.ex"` and
inhibition to `"E.in"`, with negative weights where the port is a current, and positive ones where it is a conductance.
"""

from .._refuse import refused_names
from .aeif import aeif_cond_alpha as aeif_cond_alpha
from .aeif import aeif_cond_exp as aeif_cond_exp
from .devices import dc_generator as dc_generator
from .devices import noise_generator as noise_generator
from .devices import poisson_generator as poisson_generator
from .devices import spike_generator as spike_generator
from .iaf_cond import iaf_cond_alpha as iaf_cond_alpha
from .iaf_cond import iaf_cond_beta as iaf_cond_beta
from .iaf_cond import iaf_cond_exp as iaf_cond_exp
from .iaf_psc import iaf_psc_alpha as iaf_psc_alpha
from .iaf_psc import iaf_psc_delta as iaf_psc_delta
from .iaf_psc import iaf_psc_exp as iaf_psc_exp
from .others import hh_cond_exp_traub as hh_cond_exp_traub
from .others import hh_psc_alpha as hh_psc_alpha
from .others import izhikevich as izhikevich
from .others import parrot_neuron as parrot_neuron
from .rules import Connect as Connect
from .rules import all_to_all as all_to_all
from .rules import fixed_indegree as fixed_indegree
from .rules import fixed_outdegree as fixed_outdegree
from .rules import fixed_total_number as fixed_total_number
from .rules import one_to_one as one_to_one
from .rules import pairwise_bernoulli as pairwise_bernoulli
from .synapses import bernoulli_synapse as bernoulli_synapse
from .synapses import stdp_nn_symm_synapse as stdp_nn_symm_synapse
from .synapses import stdp_pl_synapse_hom as stdp_pl_synapse_hom
from .synapses import stdp_synapse as stdp_synapse
from .synapses import stdp_triplet_synapse as stdp_triplet_synapse
from .synapses import tsodyks2_synapse as tsodyks2_synapse
from .synapses import tsodyks_synapse as tsodyks_synapse
from .synapses import vogels_sprekeler_synapse as vogels_sprekeler_synapse

__getattr__ = refused_names(
    "snn.presets.nest",
    {
        "static_synapse": "a connection without a rule and a release; leave syn_spec out of Connect",
        "quantal_stp_synapse": "no release here both runs out of vesicles and draws them; TsodyksMarkram depletes",
        "ac_generator": "a sinusoidal current; give it as a TimedArray",
        "multimeter": "a recorder; record with the probe Trace",
        "spike_recorder": "a recorder; record with the probe Raster or Spikes",
        "pairwise_poisson": "no topology here draws the number of synapses of each pair from a Poisson distribution",
        "symmetric_pairwise_bernoulli": "no topology here makes both directions of a pair together",
        "aeif_psc_exp": "the cell of aeif_cond_exp with two Exponential ports; make that Population from snn.AdEx",
        "aeif_psc_alpha": "the cell of aeif_cond_exp with two Alpha ports; make that Population from snn.AdEx",
        "gif_psc_exp": "its threshold and its current both adapt; snn.EscapeLIF has the hazard without them",
        "iaf_psc_exp_multisynapse": "a Population with one Exponential port a receptor is that model",
    },
)
