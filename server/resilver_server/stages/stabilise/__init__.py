"""Steadies the picture in the gate."""
