"""The learning engine of a Loihi core: sums of products of 7-bit traces, in integers."""
