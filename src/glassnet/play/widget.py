"""`net.play()`: the page as a widget of a notebook, with the same session behind it as behind a browser's page.

anywidget carries the messages as custom messages of its comm. Training runs in the session's own thread, under the
run's lock, so the widget goes on while other cells run; a notebook's front end gets what it is sent when it can.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import copy_context
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from glassnet.errors import ParameterError
from glassnet.play.built_page import static_folder
from glassnet.play.commands import answer
from glassnet.play.hello import hello
from glassnet.play.own_data import OwnData
from glassnet.play.own_network import own_run
from glassnet.play.session import Session

if TYPE_CHECKING:
    from glassnet.network import NeuralNetwork
    from glassnet.play.run import Run

WIDGET_FILES = ("widget.js", "widget.css")


def check_installed() -> None:
    """Raise ParameterError where the extra is missing."""
    if find_spec("anywidget") is None:
        raise ParameterError('net.play() needs anywidget; install with: pip install "glassnet[notebook]"')


def play(network: NeuralNetwork, data: tuple[Any, Any, Any], settings: dict[str, Any]) -> Any:
    """A widget that trains a copy of a network. Raises ParameterError where anywidget or the page is missing."""
    check_installed()
    folder, own = static_folder(WIDGET_FILES), OwnData()
    run = own_run(network, data, settings, own)
    import anywidget

    class Player(anywidget.AnyWidget):
        """The page of a run; `session` is what answers it, `network` the copy that is trained."""

        _esm = folder / "widget.js"
        _css = folder / "widget.css"
        session: Session | None = None

        @property
        def network(self) -> NeuralNetwork:
            """The network as it is now; where settings were changed, that of the present branch."""
            assert self.session is not None
            assert self.session.run is not None
            return self.session.run.training.network

        def close(self) -> None:
            """End the session and remove the widget."""
            if self.session is not None:
                self.session.close()
            super().close()

    widget = Player()
    attach(widget, run, own)
    return widget


def attach(widget: Any, run: Run, own: OwnData) -> None:
    """Answer what the front end of a widget sends, from a session that shows the run."""
    sender = Sender(widget)
    session = widget.session = Session(sender, own, answer)
    session.start()
    session.replace_run(run)
    widget.on_msg(receiver(session, sender, run))


class Sender:
    """Sends to a widget's front end in the context of its last message.

    ipykernel has the front end's messages handled where the widget last sent from: a thread without that context
    counts as the main shell, where they would wait until the cell that runs has ended.
    """

    def __init__(self, widget: Any) -> None:
        self.widget, self.context = widget, copy_context()

    def __call__(self, text: str) -> None:
        """Send a message."""
        self.context.copy().run(self.widget.send, json.loads(text))


def receiver(session: Session, sender: Sender, run: Run) -> Callable[[Any, Any, Any], None]:
    """What takes the messages of the front end, which asks for the first ones with `hello` whenever it is shown."""
    from glassnet.play.commands import show_run

    def receive(widget: Any, content: Any, buffers: Any) -> None:
        sender.context = copy_context()
        if isinstance(content, dict) and content.get("do") == "hello":
            session.send(hello(run.data.template))
            current = session.run or run
            with current.lock:
                current.send_costs_again()
            show_run(session, current)
            session.forget_unacknowledged()
        else:
            session.receive(content)

    return receive
