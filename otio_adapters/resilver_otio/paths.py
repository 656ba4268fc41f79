"""Where a media reference points: OS paths and ``file:`` URLs, of any operating system, on any other."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from resilver_client.errors import ClipUnsupported

_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")
_PATTERN = re.compile(r"%(?:0(\d+))?d(?![A-Za-z0-9])")


def is_windows(path: str) -> bool:
    """Whether a path is one of Windows: a drive letter, or a share in backslashes."""
    return bool(_DRIVE.match(path)) or path.startswith("\\\\")


def media_path(url: str) -> str:
    """The OS path of a target URL: plain paths as they are, ``file:`` URLs decoded, shares as ``//host/share``.

    Raises ClipUnsupported for URLs of other schemes.
    """
    if _DRIVE.match(url) or not _SCHEME.match(url):
        return url
    try:
        parts = urlsplit(url)
    except ValueError as error:  # a host that is none, as in file://[
        raise ClipUnsupported(f"media is not a file: {url}", remedy="relink the clip to a file") from error
    if parts.scheme.lower() != "file":
        raise ClipUnsupported(
            f"media is not a file: {url}", remedy="copy it to a local disk and relink the clip to that file"
        )
    query = f"?{parts.query}" if parts.query else ""
    path = unquote(parts.path + query)
    if re.match(r"^/[A-Za-z]:", path):
        return path[1:]
    if parts.netloc and parts.netloc.lower() != "localhost":
        host = unquote(parts.netloc)
        return host + path if re.fullmatch(r"[A-Za-z]:", host) else f"//{host}{path}"
    return path


def resolve_url(url: str, folder: Path) -> str:
    """``url`` with a relative path made absolute against ``folder``; everything else as it was written.

    A relative path with ``%20`` and the like is taken literally where such a file exists, else decoded.
    """
    if not url or is_windows(url) or _SCHEME.match(url) or url.startswith(("/", "\\")):
        return url
    literal = folder / url
    if "%" in url and not literal.exists() and (folder / unquote(url)).exists():
        return str(folder / unquote(url))
    return str(literal)


def sequence_pattern(base: str, prefix: str, padding: int, suffix: str) -> str:
    """The printf pattern of an image sequence, ``/film/scan.%05d.dpx``."""
    folder = media_path(base)
    separator = ""
    if folder and not folder.endswith(("/", "\\")):
        separator = "\\" if is_windows(folder) and "\\" in folder else "/"
    number = f"%0{padding}d" if padding > 0 else "%d"
    return folder + separator + prefix.replace("%", "%%") + number + suffix.replace("%", "%%")


def split_pattern(pattern: str) -> tuple[str, str, int, str] | None:
    """Folder, prefix, padding and suffix of a printf pattern, or None for the path of one file."""
    cut = max(pattern.rfind("/"), pattern.rfind("\\")) + 1
    folder, name = pattern[:cut], pattern[cut:]
    match = _PATTERN.search(name.replace("%%", "\0\0"))
    if match is None:
        return None
    prefix, suffix = name[: match.start()], name[match.end() :]
    return folder, prefix.replace("%%", "%"), int(match.group(1) or 0), suffix.replace("%%", "%")
