"""The messages of a live session and their page."""

import json
from pathlib import Path

import jsonschema
import pytest

from service.contract.messages import CONTROL, SERVER_MESSAGES, StartMessage, SummaryMessage
from service.live.closing import CloseCode
from service.live.schema import with_schemas

PAGE = Path(__file__).parents[3] / "docs/stream.md"


def test_the_page_shows_the_schemas_of_all_messages() -> None:
    """`python -m service.live.schema docs/stream.md` brings them up to date."""
    assert with_schemas(PAGE.read_text()) == PAGE.read_text()


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        with_schemas("# nothing here")


@pytest.mark.parametrize("code", CloseCode)
def test_each_close_code_is_on_the_page(code: CloseCode) -> None:
    assert f"| {code.value} |" in PAGE.read_text()


@pytest.mark.parametrize("message", SERVER_MESSAGES)
def test_each_schema_is_one(message: type[SummaryMessage]) -> None:
    jsonschema.Draft202012Validator.check_schema(message.model_json_schema())


def test_the_contracts_own_start_message_is_taken() -> None:
    text = (
        '{"type": "start", "model": "asl-items", "version": null, "window_s": null, "stride_s": null,'
        ' "threshold": null, "mirrored": false, "landmarks": true}'
    )
    assert StartMessage.model_validate_json(text).model == "asl-items"
    assert CONTROL.validate_json(json.dumps({"type": "flush"})).type == "flush"
