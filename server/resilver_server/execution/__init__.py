"""Where tasks run: an executor protocol and local worker processes."""
