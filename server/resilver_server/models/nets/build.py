"""Which class makes which architecture: the one visible list."""

from __future__ import annotations

from torch import nn

from resilver_server.models.architectures import (
    DdcolorParameters,
    DeoldifyParameters,
    EfficientNetLiteParameters,
    IfnetParameters,
    Parameters,
    RrdbParameters,
    SpanParameters,
    SrvggParameters,
    TaughtParameters,
)

from .ddcolor import Ddcolor
from .deoldify import Deoldify
from .efficientnet import EfficientNetLite
from .ifnet import Ifnet
from .rrdb import Rrdb
from .span import Span
from .srvgg import Srvgg
from .taught import Taught


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
        case DdcolorParameters():
            return Ddcolor(parameters)
        case DeoldifyParameters():
            return Deoldify(parameters)
        case EfficientNetLiteParameters():
            return EfficientNetLite()
        case TaughtParameters():
            return Taught(parameters)
