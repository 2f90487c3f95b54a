"""The mistakes that people make, and the search for those that explain a wrong gradient."""
