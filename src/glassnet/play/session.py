"""What one page sees and does: its run, the thread that plays it, and the thread that answers and draws.

A transport (server.py, widget.py) calls `receive` with the page's messages and gets text to send. The second thread
handles one command after the other and makes frames between them, at most two of which wait for the page.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from glassnet.errors import DivergedError, GlassnetError
from glassnet.frames.encoding import json_text
from glassnet.frames.frame import Clock
from glassnet.play.divergence_notice import divergence_notice
from glassnet.play.own_data import OwnData
from glassnet.play.page_text import page_text
from glassnet.play.player import Player
from glassnet.play.progress import Progress
from glassnet.play.reader import Moment, Reader, moment_of
from glassnet.play.run import SLICE_SECONDS, Run

Message = dict[str, Any]
MAX_UNACKNOWLEDGED = 2
MAX_WAITING = 200  # commands; a page that sends more is answered with an error
FAST_SECONDS, SLOW_SECONDS = 0.1, 1 / 30  # between frames at full speed, and at a speed that leaves time
FIELD_SECONDS, JUDGED_SECONDS = 0.1, 3.0
LONGEST_SECONDS = 1.0  # between frames, however long one takes
LONG_WAY_SECONDS = 0.5  # between frames on the way to a step
FRAME_SHARE = 25  # at full speed, the engine waits for frames for at most one part in so many of the time
SLOW_SHARE = 2  # the same at a speed that leaves time


class Session:
    """One page. `send` takes JSON text and may be called from any thread."""

    def __init__(self, send: Callable[[str], None], own: OwnData, answer: Callable[[Session, Message], Any]) -> None:
        self._send, self.own, self._answer = send, own, answer
        self.player = Player(self._advance, self._diverged)
        self.run: Run | None = None
        self.sample, self.axes = 0, list[int]()
        self.number = self._acknowledged = 0
        self.interrupted, self.closed = threading.Event(), False
        self._commands: deque[Message] = deque()
        self._wake, self._frame_due = threading.Condition(), False
        self._moment: Moment | None = None
        self._frame_wanted = False
        self._last = dict.fromkeys(("frame", "field", "judged"), -math.inf)
        self._frame_seconds = 0.0
        self._readers: dict[int, Reader] = {}
        self._worker = threading.Thread(target=self._work, name="glassnet page", daemon=True)

    def start(self) -> None:
        """Start both threads."""
        self.player.start()
        self._worker.start()

    def close(self) -> None:
        """End both threads; the run goes with them."""
        self.player.close()
        with self._wake:
            self.closed = True
            self.interrupted.set()
            self._wake.notify_all()

    def receive(self, message: Any) -> None:
        """Take a message of the page. It is answered later, in the session's own thread."""
        if not isinstance(message, Mapping):
            self.send({"type": "notice", "kind": "error", "text": "A message must be an object.", "t": self.t})
            return
        message = dict(message)
        if message.get("do") == "ack":
            self._acknowledge(message.get("number"))
        elif message.get("do") == "ping":
            self.send(reply(message, {}))
        else:
            self._enqueue(message)

    def _enqueue(self, message: Message) -> None:
        with self._wake:
            if len(self._commands) < MAX_WAITING:
                if message.get("do") in ("pause", "open", "restart", "setup"):
                    self.interrupted.set()  # a long way to a step ends here
                self._commands.append(message)
                self._wake.notify_all()
                return
        self.send(failure(message, f"{MAX_WAITING} commands wait for an answer; send the next ones more slowly."))

    def _acknowledge(self, number: Any) -> None:
        if isinstance(number, int) and not isinstance(number, bool):
            with self._wake:
                self._acknowledged = max(self._acknowledged, min(number, self.number))
                self._wake.notify_all()

    def forget_unacknowledged(self) -> None:
        """Frames that were sent to a view which is gone are not waited for."""
        with self._wake:
            self._acknowledged = self.number
            self._wake.notify_all()

    def send(self, message: Message) -> None:
        """Send a message to the page."""
        if not self.closed:
            self._send(json_text(message))

    @property
    def t(self) -> int:
        """The step at which the run stands."""
        return self.run.t if self.run is not None else 0

    # The worker -------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._wake:
                while not (self.closed or self._commands or self._can_draw()):
                    self._ask_for_moment()
                    self._wake.wait(self._until_frame())
                if self.closed:
                    break
                message = self._commands.popleft() if self._commands else None
                if not self._commands:
                    self.interrupted.clear()
            if message is not None:
                self._handle(message)
            else:
                self._draw()

    def _handle(self, message: Message) -> None:
        try:
            result = self._answer(self, message)
        except GlassnetError as error:
            self.send(failure(message, page_text(str(error))))
        except Exception as error:  # a page must not end its session; the log has the place
            logging.getLogger("glassnet.play").exception("command %r", message.get("do"))
            self.send(failure(message, f"the engine met an unexpected error ({type(error).__name__}: {error})."))
        else:
            self.send(reply(message, result))

    # Frames -----------------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Have a frame sent as soon as the page can take one."""
        with self._wake:
            self._frame_due = True
            self._last["frame"] = -math.inf
            self._wake.notify_all()

    def _interval(self) -> float:
        fast = self.player.speed == 0
        least, share = (FAST_SECONDS, FRAME_SHARE) if fast else (SLOW_SECONDS, SLOW_SHARE)
        return max(least, min(LONGEST_SECONDS, share * self._frame_seconds))

    def _until_frame(self) -> float | None:
        """How long the worker may sleep where nothing wakes it."""
        if not (self._frame_due or self.player.playing) or self._page_is_behind():
            return None
        return max(0.001, self._last["frame"] + self._interval() - time.perf_counter())

    def _page_is_behind(self) -> bool:
        return self.number - self._acknowledged >= MAX_UNACKNOWLEDGED

    def _is_due(self) -> bool:
        """Whether the page can take a frame now."""
        waited = time.perf_counter() - self._last["frame"] >= self._interval()
        return self.run is not None and waited and not self._page_is_behind()

    def _can_draw(self) -> bool:
        """Whether a frame can be made now; while it plays, of the moment that the player has left."""
        return self._is_due() and (self._moment is not None if self.player.playing else self._frame_due)

    def _ask_for_moment(self) -> None:
        """While it plays, ask the player for the moment to draw."""
        if self.player.playing and self._moment is None and self._is_due():
            self._frame_wanted = True

    def _advance(self, run: Run, steps: int) -> None:
        """Run a slice of steps, for the player; where a frame is wanted, the last one alone, whose change it shows."""
        wanted, moment = self._frame_wanted, None
        if steps > 1 or not wanted:
            run.advance(steps - wanted, SLICE_SECONDS)
        if wanted:
            before, owner = run.training.light_state(), run.owner
            run.advance(1, 1.0)
            moment = moment_of(run, before if run.owner is owner else None)
        if wanted or self.player.speed:
            with self._wake:
                if wanted:
                    self._moment, self._frame_wanted = moment, False
                self._wake.notify_all()

    def _draw(self) -> None:
        started = time.perf_counter()
        self._frame_due, moment, self._moment = False, self._moment, None
        run = self.run
        if run is None:
            return
        if moment is None or not self.player.playing:
            with run.lock:
                moment = moment_of(run) if moment is None else moment
        try:
            # Two threads that compute would wait for each other's turns of the interpreter: the engine loses less
            # time where it stands still for the few milliseconds of a frame.
            with run.lock:
                began = time.perf_counter()
                frame = self._frame(run, moment)
                self._frame_seconds = time.perf_counter() - began
            self.send(frame)
        except Exception as error:  # the page goes on, and says what is missing
            logging.getLogger("glassnet.play").exception("frame of step %d", moment.t)
            text = f"Step {moment.t:,} cannot be drawn ({type(error).__name__}: {error}); the run itself goes on."
            self.send({"type": "notice", "kind": "error", "text": text, "t": moment.t})
        self._last["frame"] = started
        if not self.player.playing and moment.t != run.t:  # it was left by a slice before the last one
            self._frame_due = True

    def _frame(self, run: Run, moment: Moment) -> Message:
        now, playing = time.perf_counter(), self.player.playing
        field = not playing or now - self._last["field"] >= FIELD_SECONDS
        judged = not playing or now - self._last["judged"] >= JUDGED_SECONDS
        self._last |= {name: now for name, due in (("field", field), ("judged", judged)) if due}
        reader = self.reader(run, moment)
        reader.maker.sample = self.sample
        clock = Clock(self.number + 1, moment.last, playing, self.player.speed, self.player.rate)
        frame = reader.frame(moment, clock, field=field, judged=judged)
        self.number += 1
        if frame["hash"] != moment.hash:
            text = f"Run again, step {moment.t:,} gave other numbers; please report this with the link of the run."
            self.send({"type": "notice", "kind": "error", "text": text, "t": moment.t})
        return frame

    def go(self, run: Run, t: int) -> None:
        """Go to a step, back or on; the page hears of a long way, and what it sends may end it on a step before."""
        with run.lock:
            run.seek(t, self.followed(run, t))

    def followed(self, run: Run, t: int) -> Callable[[], bool]:
        """What a run on its way to step t asks: whether to end there; the page hears how far it is."""
        return Progress(run, t, self.send, self._show_way, self.interrupted.is_set).stopped

    def _show_way(self, run: Run) -> None:
        """Draw a frame on a long way, now and then; not of a run that is still being opened."""
        overdue = time.perf_counter() - self._last["frame"] > LONG_WAY_SECONDS
        if self.run is run and overdue and not self._page_is_behind():
            self._draw()

    def reader(self, run: Run, moment: Moment | None = None, owner: Any = None) -> Reader:
        """What measures the branch of a moment."""
        owner = moment.owner if moment is not None else owner
        reader = self._readers.pop(owner.id, None)
        if reader is None or reader.owner is not owner:
            reader = Reader(run, owner)
            if self.axes:
                reader.maker.field_maker.choose(self.axes)
        self._readers[owner.id] = reader  # the latest is last
        while len(self._readers) > 3:
            del self._readers[next(iter(self._readers))]
        return reader

    # What happens -----------------------------------------------------------------------------------------------------

    def replace_run(self, run: Run) -> None:
        """Show another run."""
        self.player.pause()
        self.run = self.player.run_ = run
        self._readers, self._moment = {}, None
        self.sample, self.axes = 0, []

    def choose_axes(self, axes: list[int]) -> None:
        """Show the field over other inputs."""
        self.axes = axes
        for reader in self._readers.values():
            reader.maker.field_maker.choose(axes)
        self.show()

    def _diverged(self, error: DivergedError) -> None:
        """Called by the player when the run has ended at its last finite step."""
        self.send(divergence_notice(error, self.t))
        self.show()


def reply(message: Message, result: Any) -> Message:
    """The answer to a command."""
    return {"type": "reply", "id": message.get("id"), "result": result}


def failure(message: Message, text: str) -> Message:
    """The answer to a command that cannot be done."""
    return {"type": "reply", "id": message.get("id"), "error": text}
