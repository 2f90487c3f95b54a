"""Sphinx's settings of the site. `docs/ext` writes Reference and the recorded run before a build; README's words and
the pages of docs/ are the rest.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))
os.environ.setdefault("MPLBACKEND", "Agg")

project, copyright, html_title = "glassnet", "the glassnet developers, BSD-3-Clause", "glassnet"
extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_parser", "sphinx_gallery.gen_gallery"]
exclude_patterns = ["data/README.md"]

# Markdown and docstrings
default_role = "code"
smartquotes = False  # an option keeps its two hyphens, and a value its straight quotes
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
autodoc_type_aliases = {name: name for name in ("ArrayLike", "DTypeLike", "Arrays", "FilePath", "Floats")}
python_maximum_signature_line_length = 90
add_module_names = False
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# The look; every asset is on the disk
html_theme = "pydata_sphinx_theme"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js", "search_words.js", "search.js"]
html_copy_source = html_show_sourcelink = False
html_theme_options: dict[str, Any] = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "show_prev_next": True,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": [], "why/comparison": []},  # its tables are wide
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": []}
html_context = {"default_mode": "auto"}

# The gallery: every script of examples/ is run, and a failure fails the build
sphinx_gallery_conf = {
    "examples_dirs": str(DOCS.parent / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "ext.gallery_order.GalleryOrder",
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "remove_config_comments": True,
}

# docs/ext
part_pages = ["learn/README", "use", "why"]
recorded_run = "learn/watch.md"
recorded_run_name = "run.html"


def setup(app: Any) -> None:
    """Connect what docs/ext does to Sphinx's events."""
    from ext import code_links, docstrings, part_pages, recorded_run, reference

    app.add_config_value("part_pages", [], "env")
    app.add_config_value("recorded_run_name", "", "env")
    app.connect("builder-inited", lambda app: reference.write_reference(DOCS / "reference"))
    app.connect("autodoc-process-docstring", docstrings.rewrite, priority=400)  # before numpydoc's 500
    app.connect("autodoc-process-signature", docstrings.bare, priority=400)
    app.connect("object-description-transform", docstrings.without_entry)
    app.connect("source-read", part_pages.add_contents)
    app.connect("source-read", recorded_run.add_player)
    app.connect("doctree-read", code_links.add_links)
    run = DOCS / globals()["recorded_run"]
    app.connect("html-collect-pages", lambda app: copied_run(app, run))


def copied_run(app: Any, page: Path) -> list[Any]:
    """Write the recorded run beside the page of its lesson."""
    from ext.recorded_run import write_run

    write_run(page, Path(app.outdir) / page.parent.name, recorded_run_name)
    return []
