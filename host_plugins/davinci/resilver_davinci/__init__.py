"""What runs inside DaVinci Resolve: standard library only, Python 3.6 and newer.

docs/bridge-protocol.md says what it answers.
"""

PROTOCOL = 1
