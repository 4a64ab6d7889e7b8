"""What an endpoint accepts besides its path, for validation and for the schema.

``@without_body``: nothing. ``@with_query(…)``: query parameters, described by a serializer; ``self.query``
holds the validated values.
"""

from __future__ import annotations

from collections.abc import Mapping

from portal.core.known import refuse_unknown_fields, refuse_unknown_parameters


def without_body(method):
    method.takes_nothing = True
    return method


def with_query(serializer: type):
    def mark(method):
        method.query = serializer
        return method

    return mark


def takes_nothing(view) -> bool:
    return getattr(_method_of(view), "takes_nothing", False)


def query_of(view) -> type | None:
    """The serializer of the query parameters of this call's method."""
    return getattr(_method_of(view), "query", None)


def _method_of(view):
    return getattr(view, getattr(view, "action", None) or "", None)


def check(view, request) -> dict:
    """Validate a call's query parameters. Raises ValidationError for unknown ones and for an unexpected
    body.
    """
    if takes_nothing(view) and request.data:
        refuse_unknown_fields(request.data if isinstance(request.data, Mapping) else ["body"], ())
    kind = query_of(view) if request.method in ("GET", "HEAD") else None
    known = [*(kind().fields if kind else ()), *view.list_parameters()]
    refuse_unknown_parameters(request.query_params, known)
    if kind is None:
        return {}
    form = kind(data=request.query_params)
    form.is_valid(raise_exception=True)
    return form.validated_data
