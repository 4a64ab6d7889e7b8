"""Sessions that do not break reading while the database accepts no writes."""

from __future__ import annotations

from django.contrib.sessions.middleware import SessionMiddleware

from portal.core import patience


class Sessions(SessionMiddleware):
    """Django's sessions, but a page that was only read is shown even if its session cannot be saved.

    A redirect is not: the next page relies on the session.
    """

    def process_response(self, request, response):
        only_read = request.method in ("GET", "HEAD") and response.status_code == 200
        if not only_read or not request.session.modified:
            return super().process_response(request, response)
        with patience.note(f"the session after {request.path}"):
            return super().process_response(request, response)
        return response
