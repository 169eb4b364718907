"""Lava-DL's network files (netx, HDF5): a program written so that its loader runs it bit for bit, and read from one."""
