"""Lowering: a network becomes a fixed-point program for the Loihi core model, and runs bit for bit in `simulate`."""
