"""`NeuralNetwork` or `glassnet train` in a page leads to its page in Reference, without a word in the text."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes

import glassnet
from glassnet import scale

NAMES = {name: f"glassnet.{name}" for name in (*glassnet.__all__, "scale")}
NAMES |= {name: f"glassnet.scale.{name}" for name in scale.__all__ if name != "fit"}  # every estimator has a fit
CALL = re.compile(r"(?:glassnet\.)?([A-Za-z_]\w*)((?:\.\w+)?)(?:\(.*\))?")
NO_LINK_IN = (nodes.reference, nodes.title, addnodes.pending_xref)
COMMAND = re.compile(r"glassnet ([a-z-]+)(?: .*)?")


def add_links(app: Any, document: nodes.document) -> None:
    """The handler of doctree-read: make code that names something public a link."""
    for block in document.findall(nodes.literal_block):
        block.rawsource = block.astext().rstrip()  # without the empty line that ends a doctest
        block[:] = [nodes.Text(block.rawsource)]
    for literal in list(document.findall(nodes.literal)):
        if not any(isinstance(parent, NO_LINK_IN) for parent in above(literal)):
            link = command_link(app, literal) or name_link(app, literal)
            if link:
                literal.replace_self(link)


def above(node: Any) -> Any:
    """All nodes that a node is in."""
    while node.parent is not None:
        node = node.parent
        yield node


def command_link(app: Any, literal: nodes.literal) -> nodes.reference | None:
    """The link of `glassnet train ...` to the page of the command."""
    match = COMMAND.fullmatch(literal.astext())
    page = f"reference/command-{match[1]}" if match else ""
    if page not in app.env.found_docs:
        return None
    address = app.builder.get_relative_uri(app.env.docname, page)
    return nodes.reference("", "", literal.deepcopy(), internal=True, refuri=address)


def name_link(app: Any, literal: nodes.literal) -> addnodes.pending_xref | None:
    """The link of a public name or one of its methods; it stays code where nothing documents it."""
    match = CALL.fullmatch(literal.astext())
    if match is None or match[1] not in NAMES:
        return None
    target = {"refdomain": "py", "reftype": "obj", "reftarget": f"{NAMES[match[1]]}{match[2]}"}
    return addnodes.pending_xref(
        "", literal.deepcopy(), refdoc=app.env.docname, refexplicit=True, refwarn=False, **target
    )
