"""Other people's tools, run in the environment that .ci/setup-peers makes. Nothing here imports Resilver.

A peer is a function from planes, (n, height, width) uint8, and settings to planes. ``run.py`` lists them.
"""
