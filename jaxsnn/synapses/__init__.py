"""Synapse ports: how what arrives becomes a current, a conductance or a jump. One kind a file."""
