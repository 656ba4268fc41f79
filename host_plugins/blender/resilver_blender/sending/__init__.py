"""Strips on their way to the server."""
