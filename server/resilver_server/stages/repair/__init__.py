"""Removal of dirt, burnt bursts and missing frames."""
