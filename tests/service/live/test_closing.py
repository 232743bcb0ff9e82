"""How errors end a session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import KINDS, Code, SignError
from service.live.closing import CloseCode, ClosingError, closing_of


@given(st.text(max_size=300))
def test_a_reason_fits_into_a_close_frame(detail: str) -> None:
    reason = ClosingError(CloseCode.DONE, detail).reason
    assert len(reason.encode()) <= 123
    assert detail.startswith(reason)


@pytest.mark.parametrize("code", KINDS)
def test_every_error_has_a_close_code(code: Code) -> None:
    closing = closing_of(SignError(code, "detail"))
    assert closing.code is not CloseCode.DONE
    assert (closing.detail, closing.error) == ("detail", code)


@pytest.mark.parametrize(
    ("code", "close"),
    [
        ("busy", 1013),
        ("model-loading", 1013),
        ("shutting-down", 1012),
        ("model-unknown", 4404),
        ("version-unknown", 4404),
        ("model-wrong-task", 4422),
        ("parameter-invalid", 4422),
        ("key-missing", 1008),
        ("key-refused", 1008),
        ("picture-too-large", 1009),
        ("worker-died", 1011),
        ("internal", 1011),
    ],
)
def test_the_contract_names_these(code: Code, close: int) -> None:
    assert closing_of(SignError(code, "")).code == close
