"""What counts as another answer."""

from tests.answers.differences import differences
from tests.answers.steady import steady, steady_text


def test_the_last_bit_of_a_number_and_its_kind_count() -> None:
    assert list(differences({"a": [0.1]}, {"a": [0.1]})) == []
    assert list(differences({"a": [0.3]}, {"a": [0.1 + 0.2]})) == ["$.a[0]: 0.3 → 0.30000000000000004"]
    assert list(differences(1, 1.0)) == ["$: 1 → 1.0"]


def test_what_is_gone_new_longer_or_in_another_order_is_named() -> None:
    assert list(differences({"a": 1, "b": 2}, {"b": 2, "c": 3})) == ["$.a: 1 → it is gone", "$.c: it is new: 3"]
    assert list(differences({"a": 1, "b": 2}, {"b": 2, "a": 1})) == ["$: the order ['a', 'b'] → ['b', 'a']"]
    assert list(differences([1], [1, 2])) == ["$: 1 entries → 2"]


def test_ids_and_moments_of_the_clock_do_not_count() -> None:
    assert steady([{"id": "x", "error": {"instance": "y", "code": "busy"}}]) == [{"error": {"code": "busy"}}]
    urn = "urn:nl-mpi-tools-elan-eaf:b474c66a-5b42-592d-a59f-e51e05a72764"
    assert steady_text(f'<DOC DATE="2026-11-21">\n{urn}') == ['<DOC DATE="…">', "urn:nl-mpi-tools-elan-eaf:…"]
