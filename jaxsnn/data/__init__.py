"""Data on its way into a network: numbers encoded as spikes. Read-outs are probes: `Count`, `Max`, `FirstSpike`."""
