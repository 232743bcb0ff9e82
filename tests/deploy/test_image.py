"""The Dockerfile and what it may take into an image, checked without an engine."""

import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def stages() -> dict[str, str]:
    """The text of each stage, with that of the stages it is built from."""
    texts: dict[str, str] = {}
    for part in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]:
        parent, name = part.split("\n", 1)[0].split(" AS ")
        texts[name] = texts.get(parent, "") + part
    return texts


def copied_from_the_repository() -> list[str]:
    """What COPY takes out of the build context, in the order of the file."""
    sources = []
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        sources += line.split()[:-1]
    return sources


def is_sent(path: str) -> bool:
    """Whether .dockerignore lets a path into the build; as there, the last pattern that matches decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!").removeprefix("**/")
        if line.startswith("#") or not line:
            continue
        places = [path, *(str(parent) for parent in Path(path).parents)]
        names = Path(path).parts if "**/" in line else ()
        if any(fnmatch.fnmatch(place, pattern) for place in (*places, *names)):
            sent = line.startswith("!")
    return sent


def test_hadolint_finds_nothing() -> None:
    command = [str(Path(sys.executable).with_name("hadolint")), "--no-color", str(ROOT / "Dockerfile")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("source", copied_from_the_repository())
def test_what_is_copied_exists_and_is_sent_to_the_build(source: str) -> None:
    assert (ROOT / source).exists()
    assert is_sent(source)


@pytest.mark.parametrize("path", [".env", ".git/config", "samples/a.mp4", "tests/running.py", "model_store/.a-1.x/m"])
def test_nothing_else_is_sent_to_the_build(path: str) -> None:
    assert not is_sent(path)


def test_the_page_goes_with_the_service() -> None:
    assert all(is_sent(f"service/web/{path.name}") for path in (ROOT / "service" / "web").iterdir())


def test_caches_stay_out() -> None:
    assert is_sent("service/app.py")
    assert not is_sent("service/__pycache__/app.cpython-311.pyc")


@pytest.mark.parametrize("target", ["serve", "serve-cuda", "convert"])
def test_an_image_runs_as_a_user_that_is_not_root(target: str) -> None:
    *_, last = re.findall(r"^USER (\S+)$", stages()[target], re.MULTILINE)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last)


@pytest.mark.parametrize(
    ("target", "lock"),
    [("serve", '"/locks/${LOCK}.lock"'), ("serve-cuda", "/locks/cuda.lock"), ("convert", "/locks/convert.lock")],
)
def test_an_image_holds_what_its_lock_says_and_nothing_unchecked(target: str, lock: str) -> None:
    (environment,) = re.findall(r"^COPY --from=(\S+) /venv /venv$", stages()[target], re.MULTILINE)
    *_, install = re.findall(r"install (.*)$", stages()[environment], re.MULTILINE)
    assert install == f"--no-cache-dir --no-deps --require-hashes -r {lock}"


def test_the_lock_of_the_service_is_its_own_or_the_one_with_s3() -> None:
    assert re.findall(r"^ARG LOCK=(\S+)$", DOCKERFILE, re.MULTILINE) == ["serve"]
    locks = [Path(source).stem for source in copied_from_the_repository() if source.endswith(".lock")]
    assert {"serve", "s3"} <= set(locks)
    versions = [
        set(re.findall(r"^[\w.-]+==[^ ;]+", (ROOT / f"locks/{name}.lock").read_text(), re.MULTILINE)) for name in locks
    ]
    assert versions[0] < versions[1], "s3 is serve and more"


@pytest.mark.parametrize("target", ["serve", "serve-cuda", "convert"])
def test_onnx_runtime_reports_nothing_to_its_maker(target: str) -> None:
    assert "ORT_DISABLE_TELEMETRY=1" in stages()[target]


def test_the_container_starts_the_service_and_knows_when_it_is_ready() -> None:
    serve = stages()["serve"]
    (entrypoint,) = re.findall(r"^ENTRYPOINT (.*)$", serve, re.MULTILINE)
    *_, command = re.findall(r"^CMD (.*)$", serve, re.MULTILINE)
    assert [*json.loads(entrypoint), *json.loads(command)] == ["python", "-m", "service", "serve"]
    assert re.search(r'HEALTHCHECK .*\\\n    CMD \["python", "-I", "/app/deploy/healthcheck.py"\]', serve)
    assert "STOPSIGNAL SIGTERM" in serve
    assert "SIGN_HOST=0.0.0.0" in serve


@pytest.mark.parametrize("name", ["cuda", "openvino"])
def test_a_lock_of_another_runtime_leaves_the_usual_one_out_and_all_else_as_it_is(name: str) -> None:
    usual, other = (
        dict(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", (ROOT / "locks" / f"{lock}.lock").read_text(), re.MULTILINE))
        for lock in ("serve", name)
    )
    runtimes = [package for package in other if package.startswith("onnxruntime")]
    assert runtimes == [{"cuda": "onnxruntime-gpu", "openvino": "onnxruntime-openvino"}[name]]
    del usual["onnxruntime"]
    assert usual.items() <= other.items()


def test_the_image_for_a_card_asks_for_it() -> None:
    assert "SIGN_PROVIDERS=cuda,cpu" in stages()["serve-cuda"]
    assert "SIGN_PROVIDERS" not in stages()["serve"]
