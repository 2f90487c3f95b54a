"""What the page and the report draw: a run between two steps, its data and one walked step, as messages."""
