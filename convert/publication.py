"""The next version of a model into the store: directly, or by the parent of a process that may not write into it."""

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from convert.confined import PIPES, is_confined
from convert.errors import CallError
from service.errors import InvalidModelError
from service.registry.manifest import MODEL_FILE, Manifest, manifest_json
from service.registry.store import Store, check_fields


def publish_version(store: Path, fields: Mapping[str, object], model: bytes) -> Manifest:
    """Publish the next version of a model: here, or by the parent where this process may not write into the store.

    Raises InvalidModelError for what the service would refuse, CallError where the store cannot be written.
    """
    if not is_confined():
        return _publish_here(store, fields, model)
    draft = check_fields(fields, [MODEL_FILE])
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(model)
    asks, answers = map(int, os.environ[PIPES].split())
    with os.fdopen(os.dup(asks), "w", encoding="utf-8") as questions:
        questions.write(json.dumps({"manifest": manifest_json(draft), "model": Path(file.name).name}) + "\n")
    with os.fdopen(os.dup(answers), encoding="utf-8") as replies:
        reply = json.loads(replies.readline())
    if "refused" in reply:
        raise InvalidModelError(reply["refused"])
    if "failed" in reply:
        raise CallError(reply["failed"])
    return Manifest.model_validate_json(reply["manifest"])


def answer_question(question: str, folder: Path, store: Path) -> str:
    """In the parent: publish what the child asks for, checked as if a stranger had written it; the reply, as JSON."""
    return json.dumps(_answer(question, folder, store))


def _answer(question: str, folder: Path, store: Path) -> dict[str, str]:
    try:
        asked = json.loads(question)
        draft = Manifest.model_validate_json(asked["manifest"])
        place = folder / Path(asked["model"]).name
        model = _read_plain(place)
        place.unlink()
        return {"manifest": manifest_json(_publish_here(store, draft, model))}
    except CallError as error:
        return {"failed": str(error)}
    except (InvalidModelError, ValueError, OSError, KeyError, TypeError) as error:
        return {"refused": str(error)}


def _read_plain(place: Path) -> bytes:
    with os.fdopen(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise InvalidModelError(f"{place.name} is no plain file")
        return file.read()


def _publish_here(store: Path, draft: Manifest | Mapping[str, object], model: bytes) -> Manifest:
    try:
        return Store(store).publish(draft, {MODEL_FILE: model})
    except OSError as error:
        raise CallError(f"{store} cannot be written: {error.strerror or error}.") from error
