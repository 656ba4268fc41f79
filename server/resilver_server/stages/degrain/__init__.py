"""Reduction of grain."""
