"""Removal of brightness flicker."""
