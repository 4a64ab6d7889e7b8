"""The main menu, built into every template."""

from __future__ import annotations

from django import template

from portal.home import menu

register = template.Library()


@register.inclusion_tag("home/_menu.html", takes_context=True)
def main_menu(context):
    """The menu entries, with that of the current page active."""
    return {"entries": menu.ENTRIES, "section": menu.section_of(context["request"])}
