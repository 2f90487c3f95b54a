"""How a person's code is called, and where its weights and gradients are found."""
