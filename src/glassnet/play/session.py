"""What one page sees and does: its run, the thread that plays it, and the thread that answers and draws.

A transport (server.py, widget.py) calls `receive` with the page's messages and gets text to send. The second thread
handles one command after the other and sends frames between them, at most two of which wait for the page. While the run
plays, the player makes them between two of its own steps; else the second thread does.
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
LEAST_SECONDS = 0.03  # between frames
FIELD_SECONDS, JUDGED_SECONDS = 0.1, 3.0
LONGEST_SECONDS = 1.0  # between frames, however long one takes
LONG_WAY_SECONDS = 0.5  # between frames on the way to a step
FRAME_SHARE = 20  # at full speed, frames take at most one part in so many of the time that steps take
SLOW_SHARE = 2  # at a speed that leaves time, of all time


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
        self._made: Message | None = None  # a frame that is to be sent
        self._reading = threading.RLock()  # the readers are used by one thread at a time
        self._last = dict.fromkeys(("frame", "field", "judged"), -math.inf)
        # Of the processor, in the player: what else runs on this machine slows steps and frames alike.
        self._frame_seconds = self._trained_seconds = 0.0
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
        """The current step of the run."""
        return self.run.t if self.run is not None else 0

    # The worker -------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._wake:
                while not (self.closed or self._commands or self._can_draw()):
                    self._wake.wait()
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
            with self._reading:
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

    def _page_is_behind(self) -> bool:
        return self.number - self._acknowledged >= MAX_UNACKNOWLEDGED

    def _can_draw(self) -> bool:
        """Whether a frame is to be sent now. While it plays, the player makes it: two threads that compute would wait
        for each other's turns of the interpreter and of the processor.
        """
        if self._made is not None or self.run is None:
            return self._made is not None
        return self._frame_due and not self.player.playing and not self._page_is_behind()

    def _step_is_shown(self) -> bool:
        """Whether the player is to make a frame of the step that it takes next."""
        if self._made is not None or self._page_is_behind():
            return False
        passed = time.perf_counter() - self._last["frame"]
        if not LEAST_SECONDS <= passed < LONGEST_SECONDS:
            return passed >= LONGEST_SECONDS
        fast = self.player.speed == 0
        spent, share = (self._trained_seconds, FRAME_SHARE) if fast else (passed, SLOW_SHARE)
        return spent >= share * self._frame_seconds

    def _advance(self, run: Run, steps: int) -> None:
        """Run a slice of steps, for the player; where a frame is due, the last one alone, whose change it shows.

        At full speed a frame does not wait for a slice: that step is all of it.
        """
        shown = self._step_is_shown() and self._reading.acquire(blocking=False)
        try:
            if not shown or (steps > 1 and self.player.speed):
                began = time.thread_time()
                run.advance(steps - shown, SLICE_SECONDS)
                self._trained_seconds += time.thread_time() - began
            if shown:
                made = self._frame_of_step(run)
                with self._wake:
                    self._made = made
                    self._wake.notify_all()
        finally:
            if shown:
                self._reading.release()

    def _frame_of_step(self, run: Run) -> Message:
        """Take a step; return the frame of it."""
        began, self._last["frame"] = time.thread_time(), time.perf_counter()
        before, owner = run.training.light_state(), run.owner
        run.advance(1, 1.0)
        frame = self._frame(run, moment_of(run, before if run.owner is owner else None))
        self._frame_seconds, self._trained_seconds = time.thread_time() - began, 0.0
        return frame

    def _draw(self) -> None:
        """Send the frame that was made while it played, or one of the step at which the run stands."""
        started = time.perf_counter()
        with self._wake:
            made, self._made = self._made, None
            self._frame_due = self._frame_due and made is not None
        run = self.run
        if made is None and run is not None:
            with self._reading, run.lock:
                made = self._frame(run, moment_of(run))
            self._last["frame"] = started
        if made is not None:
            self.send(made)

    def _frame(self, run: Run, moment: Moment) -> Message:
        """The frame of a moment, or the notice that it cannot be drawn: the page goes on, and says what is missing."""
        try:
            return self._drawn(run, moment)
        except Exception as error:
            logging.getLogger("glassnet.play").exception("frame of step %d", moment.t)
            text = f"Step {moment.t:,} cannot be drawn ({type(error).__name__}: {error}); the run itself goes on."
            return {"type": "notice", "kind": "error", "text": text, "t": moment.t}

    def _drawn(self, run: Run, moment: Moment) -> Message:
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
        self._readers, self._made = {}, None
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
