"""The client of a Resilver server."""

__version__ = "0.1.0"
"""That of the server that it was made with; a test compares the two."""
