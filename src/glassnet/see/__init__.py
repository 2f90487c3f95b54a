"""Looking into a network: traces, nudges, one step explained, a diagnosis, the part of each sample."""
