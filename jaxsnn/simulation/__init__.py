"""Running any dynamics over time: drives feed it, probes watch it. Knows nothing of networks."""
