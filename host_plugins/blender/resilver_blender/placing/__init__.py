"""Restored clips on their way back into the timeline."""
