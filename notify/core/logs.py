"""Structured logs: one JSON object a line, ids but never addresses or names."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
SERVERS_OWN = ("_granian", "granian.access")  # loggers that write in a form of their own unless told otherwise


@dataclass(slots=True)
class RequestSeen:
    """The request that is being answered. `route` is the pattern of its address, empty where there is none such."""

    id: str
    route: str = ""


_seen: ContextVar[RequestSeen | None] = ContextVar("request", default=None)


@contextmanager
def during(request: RequestSeen) -> Iterator[None]:
    """Within the block every line, of whatever thread works for it, names this request."""
    before = _seen.get()
    _seen.set(request)
    try:
        yield
    finally:
        _seen.set(before)


def request_seen() -> RequestSeen | None:
    """The request that is being answered; None outside of one."""
    return _seen.get()


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON with its `extra` fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's time, level, logger, message, request, extra fields and traceback."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := _seen.get():
            line |= {"request_id": request.id, "route": request.route}
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: int = logging.INFO) -> None:
    """Send this process's logs to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # httpx tells of every request that it sends, with its whole address
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for name in SERVERS_OWN:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
