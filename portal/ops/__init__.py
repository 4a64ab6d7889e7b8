"""Serves and operates an installation. On top of all apps; none of them imports it."""
