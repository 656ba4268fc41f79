"""The pipes to the menu script, kept away from everything else in the process."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO


def private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output as streams of our own; both numbers then lead elsewhere.

    A library that prints, and a browser or server that is started from here and inherits them, would otherwise write
    between the lines of the protocol, or keep the pipe open after the bridge has ended.
    """
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return reader, writer
