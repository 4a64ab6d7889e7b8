"""Pagination and ordering of API lists."""

from __future__ import annotations

from django.core.exceptions import ValidationError as Invalid
from rest_framework import pagination
from rest_framework.exceptions import NotFound, ValidationError

from portal.core.messages import shown
from portal.core.numbers import whole_number
from workers.contract.messages import msg


class ByNewest(pagination.CursorPagination):
    """Pages by cursor, stable while rows are added. Newest first, unless ``ordering`` says otherwise.

    A view's ``orderings`` are the fields that its rows can be ordered by, never null; the first is the
    default.
    """

    PARAMETERS = ("cursor", "limit", "ordering")
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def paginate_queryset(self, queryset, request, view=None):
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, Invalid, ValueError) as error:
            if self.cursor_query_param not in request.query_params:
                raise
            sentence = msg("There is no such page: take the address from “next” or “previous”.")
            raise ValidationError({self.cursor_query_param: [shown(sentence)]}) from error

    def get_page_size(self, request) -> int:
        text = request.query_params.get(self.page_size_query_param)
        number = self.page_size if text is None else whole_number(text)
        if not number or number > self.max_page_size:
            sentence = msg("Give a number from 1 to {most}.", most=self.max_page_size)
            raise ValidationError({self.page_size_query_param: [shown(sentence)]})
        return number

    def get_ordering(self, request, queryset, view) -> tuple[str, ...]:
        choices = _orderings(view)
        asked = request.query_params.get("ordering", choices[0])
        if asked not in choices:
            raise ValidationError({"ordering": [shown(msg("Order by one of {names}.", names=choices))]})
        return (asked,) if asked.lstrip("-") == "id" else (asked, "-id")

    def get_schema_operation_parameters(self, view) -> list[dict]:
        choices = _orderings(view)
        shapes = {
            "cursor": ({"type": "string"}, "Where a page begins: stands in `next` and `previous`."),
            "limit": (
                {"type": "integer", "minimum": 1, "maximum": self.max_page_size, "default": self.page_size},
                "Rows a page.",
            ),
            "ordering": (
                {
                    "type": "string",
                    "enum": choices,
                    "default": choices[0],
                    "x-enum-varnames": [_name(choice) for choice in choices],
                },
                "By which field; `-` for the largest or newest first.",
            ),
        }
        return [
            {"name": name, "in": "query", "required": False, "description": words, "schema": schema}
            for name, (schema, words) in shapes.items()
        ]


def _name(ordering: str) -> str:
    """A name for an ordering that suits generated clients."""
    name = ordering.lstrip("-").upper()
    return f"{name}_DESCENDING" if ordering.startswith("-") else name


def _orderings(view) -> list[str]:
    return [sign + name for name in view.orderings for sign in ("-", "")]
