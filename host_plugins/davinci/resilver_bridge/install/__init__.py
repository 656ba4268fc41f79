"""Puts the menu entries into DaVinci Resolve, takes them out again, and says what is missing."""
