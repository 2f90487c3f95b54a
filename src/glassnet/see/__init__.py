"""Looking into a network: gradients checked against their definition."""
