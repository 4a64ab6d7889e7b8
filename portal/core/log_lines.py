"""The log format: one line per message."""

from __future__ import annotations

import logging

from workers.datakit.names import first_hidden


class LineFormatter(logging.Formatter):
    """Text from outside cannot forge a second line. Tracebacks stay whole."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        request_id = getattr(record, "request_id", "")  # see request_ids.py
        line += f" [{request_id}]" if request_id else ""
        if not first_hidden(line, "\t"):
            return line
        return "".join(_escaped(letter) if first_hidden(letter, "\t") else letter for letter in line)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
