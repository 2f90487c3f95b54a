"""Pictures with Matplotlib, which is loaded when the first one is drawn."""
