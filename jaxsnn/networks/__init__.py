"""Networks: populations and projections by name, the order of events in a step, and what a run derives from them."""
