"""The log format: one line per message."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from workers.datakit.names import first_hidden


class LineFormatter(logging.Formatter):
    """Text from outside cannot forge a second line. Tracebacks stay whole."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        request_id = getattr(record, "request_id", "")  # see request_ids.py
        line += f" [{request_id}]" if request_id else ""
        job_id = getattr(record, "job_id", None)
        line += f" [job {job_id}]" if job_id else ""
        if not first_hidden(line, "\t"):
            return line
        return "".join(_escaped(letter) if first_hidden(letter, "\t") else letter for letter in line)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``message``, and where known ``request_id``,
    ``job_id``, ``trace_id``, ``error`` (a traceback).
    """

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", ""),
            "job_id": getattr(record, "job_id", None),
            "trace_id": getattr(record, "trace_id", ""),
            "error": self.formatException(record.exc_info) if record.exc_info else "",
        }
        return json.dumps({name: value for name, value in entry.items() if value not in ("", None)})


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
