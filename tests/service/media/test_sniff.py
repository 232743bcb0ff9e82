"""Recognising files by their bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import SignError
from service.media.sniff import HEAD_BYTES, MediaType, sniff

FTYP = b"\x00\x00\x00\x18ftyp"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (FTYP + b"isom\x00\x00\x02\x00isomiso2", MediaType("video", "mp4", "mov")),
        (FTYP + b"qt  \x00\x00\x02\x00qt  \x00\x00\x00\x00", MediaType("video", "mov", "mov")),
        (b"\x00\x00\x10\x00moov" + bytes(20), MediaType("video", "mov", "mov")),
        (FTYP + b"heic\x00\x00\x00\x00mif1heic", MediaType("picture", "heic")),
        (FTYP + b"mif1\x00\x00\x00\x00mif1heic", MediaType("picture", "heic")),
        (FTYP + b"mif1\x00\x00\x00\x00mif1avif", MediaType("picture", "avif")),
        (FTYP + b"avif\x00\x00\x00\x00avifmif1", MediaType("picture", "avif")),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", MediaType("video", "webm", "matroska")),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", MediaType("video", "mkv", "matroska")),
        (b"RIFF\x00\x00\x00\x00AVI LIST", MediaType("video", "avi", "avi")),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", MediaType("picture", "webp")),
        ((b"\x47" + bytes(187)) * 4, MediaType("video", "mpeg-ts", "mpegts")),
        ((bytes(4) + b"\x47" + bytes(187)) * 4, MediaType("video", "mpeg-ts", "mpegts")),
        (b"GIF89a\x01\x00", MediaType("video", "gif", "gif")),
        (b"\xff\xd8\xff\xe0", MediaType("picture", "jpeg")),
        (b"\x89PNG\r\n\x1a\n", MediaType("picture", "png")),
        (b"BM\x00\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00", MediaType("picture", "bmp")),
        (b"\xcd\xcc\x4c\x3e\x80\x02\xe0\x01\x00\x00\x03\x00\x0e\x00POSE_LANDMARKS", MediaType("landmarks", "pose")),
    ],
)
def test_a_medium_is_known_by_its_first_bytes(head: bytes, expected: MediaType) -> None:
    assert sniff(head) == expected


@pytest.mark.parametrize(
    ("head", "looks_like"),
    [
        (b"Dear Sir or Madam", "text"),
        ("안녕하세요".encode(), "text"),
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "m3u8"),
        (b"\xef\xbb\xbf  #EXTM3U\n", "m3u8"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "SDP"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "ffconcat"),
        (b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">', "DASH"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04\x14\x00", "zip"),
        (b"ID3\x04\x00", "mp3"),
        (b"\xff\xfb\x90\x44", "mp3"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "WAV"),
        (b"OggS\x00\x02", "Ogg"),
        (b"II*\x00\x08\x00\x00\x00", "TIFF"),
        (bytes(4096), "no kind of file"),
    ],
)
def test_what_is_no_medium_is_refused_with_what_it_looks_like(head: bytes, looks_like: str) -> None:
    with pytest.raises(SignError, match=looks_like) as caught:
        sniff(head)
    assert caught.value.code == "media-unsupported"


def test_nothing_at_all_is_an_empty_medium() -> None:
    with pytest.raises(SignError) as caught:
        sniff(b"")
    assert caught.value.code == "media-empty"


@given(st.binary(max_size=HEAD_BYTES))
def test_any_bytes_are_recognized_or_refused_with_a_listed_error(head: bytes) -> None:
    try:
        assert sniff(head).kind in ("video", "picture", "landmarks")
    except SignError as error:
        assert error.code in ("media-empty", "media-unsupported")
