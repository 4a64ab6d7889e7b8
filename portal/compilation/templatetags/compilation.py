"""Template filters of the variants pages."""

from django import template

from portal.compilation import quantization as settings
from portal.core.messages import shown

register = template.Library()


@register.filter
def quantization(chosen) -> str:
    """Quantization settings as one phrase."""
    return shown(settings.words(chosen))
