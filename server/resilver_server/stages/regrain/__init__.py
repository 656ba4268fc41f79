"""Grain laid over the finished picture."""
