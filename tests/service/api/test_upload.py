"""A request's medium and options, streamed to a spool file."""

import asyncio
import hashlib
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from service.api.upload import Pace, open_upload
from service.api.upload_places import UploadPlaces
from service.contract.key_limits import KeyUsages
from service.errors import SignError
from service.metrics import Metrics
from service.settings import Settings

SMALL = Settings(media_bytes=1000, form_fields=3, form_field_bytes=50, upload_stall_s=0.2)
METRICS = Metrics()
USAGES = KeyUsages(SMALL, METRICS)
BOUNDARY = "limit"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def form(*parts: tuple[str, bytes]) -> bytes:
    """A multipart body: each part's Content-Disposition options and its content."""
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {options}\r\n\r\n".encode() + content + b"\r\n"
        for options, content in parts
    )
    return body + f"--{BOUNDARY}--\r\n".encode()


def receive_upload(
    chunks: list[bytes], content_type: str | None = None, *, ends: str = "complete", length: int | None = None
) -> tuple[bytes, dict[str, str], str | None]:
    """What `open_upload` makes of a body that comes in these chunks: the medium's bytes, the fields, its name."""
    headers = [] if content_type is None else [(b"content-type", content_type.encode())]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": ends != "complete" or index < len(chunks) - 1}
        for index, chunk in enumerate(chunks)
    ]
    if ends == "hang-up":
        messages.append({"type": "http.disconnect"})
    queue = iter(messages)

    async def receive() -> dict[str, Any]:
        message = next(queue, None)
        if message is None:
            await asyncio.Event().wait()
        assert message is not None
        return message

    async def run() -> tuple[bytes, dict[str, str], str | None]:
        app = SimpleNamespace(
            state=SimpleNamespace(settings=SMALL, uploads=UploadPlaces(1, METRICS), key_usages=USAGES)
        )
        scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers, "app": app}
        with tempfile.TemporaryDirectory() as spool:
            try:
                async with open_upload(Request(scope, receive), Path(spool)) as upload:
                    content = Path(upload.medium.path).read_bytes()
                    assert upload.received.digest == hashlib.sha256(content).hexdigest()
                    return content, upload.received.fields, upload.received.file_name
            finally:
                assert list(Path(spool).iterdir()) == []

    return asyncio.run(run())


def refusal(*args: Any, **kwargs: Any) -> SignError:
    with pytest.raises(SignError) as caught:
        receive_upload(*args, **kwargs)
    return caught.value


def split(body: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[a:b] for a, b in zip(edges, edges[1:], strict=False)]


def test_a_raw_body_is_the_medium_whatever_its_content_type() -> None:
    for content_type in (None, "application/octet-stream", "application/x-www-form-urlencoded", "video/mp4"):
        assert receive_upload([b"abc", b"def"], content_type) == (b"abcdef", {}, None)


@settings(max_examples=40, deadline=None)
@given(content=st.binary(min_size=1, max_size=300), cuts=st.lists(st.integers(0, 1000), max_size=6))
def test_a_form_gives_the_same_however_its_bytes_are_cut(content: bytes, cuts: list[int]) -> None:
    body = form(('name="model"', b"asl-letters"), ('name="file"; filename="a.mp4"', content), ('name="top_k"', b"3"))
    expected = (content, {"model": "asl-letters", "top_k": "3"}, "a.mp4")
    assert receive_upload(split(body, cuts), FORM_TYPE) == expected


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=200), cuts=st.lists(st.integers(0, 1000), max_size=4))
def test_any_bytes_as_a_form_give_an_upload_or_a_listed_error(body: bytes, cuts: list[int]) -> None:
    try:
        receive_upload(split(f"--{BOUNDARY}\r\n".encode() + body, cuts), FORM_TYPE)
    except SignError as error:
        assert error.status == 400


def test_no_body_and_no_part_named_file_are_a_missing_medium() -> None:
    assert refusal([b""]).code == "media-missing"
    assert refusal([form(('name="model"', b"x"))], FORM_TYPE).code == "media-missing"


def test_an_empty_file_is_said_to_be_empty() -> None:
    assert refusal([form(('name="file"; filename="a.mp4"', b""))], FORM_TYPE).code == "media-empty"


def test_too_many_bytes_are_refused_while_they_arrive_and_by_the_header() -> None:
    assert refusal([b"x" * 600, b"x" * 600]).code == "media-too-large"
    refused = refusal([b"never read"], length=10_000_000)
    assert (refused.code, refused.limit, refused.actual) == ("media-too-large", 1000, 10_000_000)


def test_a_form_of_many_or_long_fields_is_refused() -> None:
    many = form(*((f'name="f{index}"', b"1") for index in range(4)))
    assert "more than 3 fields" in refusal([many], FORM_TYPE).detail
    assert "more than 50 bytes" in refusal([form(('name="model"', b"x" * 51))], FORM_TYPE).detail
    assert "header size" in refusal([form((f'name="{"x" * 5000}"', b""))], FORM_TYPE).detail


def test_a_boundary_that_is_too_long_is_refused() -> None:
    refused = refusal([b"--" + b"x" * 300], f"multipart/form-data; boundary={'x' * 300}")
    assert refused.code == "request-malformed"


def test_a_field_or_file_that_comes_twice_is_refused() -> None:
    assert "twice" in refusal([form(('name="a"', b"1"), ('name="a"', b"2"))], FORM_TYPE).detail
    file = ('name="file"; filename="a"', b"x")
    assert "two parts" in refusal([form(file, file)], FORM_TYPE).detail


