"""Plasticity: rules written for one synapse, modifiers of what they ask for, and how both follow spikes."""
