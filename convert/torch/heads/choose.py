"""Which of the structures that fit is taken: the only one, the one that a golden file proves, or the most usual one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.errors import CallError, ContradictionError, MismatchError, ParityError, RefusalError, UnprovenError
from convert.golden import Golden, compare_golden, fit_inputs, read_golden
from convert.graph.layer_graph import Array
from convert.graph.reference.evaluate import SharedEvaluation, evaluate
from convert.parity import Measured
from convert.torch.checkpoint.checkpoint import Checkpoint
from convert.torch.heads.evidence import Evidence, read_evidence
from convert.torch.heads.flags import HeadFlags
from convert.torch.heads.graph import make_layer_graph, reads_steps
from convert.torch.heads.measure import Structure
from convert.torch.heads.parts import NORMS, HeadParts
from convert.torch.heads.steps import format_order
from convert.torch.heads.structures import MAX_STRUCTURES, list_structures

SHOWN = 6
TRIED_ROWS = 1
ROUNDING = 6e-8
"""What float32 leaves of the right structure's outputs; those more than NEAR times as far off are others."""
NEAR = 10
MAX_LISTED = 400
"""Structures that are listed where no golden file tells them apart: only that there are several counts."""
_OPEN_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """The structure that is taken. others: the further ones that fit, empty where it is the only one.

    proven: whether a golden file tells it from them; ending: what the golden file's outputs went through behind it.
    """

    structure: Structure
    evidence: Evidence
    others: tuple[Structure, ...] = ()
    proven: bool = False
    ending: str = ""
    tried: int = 0

    @property
    def settled(self) -> bool:
        """Whether nothing of the structure is assumed."""
        return self.proven or not self.others


def choose_structure(head: HeadParts, checkpoint: Checkpoint, flags: HeadFlags, golden: Path | None) -> Choice:
    """Resolve what the weights leave open. Raises CallError, RefusalError, ParityError."""
    evidence = read_evidence(head.parts, checkpoint.modules)
    recorded = read_golden(golden) if golden else None
    length = flags.steps or _find_length(head, recorded)
    limit = MAX_LISTED if recorded is None else MAX_STRUCTURES
    structures = list_structures(head, evidence, flags, length, limit)
    if not structures:
        raise _refuse_all(head, flags, length)
    if len(structures) == 1 and len(structures[0].lengths) <= 1:
        assumed = (structures[0],) if has_default_norms(head) and not flags.order and recorded is None else ()
        return Choice(structures[0], evidence, assumed)
    if recorded is None:
        return Choice(structures[0], evidence, tuple(structures[1:]) or (structures[0],))
    return _search(head, evidence, structures, recorded, masked=flags.masked)


def refuse_unproven(choice: Choice, sentences: Sequence[str]) -> UnprovenError:
    """The refusal of a structure that was assumed: what else fits, with the flag that chooses each."""
    listed = list(dict.fromkeys(format_order((choice.structure, *choice.others)[k].steps)
                                for k in range(min(SHOWN, 1 + len(choice.others)))))  # fmt: skip
    more = len(choice.others) + 1 - len(listed)
    return UnprovenError(
        "The weights do not say how they are run, so that parity would compare a guess with itself. Assumed: "
        + "; ".join(sentences) + ".\n"
        + "\n".join(f"  --order '{order}'" for order in listed)
        + (f"\n  … and {more} more" if more > 0 else ""),
        "Nothing was published. Give the author's own inputs and outputs (--golden FILE.npz: x0, y0), which tell them "
        "apart; or say what the author wrote (--order, or --hidden, --readout, --pool, --padding, --steps); or take "
        "the first as it is, named as not proven: --assume.",
    )  # fmt: skip


def _find_length(head: HeadParts, recorded: Golden | None) -> int | None:
    """The steps of the recorded inputs, whichever axis they stand on."""
    if recorded is None or head.last_in_time is None or recorded.inputs[0].ndim != 3:
        return None
    steps, values = recorded.inputs[0].shape[1:]
    return int(steps if values == head.inputs else values)


def _refuse_all(head: HeadParts, flags: HeadFlags, length: int | None) -> RefusalError:
    shown = "; ".join(f"{part.name} {part.describe()}" for part in head.parts[:6])
    if flags.given or length is not None:
        of = f" of {length} steps" if length is not None else ""
        return MismatchError(
            f"No structure of the file's layers ({shown}) fits an input{of} and what the flags say.",
            "Leave out a flag, or say another --steps, --pool or --padding.",
        )
    return ContradictionError(f"No structure fits the file's layers ({shown}).", "Export ONNX where it was made.")


