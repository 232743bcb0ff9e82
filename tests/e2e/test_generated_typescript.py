"""A client in TypeScript whose types openapi-typescript makes from the running service's schema, and what it sends."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import node
from tests.media_made import still
from tests.running import SAMPLES, RunningService

A = SAMPLES / "letter_a_right_light.mp4"
CAB = SAMPLES / "word_cab_left_brown.mp4"
PROGRAM = Path(__file__).with_name("generated_client.mts")
OPTIONS = {
    "strict": True, "target": "ES2023", "lib": ["ES2023"], "module": "NodeNext", "types": ["node"], "noEmit": True,
    "noUnusedLocals": True, "skipLibCheck": True,
    "erasableSyntaxOnly": True, "verbatimModuleSyntax": True,  # Node.js only takes the types away
}  # fmt: skip

pytestmark = pytest.mark.timeout(300)  # on a busy machine the compiler takes its time

Sends = Callable[[str, Path], dict[str, Any]]


@pytest.fixture(scope="module")
def sends(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Sends:
    """Run one part of the program, whose types are right, on a file: what it got."""
    node.need_packages()
    folder = tmp_path_factory.mktemp("generated")
    (folder / "node_modules").symlink_to(node.PACKAGES)
    (folder / "openapi.json").write_bytes(service.client.get("/openapi.json").content)
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS, "include": [PROGRAM.name]}))
    program = Path(shutil.copy(PROGRAM, folder))
    generator = node.PACKAGES / "openapi-typescript/bin/cli.js"
    node.ran(folder, generator, "openapi.json", "--output", "schema.d.ts")
    node.ran(folder, node.PACKAGES / "typescript/bin/tsc", "--project", folder)
    return lambda what, path: json.loads(node.ran(folder, program, service.url, what, path))


def test_a_typescript_client_sends_a_picture(sends: Sends, tmp_path: Path) -> None:
    answer = sends("predict", still(A, tmp_path / "a.png"))
    assert answer == {"predicted_class_name": "A", "kind": "picture"}


def test_a_typescript_client_sends_a_video_with_options(sends: Sends) -> None:
    assert sends("timeline", CAB) == {"transcript": "CAB", "second_window_at": 0.2}


def test_a_typescript_client_sends_a_job_and_gets_its_answer_and_an_export(sends: Sends) -> None:
    answer = sends("job", CAB)
    captions = answer.pop("vtt")
    assert answer == {"state": "succeeded", "progress": 1.0, "transcript": "CAB"}
    assert captions.startswith("WEBVTT")


def test_a_typescript_client_gets_an_error_as_a_problem(sends: Sends) -> None:
    assert sends("problem", A) == {"type": "application/problem+json", "code": "model-unknown", "status": 404}
