"""Which class makes which architecture: the one visible list."""

from __future__ import annotations

from torch import nn

from resilver_server.models.cards import (
    IfnetParameters,
    Parameters,
    RrdbParameters,
    SpanParameters,
    SrvggParameters,
)

from .ifnet import Ifnet
from .rrdb import Rrdb
from .span import Span
from .srvgg import Srvgg


def build(parameters: Parameters) -> nn.Module:
    """The network with weights not yet set."""
    match parameters:
        case RrdbParameters():
            return Rrdb(parameters)
        case SrvggParameters():
            return Srvgg(parameters)
        case SpanParameters():
            return Span(parameters)
        case IfnetParameters():
            return Ifnet(parameters)