@pytest.mark.parametrize("name", ["video", "image", "files", "file[]", "upload", ""])
def test_the_only_file_is_taken_under_whatever_name_it_has(name: str) -> None:
    body = form(('name="top_k"', b"3"), (f'name="{name}"; filename="a.mp4"', b"content"))
    assert receive_upload([body], FORM_TYPE) == (b"content", {"top_k": "3"}, "a.mp4")


def test_a_part_without_a_file_name_is_the_medium_where_its_type_says_so() -> None:
    body = form(
        ('name="video"\r\nContent-Type: video/mp4', b"content"), ('name="top_k"\r\nContent-Type: text/plain', b"3")
    )
    assert receive_upload([body], FORM_TYPE) == (b"content", {"top_k": "3"}, None)


def test_of_two_files_none_is_guessed() -> None:
    thumbnail, video = ('name="image"; filename="a.png"', b"x"), ('name="video"; filename="a.mp4"', b"y")
    said = "two files, 'image' and 'video'. Send one, and name the part 'file'"
    assert said in refusal([form(thumbnail, video)], FORM_TYPE).detail
    assert "name the part 'file'" in refusal([form(video, ('name="file"; filename="b"', b"x"))], FORM_TYPE).detail


def test_a_file_that_nobody_chose_is_not_sent() -> None:
    body = form(('name="second"; filename=""\r\nContent-Type: application/octet-stream', b""), ('name="file"', b"x"))
    assert receive_upload([body], FORM_TYPE) == (b"x", {}, None)


def test_what_may_have_been_meant_as_the_medium_is_told_how_to_be_one() -> None:
    for content in (b"x" * 51, b"\xff\xd8\xff"):
        assert "name the part 'file'" in refusal([form(('name="video"', content))], FORM_TYPE).detail
    assert "no file, only 'video'" in refusal([form(('name="video"', b"a.mp4"))], FORM_TYPE).detail


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('filename="say %22hi%22.mp4"', 'say "hi".mp4'),  # browsers, curl, httpx
        ('filename="a%0D%0Ab.mp4"', "a\r\nb.mp4"),
        ('filename="say \\"hi\\".mp4"', 'say "hi".mp4'),  # curl before 7.81
        ('filename="100% sure.mp4"', "100% sure.mp4"),
        ('filename="50%20 off.mp4"', "50%20 off.mp4"),  # a space is never left by who escapes them
        ('filename="수어.mp4"', "수어.mp4"),
        ('filename="%EC%88%98%EC%96%B4%20clip.mp4"', "수어 clip.mp4"),  # aiohttp
        ('filename="%FF.mp4"', "%FF.mp4"),
        ("filename*=UTF-8''%EC%88%98%EC%96%B4.mp4", "수어.mp4"),  # requests with urllib3 1, RFC 5987
        ("filename=\"___.mp4\"; filename*=utf-8'ko'%EC%88%98%EC%96%B4.mp4", "수어.mp4"),
        ("filename*=iso-8859-1''%E9t%E9.mp4", "été.mp4"),
    ],
)
def test_file_names_are_read_as_their_senders_write_them(written: str, meant: str) -> None:
    assert receive_upload([form((f'name="file"; {written}', b"x"))], FORM_TYPE)[2] == meant


@pytest.mark.parametrize("name", ['a"b', "100%", "수어", "a\nb", "%41"])
def test_a_fields_name_is_read_as_browsers_write_it(name: str) -> None:
    written = name.replace('"', "%22").replace("\n", "%0A")
    fields = receive_upload([form((f'name="{written}"', b"1"), ('name="file"', b"x"))], FORM_TYPE)[1]
    assert fields == {name if name != "%41" else "A": "1"}


def test_a_form_that_ends_early_is_refused() -> None:
    whole = form(('name="file"; filename="a.mp4"', b"content"))
    assert refusal([whole[:-10]], FORM_TYPE).code == "request-malformed"
    assert "no boundary" in refusal([whole], "multipart/form-data").detail


def test_a_sender_is_too_slow_where_they_are_so_for_a_whole_stretch_of_waiting() -> None:
    pace = Pace(least_rate=1000.0, stretch_s=2.0)
    pace.check(0, 1.9)
    pace.check(2500, 0.1)
    pace.check(500, 1.0)
    with pytest.raises(SignError, match="750 bytes a second; 1,000 are the least") as caught:
        pace.check(1000, 1.0)
    assert caught.value.code == "request-timeout"


def test_the_slowest_makes_room_once_it_is_not_fresh_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("service.api.upload_places.time.monotonic", lambda: now[0])
    places = UploadPlaces(2, Metrics())
    with places.take() as slow, places.take() as fast:
        now[0] += 10.0
        fast.note(10_000_000)
        slow.note(1000)
        with places.take():
            assert (slow.is_taken_away, fast.is_taken_away) == (True, False)
            with pytest.raises(SignError, match="2 uploads are under way"), places.take():
                pass


def test_one_upload_more_than_there_are_places_for_is_refused() -> None:
    places = UploadPlaces(1, Metrics())
    with places.take(), pytest.raises(SignError, match="1 uploads are under way"), places.take():
        pass
    with places.take():
        pass


def test_a_sender_that_hangs_up_or_stalls_leaves_nothing_behind() -> None:
    assert "connection ended" in refusal([b"abc"], ends="hang-up").detail
    assert "No byte came" in refusal([b"abc"], ends="stall").detail
