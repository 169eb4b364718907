"""Kinds of cells that Loihi 2 has and Loihi has not, as Lava 0.10 models them in fixed point, for programs by hand."""
