"""Looking into a network: traces, nudges, one step explained, gradients and backpropagations checked."""