def _search(
    head: HeadParts, evidence: Evidence, structures: Sequence[Structure], recorded: Golden, *, masked: bool
) -> Choice:
    """The one structure that gives the recorded outputs. ParityError where none does, or several that differ."""
    matching: list[tuple[Structure, Measured, str]] = []
    nearest: tuple[Measured, Structure] | None = None
    tried = 0
    trials = _Trials(head, recorded, masked=masked)
    for structure in structures:
        measured = trials.measure(structure)
        if measured is None:
            continue
        tried += 1
        if measured.passed:
            matching.append((structure, measured, measured.form.removeprefix("after ")))
        if nearest is None or measured.max_abs_diff < nearest[0].max_abs_diff:
            nearest = (measured, structure)
    if nearest is None:
        raise ParityError(
            f"{recorded.name} holds inputs of the shapes {[array.shape for array in recorded.inputs]}, which no "
            "structure of this file takes.",
            "The golden file is of another network; nothing was published.",
        )
    if not matching:
        raise ParityError(
            f"None of the {tried} structures that fit the file's layers gives the golden file's outputs; the nearest "
            f"is {nearest[0].max_abs_diff:.2g} off: --order '{format_order(nearest[1].steps)}'.",
            "Nothing was published. Say what the author wrote (--order), or export ONNX where it was made.",
        )
    least = max(min(one.max_abs_diff for _, one, _ in matching), ROUNDING)
    matching = [one for one in matching if one[1].max_abs_diff <= NEAR * least]
    matching.sort(key=lambda one: (one[2] != "", one[0].cost))
    first = matching[0][0]
    different = [one for one, *_ in matching[1:] if _differ(head, first, one, masked=masked)]
    if different:
        raise UnprovenError(
            "The golden file does not tell these structures apart:\n"
            + "\n".join(f"  --order '{format_order(one.steps)}'" for one in (first, *different[: SHOWN - 1])),
            "Nothing was published. Say which one the author wrote, or record more inputs.",
        )
    others = tuple(one for one in structures if one is not first)
    return Choice(first, evidence, others, proven=True, ending=matching[0][2], tried=tried)


class _Trials:
    """Structures on the same recorded inputs."""

    def __init__(self, head: HeadParts, recorded: Golden, *, masked: bool) -> None:
        self._head, self._recorded, self._masked = head, recorded, masked
        self._shared: dict[str, tuple[SharedEvaluation, Golden]] = {}

    def measure(self, structure: Structure) -> Measured | None:
        """How far its answers are from the recorded ones; None where it does not take the inputs."""
        try:
            graph = make_layer_graph(self._head, structure.steps, structure.length, masked=self._masked)
        except CallError:
            return None
        key = str([one.shape for one in graph.inputs])
        if key not in self._shared:
            fitted = fit_inputs(self._recorded, [one.shape for one in graph.inputs])
            if fitted is None:
                return None
            few = Golden(
                self._recorded.name,
                [array[:TRIED_ROWS] for array in fitted.inputs],
                [array[:TRIED_ROWS] for array in self._recorded.outputs],
            )
            self._shared[key] = (SharedEvaluation(few.inputs), few)
        shared, few = self._shared[key]
        try:
            measured = _compare(shared.evaluate(graph), few)
            if not measured.passed:
                return measured
            fitted = fit_inputs(self._recorded, [one.shape for one in graph.inputs])
            return _compare(evaluate(graph, fitted.inputs), self._recorded) if fitted else None
        except ParityError:
            return None


def _compare(answers: list[Array], recorded: Golden) -> Measured:
    """Logits, or what softmax or sigmoid make of them."""
    found = [compare_golden(answers, recorded, activation=one) for one in ("none", "softmax", "sigmoid")]
    return min(found, key=lambda one: one.max_abs_diff)


def _differ(head: HeadParts, one: Structure, other: Structure, *, masked: bool) -> bool:
    """Whether two structures that fit the recorded samples answer others differently."""
    in_time = reads_steps(head, one.steps)
    length = one.length or other.length or _OPEN_LENGTH
    shape = (8, length, head.inputs) if in_time else (8, head.inputs)
    rows: list[Array] = [np.random.default_rng(20260101).uniform(-2, 2, shape).astype(np.float32)]
    if masked:
        rows.append(np.ones(shape[:2], np.float32))
    answers = [
        evaluate(make_layer_graph(head, each.steps, each.length, masked=masked), rows)[0] for each in (one, other)
    ]
    return bool(np.abs(answers[0] - answers[1]).max() > 1e-6 * max(1.0, float(np.abs(answers[0]).max())))


def has_default_norms(head: HeadParts) -> bool:
    """Whether some norm's epsilon is not in the file."""
    return any(part.kind in NORMS and "eps" not in part.record.attributes for part in head.parts)
