"""A run in progress: its recipe, its loop, what it reports, and what is measured of its layers on the way."""
