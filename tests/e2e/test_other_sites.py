"""Pages of other sites reach no route that changes something, on a service that asks for no key."""

from collections.abc import Iterator

import pytest

from service.app import create_app
from service.settings import Settings
from tests.running import SAMPLES, RunningService, running_service
from tests.streaming import streaming

LETTER = SAMPLES / "letter_a_right_light.mp4"
SAFE = ("get", "head", "options")
FORM = {"file": ("a.mp4", LETTER.read_bytes(), "video/mp4")}
PAGES = {
    "another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "another port": {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
    "a sandbox": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "an older browser": {"Origin": "https://evil.example"},
    "no origin": {"Sec-Fetch-Site": "cross-site"},
}


def changing_routes() -> list[tuple[str, str]]:
    """Method and path of each route that may change something, with some name where the path has one."""
    paths = create_app(Settings(slots=1, stream_slots=0)).openapi()["paths"]
    filled = {path: path.replace("{version}", "1").replace("{", "").replace("}", "") for path in paths}
    return [(method.upper(), filled[path]) for path, item in paths.items() for method in item if method not in SAFE]


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service on this machine alone, which may therefore be taught."""
    with running_service(tmp_path_factory.mktemp("open"), SIGN_SLOTS="1", SIGN_STREAM_SLOTS="1") as running:
        yield running


def test_there_are_routes_that_teach_take_jobs_and_change_models() -> None:
    routes = changing_routes()
    assert len(routes) > 10
    for part in ("/teach", "/jobs", "/models/reload", "/predict"):
        assert any(path.startswith(part) for _, path in routes), part


@pytest.mark.parametrize("route", changing_routes(), ids=" ".join)
def test_no_page_of_another_site_reaches_a_route_that_changes_something(
    open_to_all: RunningService, route: tuple[str, str]
) -> None:
    method, path = route
    for page in PAGES.values():
        sent = open_to_all.client.request(method, path, headers=page, files=FORM if method != "DELETE" else None)
        assert (sent.status_code, sent.json()["code"]) == (403, "origin-refused")
    by_program = open_to_all.client.request(method, path)
    assert by_program.json().get("code") != "origin-refused" if by_program.content else True


def test_nothing_of_theirs_was_kept(open_to_all: RunningService) -> None:
    folder = open_to_all.log.parent
    for page in PAGES.values():
        taught = open_to_all.client.post("/teach/mine/examples", headers=page, files=FORM, params={"label": "A"})
        assert taught.json()["code"] == "origin-refused"
    assert open_to_all.client.get("/jobs").json()["jobs"] == []
    assert [path for path in (folder / "taught").rglob("*") if path.is_file() and path.suffix == ".npz"] == []


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "null"])
def test_no_page_of_another_site_opens_a_live_session(open_to_all: RunningService, origin: str) -> None:
    with streaming(open_to_all, origin=origin) as client:
        client.say("start")
        assert client.hear()["type"] == "error"
        assert client.closed()[0] == 1008
