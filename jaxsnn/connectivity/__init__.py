"""Connectivity: who connects to whom, how synapses are held, and how spikes travel along them, each with its delay."""
