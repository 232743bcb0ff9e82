"""`convert tune`: the fastest way to run a published model on this machine becomes its next version's."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from convert.calibration import ClipShape, read_folder
from convert.conversion import show_progress
from convert.errors import CallError, MismatchError
from convert.quantize import QuantizedModel, foresee, quantize
from convert.report import Report
from convert.store_lookup import look_up_model
from convert.tune import (
    Graph,
    Way,
    answers_of,
    choose,
    feeds_of,
    find_providers,
    list_ways,
    load,
    machine,
    measure,
    sample_file,
    table,
)
from service.errors import InvalidModelError
from service.pipelines.clip import ClipSection
from service.registry.manifest import MODEL_FILE, SAMPLE_FILE, Manifest
from service.registry.parity_sample import Sample, drawn_values, read_sample
from service.registry.store import Store, StoredModel

MOST_SAMPLE_BYTES = 32 << 20
"""A sample that takes more is not kept; the service draws its own then."""


@dataclass(frozen=True, slots=True)
class TuneOptions:
    """What is tried. None: all providers that are here, threads up to the cores, no INT8. for_latency: a row alone
    is to be fast, not all cores together; dry_run: nothing is published."""

    providers: tuple[str, ...] | None = None
    threads: tuple[int, ...] | None = None
    int8: Path | None = None
    for_latency: bool = False
    dry_run: bool = False


def tune_model(wanted: str, store: Path, options: TuneOptions) -> Report:
    """Measure every way to run a version, print all, and publish its next version with the fastest."""
    stored = look_up_model(wanted, store)
    manifest = stored.manifest
    providers = find_providers(options.providers)
    sample = _sample_of(stored)
    feeds = feeds_of(manifest, sample)
    content = stored.graph.read_bytes()
    graphs = [
        Graph(content, "float" if manifest.quantization is None else "int8", answers_of(content, manifest, feeds))
    ]
    small = None
    if options.int8 is not None:
        with show_progress("Quantizing"):
            small = _quantized(stored, content, options.int8)
        graphs.append(Graph(small.model, "int8", answers_of(small.model, manifest, feeds)))
    ways = list_ways(graphs, providers, options.threads)
    with show_progress(f"Measuring {len(ways)} ways"):
        measure(ways, manifest, sample)
    chosen = choose(ways, for_latency=options.for_latency)
    before = ways[0]
    lines = [f"{manifest.name} version {manifest.version} on {machine()}", *table(ways, chosen)]
    if small is not None:
        lines += [f"INT8: {small.agreement:.1%} of {small.samples} clips keep their first answer", *small.notes()]
    gain = chosen.throughput / before.throughput if before.throughput else float("nan")
    lines.append(f"{chosen.name}: {gain:.2f} × the rows a second of {before.name}")
    document: dict[str, Any] = {
        "machine": machine(),
        "ways": [_document(way) for way in ways],
        "chosen": _document(chosen),
        "published": None,
        "busy": load() or None,
    }
    if busy := load():
        lines.append(busy)
    if not options.dry_run:
        published = _publish(stored, store, chosen, sample, small, is_alone=len(providers) == 1)
        folder = store / published.name / str(published.version)
        lines.append(f"Published {published.name} version {published.version} in {folder}")
        document["published"] = {"name": published.name, "version": published.version, "folder": str(folder)}
    return Report(lines, document)


def _sample_of(stored: StoredModel) -> Sample:
    manifest = stored.manifest
    if SAMPLE_FILE in manifest.files:
        return read_sample(stored)
    track = next(entry for entry in manifest.inputs if entry.source == "track")
    fixed = track.shape[0] if isinstance(track.shape[0], int) else None
    values = drawn_values(manifest, track.shape[1:], fixed)
    return Sample(values, None, np.zeros((len(values), 0), np.float32), "cpu")


def _quantized(stored: StoredModel, content: bytes, folder: Path) -> QuantizedModel:
    manifest = stored.manifest
    section = manifest.pipeline.observing
    if not isinstance(section, ClipSection) or section.mean is not None or section.scale != 1.0:
        raise CallError(
            "--int8 is for models of clips whose graph takes pixel values.",
            "Convert the checkpoint again with --int8 --calibrate FOLDER.",
        )
    if manifest.quantization is not None:
        raise CallError(f"{manifest.name} version {manifest.version} is INT8 already.")
    window_s = 0.0 if manifest.time is None else manifest.time.window_s
    found = read_folder(folder, ClipShape(section.frames, section.side, section.crop, window_s))
    clips = [clip.round().astype(np.uint8) if section.dtype == "uint8" else clip for clip in found.clips]
    if (warning := foresee(content)) is not None:
        sys.stderr.write(f"INT8: {warning}\n")
    return quantize(content, clips)


def _publish(
    stored: StoredModel, store: Path, way: Way, sample: Sample, small: QuantizedModel | None, *, is_alone: bool
) -> Manifest:
    """is_alone: no other provider was there to compare with, so that the manifest names none."""
    before = stored.manifest
    runtime = {
        "providers": [] if is_alone else list(dict.fromkeys((way.place.provider.name, "cpu"))),
        "threads": way.place.threads,
        "optimization": way.place.optimization,
        "machine": machine(),
        "row_ms": round(way.alone_ms, 3),
    }
    draft = before.model_dump(by_alias=True) | {"runtime": runtime, "created": datetime.now(UTC).replace(microsecond=0)}
    files: dict[str, bytes | Path] = {name: stored.folder / name for name in before.files}
    if small is not None and way.graph.content is small.model:
        files[MODEL_FILE] = small.model
        draft["quantization"] = {
            "method": small.method,
            "agreement": small.agreement,
            "samples": small.samples,
            "speedup": small.speedup,
        }
    files.pop(SAMPLE_FILE, None)
    if sample.values.nbytes <= MOST_SAMPLE_BYTES:
        files[SAMPLE_FILE] = sample_file(sample.values, sample.mask, way.graph.answers)
    try:
        return Store(store).publish(draft, files)
    except InvalidModelError as error:
        raise MismatchError(f"{error}.", "Nothing was published.") from None


def _document(way: Way) -> dict[str, Any]:
    return {
        "provider": way.place.provider.name,
        "threads": way.place.threads,
        "optimization": way.place.optimization,
        "form": way.graph.form,
        "difference": way.difference,
        "row_ms": way.alone_ms if way.row_ms else None,
        "rows_per_s": way.throughput,
        "reason": way.reason,
    }
