"""Slipway's portal: the Django project."""
