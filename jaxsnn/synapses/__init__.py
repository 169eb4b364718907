"""Synapse ports: how what arrives becomes current, conductance or a jump. One kind a file, shared by all projections."""
