"""Errors: one table, one exception."""

import pickle
from typing import get_args

from service.errors import KINDS, Code, ParameterError, SignError


def test_each_code_has_a_status_and_a_title() -> None:
    assert set(KINDS) == set(get_args(Code))
    assert all(400 <= kind.status < 600 and kind.title for kind in KINDS.values())


def test_an_error_crosses_a_process_border_unchanged() -> None:
    error = SignError(
        "media-too-long", "It lasts 9 s.", limit=5, actual=9, parameters=(ParameterError("start_time", "too late"),)
    )
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code, copy.detail, copy.limit, copy.actual, copy.parameters) == (
        error.code,
        error.detail,
        error.limit,
        error.actual,
        error.parameters,
    )
