"""How lists are cut into pages."""

from rest_framework import pagination


class ByNewest(pagination.CursorPagination):
    """Newest first, by cursor: a page stays right while rows are added."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
