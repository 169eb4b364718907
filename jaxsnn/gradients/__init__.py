"""Learning by gradients: losses, estimators of their derivative behind one call, and a loop that fits a network."""
