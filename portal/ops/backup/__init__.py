"""Backups of the whole portal, made while it runs: all rows of one moment, and all files that they name.

A destination is a folder or an S3 prefix and holds any number of backups:

    objects/ab/ab12…         each file once, named after its SHA-256; backups share them
    backups/20261129T2015Z/  manifest.json, and the rows: database.sqlite3.gz or <table>.copy.gz

The server's two secrets (``SECRET_KEY``, ``ENCRYPTION_KEY``) are in no backup: whoever reads one cannot open
the stored credentials of boards. ``keys.py`` writes them to a file of their own.
"""


class BackupError(Exception):
    """A backup cannot be made, read or restored; the message is a sentence for the administrator."""
