"""What Sphinx needs to write the generated parts of the site: Reference, the recorded run, links, contents of parts."""
