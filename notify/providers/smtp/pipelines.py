"""Several pipelined connections for one slice of messages, driven by one thread."""

import selectors
import time
from collections.abc import Callable, Iterator, Sequence

from notify.providers.base import Message, Outcome
from notify.providers.deadline import Patience
from notify.providers.smtp.connection_pool import Connection, Pool, why
from notify.providers.smtp.pipelined_connection import Pipeline, RelayLost, Submission

LOOK_S = 0.05  # how often to look for what is late and for connections that have become free
GROWING_LOOK_S = 0.005
WORTH_OPENING = 4  # opening takes as long as sending about so many messages


def send_all(
    pool: Pool,
    first: Connection,
    messages: Sequence[Message],
    *,
    sender: str,
    sender_of: Callable[[str], str] | None,
    patience: Patience,
) -> Iterator[Outcome]:
    """Exactly one outcome a message, as they become known. A message the relay was never given goes to another
    connection, once.

    It begins on `first` and takes its share of the pool's connections as they become free or open. `sender` is the
    envelope sender of all of them, unless `sender_of` gives each reference its own.
    """
    submission = Submission(messages, patience)
    with pool.user(), selectors.DefaultSelector() as selector:
        run = _Run(pool, selector, submission, lambda connection: Pipeline(connection, sender, submission, sender_of))
        try:
            run.add(first)
            while run.goes_on():
                run.turn()
                yield from submission.take_outcomes()
            yield from submission.take_outcomes()
        finally:
            run.end()


class _Run:
    """The connections of sending."""

    def __init__(
        self,
        pool: Pool,
        selector: selectors.BaseSelector,
        submission: Submission,
        pipe: Callable[[Connection], Pipeline],
    ) -> None:
        self._pool, self._selector, self._submission, self._pipe = pool, selector, submission, pipe
        self._pipelines: set[Pipeline] = set()
        self._next_look = 0.0

    def add(self, connection: Connection) -> None:
        """Let this connection carry messages, too."""
        pipeline = self._pipe(connection)
        self._pipelines.add(pipeline)
        self._selector.register(pipeline, selectors.EVENT_READ, pipeline)
        self._go_on(pipeline, pipeline.start)

    def goes_on(self) -> bool:
        """Whether anything is under way; gets a connection for what waits while there is none."""
        submission = self._submission
        while submission.waiting and not self._pipelines:
            try:
                self.add(self._pool.wait(submission.attempt_s))
            except OSError as error:
                submission.give_up(why(error))
        return bool(self._pipelines)

    def turn(self) -> None:
        """Let every connection that has something to read go on as far as it can without waiting."""
        submission = self._submission
        ready = self._selector.select(self._next_look - submission.now)
        submission.now = time.monotonic()
        for key, events in ready:
            pipeline: Pipeline = key.data
            self._go_on(pipeline, pipeline.advance if events & selectors.EVENT_READ else pipeline.flush)
        if submission.now >= self._next_look:
            self._look(submission.now)

    def _go_on(self, pipeline: Pipeline, step: Callable[[], None]) -> None:
        try:
            step()
            if pipeline.is_idle:
                pipeline.start()  # the message of a connection that was lost
        except RelayLost as lost:
            self._abandon(pipeline, str(lost))
            return
        if pipeline.is_idle:
            self._release(pipeline, is_good=True)
        elif pipeline.is_writing is not pipeline.is_waiting_to_write:
            pipeline.is_waiting_to_write = pipeline.is_writing
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if pipeline.is_writing else 0)
            self._selector.modify(pipeline, events, pipeline)

    def _look(self, now: float) -> None:
        """Give up what is late, and take more connections while messages wait."""
        for pipeline in [late for late in self._pipelines if now > late.deadline]:
            self._abandon(pipeline, "It took too long.")
        waiting = len(self._submission.waiting)
        room = min(self._pool.share - len(self._pipelines), waiting)
        while room > 0 and (connection := self._pool.take()):
            self.add(connection)
            room -= 1
        if room > 0:
            self._pool.ask_for(min(room, waiting // WORTH_OPENING))
        self._next_look = now + (GROWING_LOOK_S if room > 0 else LOOK_S)

    def _abandon(self, pipeline: Pipeline, reason: str) -> None:
        self._release(pipeline, is_good=False)
        pipeline.abandon(reason)

    def _release(self, pipeline: Pipeline, *, is_good: bool) -> None:
        self._selector.unregister(pipeline)
        self._pipelines.discard(pipeline)
        self._pool.give_back(pipeline.connection, is_good=is_good)

    def end(self) -> None:
        """Give every connection back."""
        for pipeline in list(self._pipelines):
            self._release(pipeline, is_good=False)
