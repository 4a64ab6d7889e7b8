"""Exports that Datumaro wrote, with what Datumaro reads from them; ``capture.py`` makes them."""
