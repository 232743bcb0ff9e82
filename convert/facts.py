"""Of each fact of a published model whether it was read from the file, declared by the caller, or assumed."""

from typing import Any

from convert.draft import ManifestDraft, PublishOptions
from convert.model_info import ModelInfo, Origin
from convert.parity import Measured

Fact = dict[str, str]
"""As the manifest keeps it: fact, value, origin."""

_TOLD = ("softmax", "sigmoid", "log_softmax", "probabilities", "logits", "regression")


def list_facts(info: ModelInfo, draft: ManifestDraft, options: PublishOptions) -> list[Fact]:
    """All facts, in the order of the way from a medium to an answer."""
    preset_said = options.pipeline is not None or options.layout is not None
    pipeline: Origin = "declared" if preset_said else "assumed"
    facts = [
        _state("weights", f"{info.parameters} numbers", "read"),
        *[_state(*fact) for fact in info.facts or (("structure", _count(info), "read"),)],
        _state("pipeline", draft.preset or options.pipeline or draft.pipeline.kind, pipeline),
        *[
            _state(f"pipeline.{path}", str(value), "declared")
            for path, value in draft.overrides.items()
            if path != "torch"
        ],
        *[_state("pipeline", sentence, "assumed") for sentence in draft.assumptions],
        _state("task", draft.task, "declared" if options.task else pipeline),
        _state("activation", draft.activation, _find_activation_origin(info, draft, options)),
    ]
    if draft.labels:
        origin: Origin = "declared" if options.labels else "assumed" if "assumed" in draft.labels.how else "read"
        facts.append(_state("labels", f"{len(draft.labels.names)}: {draft.labels.how}", origin))
    if draft.times:
        said = options.window_s is not None
        facts.append(_state("window", f"{draft.times.window_s:g} s", "declared" if said else "assumed"))
    return facts


def summarize_facts(facts: list[Fact]) -> list[str]:
    """A line for each origin: which facts were read from the file, declared, assumed."""
    lines = []
    for origin, words in (("read", "Read from the file"), ("declared", "Declared"), ("assumed", "Assumed")):
        names = list(dict.fromkeys(fact["fact"] for fact in facts if fact["origin"] == origin))
        lines += [f"{words}: {', '.join(names)}"] if names else []
    return lines


def record_parity(measured: Measured, *, proven: bool) -> dict[str, Any] | None:
    """The manifest's figure; a graph that was compared with nothing but itself has none."""
    if measured.reference == "itself":
        return None
    return {
        "reference": measured.reference,
        "samples": measured.samples,
        "max_abs_diff": measured.max_abs_diff,
        "tolerance": measured.tolerance,
        "proven": proven,
    }


def _state(fact: str, value: str, origin: Origin) -> Fact:
    return {"fact": fact, "value": value, "origin": origin}


def _count(info: ModelInfo) -> str:
    return ", ".join(f"{kind} × {count}" if count > 1 else kind for kind, count in list(info.layers.items())[:8])


def _find_activation_origin(info: ModelInfo, draft: ManifestDraft, options: PublishOptions) -> Origin:
    if options.activation is not None:
        return "declared"
    return "read" if info.output_activation in _TOLD or draft.task == "features" else "assumed"
