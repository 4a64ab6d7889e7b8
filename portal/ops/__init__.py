"""Serving and running an installation: what stands above all apps and is imported by none of them."""
