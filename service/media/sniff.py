"""What a file is, by its bytes alone: names and content types are hints for nothing."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from service.errors import SignError
from service.track import MediaKind

HEAD_BYTES = 4096
SUPPORTED = (
    "Supported are mp4, mov, webm, mkv, avi, mpeg-ts and gif videos, jpeg, png, webp, gif, bmp, heic and avif "
    "pictures, and .pose landmarks."
)

ENDINGS = frozenset(
    {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ts", ".mts", ".m2ts", ".gif"}
    | {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".heic", ".heif", ".avif", ".pose"}
)
"""How files of these kinds are usually named: what is named so and is none of them is broken."""


@dataclass(frozen=True, slots=True)
class MediaType:
    """A recognized file. demuxer: FFmpeg's name of the one reader that may open it, None where FFmpeg has no part."""

    kind: MediaKind
    format: str
    demuxer: str | None = None


_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"heif"}
_AVIF_BRANDS = {b"avif", b"avis"}
_VIDEO_BRANDS = (b"iso", b"mp4", b"avc", b"qt", b"M4", b"3g", b"dash", b"cmf", b"MSNV")
_MOV_ATOMS = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
_MOV_DEMUXER = "mov"
_POSE_VERSIONS = (b"\xcd\xcc\xcc\x3d", b"\xcd\xcc\x4c\x3e")  # 0.1 and 0.2 as float32
_TS_PACKET = 188
_M2TS_PACKET = 192
_LEAST_MARKS = 2
_SURE_MARKS = 8

_REFUSED_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive (or an office document)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"ID3", "an mp3 sound file"),
    (b"OggS", "an Ogg file"),
    (b"fLaC", "a FLAC sound file"),
    (b"FLV\x01", "a Flash video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"8BPS", "a Photoshop picture"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x00\x00\x01\xba", "an MPEG program stream"),
    (b"YUV4MPEG2", "a raw y4m video"),
)

_REFUSED_TEXTS: tuple[tuple[str, str], ...] = (
    ("#extm3u", "an m3u8 playlist, which names other files"),
    ("ffconcat version", "an ffconcat list, which names other files"),
    ("v=0", "an SDP session description, which names network addresses"),
    ("<mpd", "a DASH manifest, which names other files"),
    ("<!doctype html", "an HTML page"),
    ("<html", "an HTML page"),
    ("<svg", "an SVG drawing"),
    ("<?xml", "an XML document"),
    ("{", "JSON or other text"),
    ("[playlist]", "a playlist, which names other files"),
)


def sniff(head: bytes) -> MediaType:
    """Recognize a file by its first bytes (HEAD_BYTES of them are enough).

    Raises SignError: media-empty, or media-unsupported saying what the bytes look like.
    """
    if not head:
        raise SignError("media-empty", "The medium has 0 bytes. Send a video or a picture.")
    for recognize in _RECOGNIZERS:
        found = recognize(head)
        if found is not None:
            return found
    raise _refusal(_look_of(head))


def _signed(head: bytes) -> MediaType | None:
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return MediaType("video", "webm" if b"webm" in head[:64] else "mkv", "matroska")
    if head.startswith(b"\xff\xd8\xff"):
        return MediaType("picture", "jpeg")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaType("picture", "png")
    if head.startswith((b"GIF87a", b"GIF89a")):
        return MediaType("video", "gif", "gif")
    return None


def _riff(head: bytes) -> MediaType | None:
    if not head.startswith(b"RIFF"):
        return None
    form = head[8:12]
    if form == b"AVI ":
        return MediaType("video", "avi", "avi")
    if form == b"WEBP":
        return MediaType("picture", "webp")
    if form == b"WAVE":
        raise _refusal("a WAV sound file")
    return None


def _iso_base_media(head: bytes) -> MediaType | None:
    atom = head[4:8]
    if atom == b"ftyp":
        size = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))}
        if head[8:12] in _AVIF_BRANDS or (head[8:12] in _HEIF_BRANDS and brands & _AVIF_BRANDS):
            return MediaType("picture", "avif")
        if head[8:12] in _HEIF_BRANDS or (brands & _HEIF_BRANDS and not any(map(_is_of_videos, brands))):
            return MediaType("picture", "heic")
        return MediaType("video", "mov" if head[8:12] == b"qt  " else "mp4", _MOV_DEMUXER)
    if atom in _MOV_ATOMS and int.from_bytes(head[:4], "big") != 0:
        return MediaType("video", "mov", _MOV_DEMUXER)
    return None


def _is_of_videos(brand: bytes) -> bool:
    return brand.startswith(_VIDEO_BRANDS)


def _bmp(head: bytes) -> MediaType | None:
    if head.startswith(b"BM") and len(head) >= 18 and 12 <= int.from_bytes(head[14:18], "little") <= 256:
        return MediaType("picture", "bmp")
    return None


def _transport_stream(head: bytes) -> MediaType | None:
    for packet, offset in ((_TS_PACKET, 0), (_M2TS_PACKET, 4)):
        if _is_marked(head, packet, offset, _LEAST_MARKS):
            return MediaType("video", "mpeg-ts", "mpegts")
    return None


def _cut_transport_stream(head: bytes) -> MediaType | None:
    """A stream that begins within a packet, or behind something else, as recordings do: many marks must follow."""
    for packet in (_TS_PACKET, _M2TS_PACKET):
        places = range(len(head) - packet * (_SURE_MARKS - 1))
        if any(_is_marked(head, packet, at, _SURE_MARKS) for at in places):
            return MediaType("video", "mpeg-ts", "mpegts")
    return None


def _is_marked(head: bytes, packet: int, offset: int, least: int) -> bool:
    marks = head[offset::packet][:_SURE_MARKS]
    return len(marks) >= least and set(marks) == {0x47}


def _pose(head: bytes) -> MediaType | None:
    if not head.startswith(_POSE_VERSIONS) or len(head) < 16:
        return None
    width, height, _depth, components, name_length = struct.unpack_from("<5H", head, 4)
    if width and height and 0 < components <= 64 and 0 < name_length <= 255:
        return MediaType("landmarks", "pose")
    return None


_RECOGNIZERS: tuple[Callable[[bytes], MediaType | None], ...] = (
    _signed,
    _riff,
    _iso_base_media,
    _bmp,
    _transport_stream,
    _pose,
    _cut_transport_stream,
)


def _look_of(head: bytes) -> str:
    """What bytes that are no medium look like."""
    for start, what in _REFUSED_STARTS:
        if head.startswith(start):
            return what
    if head[0] == 0xFF and len(head) > 1 and head[1] & 0xE0 == 0xE0:
        return "an mp3 or AAC sound file"
    text = _as_text(head)
    if text is None:
        return "no kind of file that is known here"
    start_of_text = text.lstrip("\ufeff \t\r\n").lower()
    if "<mpd" in start_of_text:
        return "a DASH manifest, which names other files"
    return next((what for mark, what in _REFUSED_TEXTS if start_of_text.startswith(mark)), "text")


def _as_text(head: bytes) -> str | None:
    """The head as text, None where it is no text; a character cut in two at its end is forgiven."""
    for cut in range(4):
        try:
            text = head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return text if all(sign.isprintable() or sign in "\t\r\n\f\ufeff" for sign in text) else None
    return None


def _refusal(what: str) -> SignError:
    return SignError("media-unsupported", f"The file looks like {what}. {SUPPORTED}")
