"""The window of the plug-in: one page on loopback, for the user's own browser."""
