"""The networks that ``models/nets`` holds, and what their sizes are said with. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Architecture(Enum):
    """The networks that ``models/nets`` holds."""

    RRDB = "rrdb"
    SRVGG = "srvgg"
    SPAN = "span"
    IFNET = "ifnet"
    DDCOLOR = "ddcolor"
    DEOLDIFY = "deoldify"
    TAUGHT = "taught"
    EFFICIENTNET_LITE = "efficientnet-lite"


UPSCALERS = frozenset((Architecture.RRDB, Architecture.SRVGG, Architecture.SPAN))
"""Those that may be cut into tiles."""
COLOURISERS = frozenset((Architecture.DDCOLOR, Architecture.DEOLDIFY, Architecture.TAUGHT))
"""Those that look at a whole picture, made small, and give its colours."""


@dataclass(frozen=True)
class RrdbParameters:
    """ESRGAN's generator (Wang et al. 2018)."""

    features: int
    growth: int
    blocks: int
    upsamplings: int
    """Doublings after the body: 2 for x4."""
    unshuffle: int = 1
    """Factor by which the input is folded into channels first (Real-ESRGAN x2 and x1)."""


@dataclass(frozen=True)
class SrvggParameters:
    """Real-ESRGAN's compact network (Wang et al. 2021)."""

    features: int
    convolutions: int
    """Between the first and the last."""
    factor: int


@dataclass(frozen=True)
class SpanParameters:
    """Swift parameter-free attention network (Wan et al. 2024), six blocks, re-parameterised."""

    channels: int
    factor: int


@dataclass(frozen=True)
class IfnetParameters:
    """RIFE's IFNet (Huang et al. 2022), version 4."""

    widths: tuple[int, ...]
    """Channels of each block, coarse to fine; the last works at full size, each before it at half of the next."""
    encoded: int
    """Feature channels of one frame; 0 where the version has no encoder."""
    carried: int
    """Feature channels that a block hands on to the next."""
    outputs: int
    """Channels of a block's last layer: flow 4, mask 1, carried, unused."""


@dataclass(frozen=True)
class DdcolorParameters:
    """DDColor (Kang et al. 2023) on a ConvNeXt."""

    widths: tuple[int, ...]
    """Channels of the encoder's four stages."""
    depths: tuple[int, ...]
    """Blocks of each."""
    features: int = 512
    """Channels of the pixel decoder; colour queries have half as many."""
    queries: int = 100
    layers: int = 9
    """Of the colour decoder."""
    feedforward: int = 2048


@dataclass(frozen=True)
class DeoldifyParameters:
    """DeOldify's generator (Antic 2018 to 2020): a U-Net on a ResNet."""

    blocks: tuple[int, ...]
    """Of the encoder's four stages."""
    bottleneck: bool
    """The encoder's blocks are 1x1, 3x3, 1x1."""
    deep: bool
    """Two convolutions in each step up, as wide as what they join; else one, all equally wide."""
    factor: float
    """How many times wider the steps up are than the plain network's."""
    stem: int = 64
    """Channels of the encoder's first convolution."""


@dataclass(frozen=True)
class EfficientNetLiteParameters:
    """EfficientNet-Lite0 (Tan and Le 2019), without its classifier: there is one size."""


@dataclass(frozen=True)
class TaughtParameters:
    """The network that ``resilver colour train`` teaches: EfficientNet-Lite0 and a decoder."""

    width: int = 48
    """Channels of the decoder."""


Parameters = (
    RrdbParameters
    | SrvggParameters
    | SpanParameters
    | IfnetParameters
    | DdcolorParameters
    | DeoldifyParameters
    | EfficientNetLiteParameters
    | TaughtParameters
)
