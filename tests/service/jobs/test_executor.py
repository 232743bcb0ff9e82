"""A job goes on from its last checkpoint, or begins anew where it cannot: it is never lost, and never a mix."""

import asyncio
import contextlib
import errno
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from service.analysis.clip import ClipRequest
from service.analysis.timeline import TIMELINE, TimelineAnswer, TimelineRequest, timeline
from service.commands.environment import command_settings
from service.context import AppContext, open_services
from service.jobs.executor import JobExecutor
from service.jobs.files import JobFiles
from service.jobs.spec import ChunkNote, Job, JobSpec
from service.jobs.storage import StorageCalls, StorageError
from service.jobs.stored import answer_of, request_json, request_of
from service.jobs.table import JobTable, database_url
from service.jobs.work import Tell
from service.media.medium import Medium
from service.media.upright import Pixels
from service.settings import Settings
from service.spotting.segment import Segment
from service.workers.deadline import Deadline
from tests.media_made import film
from tests.pixel_models import publish_means

EIGHT = {"w": 8, "h": 8, "method": "area", "library": "opencv"}
IMAGE = {"kind": "image", "resize": EIGHT, "scale": 1 / 25.5}
JOB = "00000000-0000-0000-0000-000000000001"
GONE = b"cservice.jobs.timeline\nTimelineState\n."
"""A pickle, as the release before wrote them: of a class that is not there any more."""


class Work:
    """A job's table and files, and the services that do it."""

    def __init__(self, context: AppContext, folder: Path) -> None:
        self.context = context
        self.table = JobTable(database_url(None, folder))
        self.table.open()
        self.files = JobFiles(folder)

    async def request(self, video: Path) -> TimelineRequest:
        model = await self.context.registry.get("colors")
        return TimelineRequest(clip=ClipRequest(Medium(str(video), video.stat().st_size), Deadline.after(60), model))

    async def submit(self, video: Path) -> None:
        """A job of this video, with each window's own answer."""
        upload = video.with_suffix(".upload")
        shutil.copy(video, upload)
        self.files.keep_medium(JOB, upload)
        spec = JobSpec("timeline", "", "colors", 1, request_json(await self.request(video)), b"{}", keeps_windows=True)
        self.table.add(JOB, spec, 1000)

    async def finish(self, executor: JobExecutor) -> TimelineAnswer:
        """The job's answer, once it has been taken to its end."""
        await executor.begin(JOB)
        while not await executor.do_next(JOB):
            pass
        job = self.table.read(JOB)
        assert job is not None
        assert (job.state, job.error) == ("succeeded", None)
        answer = answer_of(self.files.answer(JOB, job.attempts), TIMELINE)
        assert isinstance(answer, TimelineAnswer)
        return answer

    def executor(self) -> JobExecutor:
        return JobExecutor(self.context, self.table, self.files, StorageCalls())


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seconds, each of another color than the one before."""
    shades = ((220, 30, 30), (30, 30, 220), (30, 220, 30))

    def paint(index: int) -> Pixels:
        return np.full((48, 64, 3), shades[index // 15 % 3], np.uint8)

    return film(tmp_path_factory.mktemp("media") / "colors.mp4", paint, frames=75, rate=15)


def with_work(folder: Path, story: Callable[[Work], Awaitable[None]]) -> None:
    publish_means(folder / "store", "colors", IMAGE, (8, 8, 3))
    (folder / "jobs").mkdir()

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        settings = Settings(model_store=folder / "store", default_model="colors", jobs_chunk_s=1.0)
        async with open_services(command_settings(settings, 1), only=("colors", None)) as context:
            work = Work(context, folder / "jobs")
            try:
                yield work
            finally:
                work.table.close()

    async def told() -> None:
        async with opened() as work:
            await story(work)

    asyncio.run(told())


async def replace_version(work: Work, folder: Path) -> None:
    """Lay another model with the same labels in the place of version 1, and load it."""
    publish_means(folder / "other", "colors", {**IMAGE, "color": "bgr"}, (8, 8, 3))
    shutil.rmtree(folder / "store" / "colors" / "1")
    shutil.copytree(folder / "other" / "colors" / "1", folder / "store" / "colors" / "1")
    await work.context.registry.reload()


@pytest.mark.parametrize("is_marked", [False, True], ids=["of the release before", "of a class that is gone"])
def test_a_checkpoint_that_cannot_be_read_lets_the_job_begin_anew(is_marked: bool, tmp_path: Path, video: Path) -> None:
    async def story(work: Work) -> None:
        expected = await timeline(await work.request(video), work.context)
        await work.submit(video)
        executor = work.executor()
        await executor.begin(JOB)
        checkpoint = GONE
        if is_marked:
            await executor.do_next(JOB)
            written = work.table.checkpoint(JOB)
            assert written is not None
            checkpoint = written[: written.index(b"\n") + 1] + GONE
            work.table.restart(JOB)
        stale = Segment(0.0, 9.0, 0, "stale", 1.0, ())
        work.files.write_windows(JOB, 900, 1, [b"stale"])
        assert work.table.commit(JOB, ChunkNote(0, 0.5, (stale,)), checkpoint, 1.0)

        answer = await work.finish(work.executor())
        assert answer.segments == expected.segments
        lines = list(work.files.windows(JOB, work.table.attempts_of_chunks(JOB)))
        assert len(lines) == len(expected.windows)
        assert b"stale" not in lines
        numbers = [note.number for note in work.table.notes(JOB)]
        assert numbers == list(range(len(numbers)))

    with_work(tmp_path, story)


def test_a_job_goes_on_where_another_executor_left_it(tmp_path: Path, video: Path) -> None:
    async def story(work: Work) -> None:
        expected = await timeline(await work.request(video), work.context)
        await work.submit(video)
        first = work.executor()
        await first.begin(JOB)
        assert not await first.do_next(JOB)
        answer = await work.finish(work.executor())
        assert (answer.segments, answer.evidence) == (expected.segments, expected.evidence)
        job = work.table.read(JOB)
        assert job is not None
        assert job.chunks == len(work.table.notes(JOB)) > 3

    with_work(tmp_path, story)


def test_a_job_ends_with_the_model_that_it_began_with(tmp_path: Path, video: Path) -> None:
    async def story(work: Work) -> None:
        expected = await timeline(await work.request(video), work.context)
        await work.submit(video)
        executor = work.executor()
        await executor.begin(JOB)
        assert not await executor.do_next(JOB)
        await replace_version(work, tmp_path)
        assert (await work.finish(executor)).segments == expected.segments

    with_work(tmp_path, story)


def test_a_job_whose_model_was_replaced_while_nobody_worked_on_it_begins_anew(tmp_path: Path, video: Path) -> None:
    async def story(work: Work) -> None:
        await work.submit(video)
        first = work.executor()
        await first.begin(JOB)
        assert not await first.do_next(JOB)
        del first
        await replace_version(work, tmp_path)
        expected = await timeline(await work.request(video), work.context)
        answer = await work.finish(work.executor())
        assert answer.segments == expected.segments
        assert answer.manifest == expected.manifest

    with_work(tmp_path, story)


def test_a_full_disk_stops_a_job_and_does_not_fail_it(
    tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(work: Work) -> None:
        await work.submit(video)
        executor = work.executor()
        await executor.begin(JOB)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(work.files, "write_windows", full)
            with pytest.raises(StorageError, match="no space left"):
                await executor.do_next(JOB)
        job = work.table.read(JOB)
        assert job is not None
        assert (job.state, job.chunks) == ("running", 0)
        await work.finish(executor)

    with_work(tmp_path, story)


def test_a_job_whose_medium_is_gone_fails_and_says_so(tmp_path: Path, video: Path) -> None:
    async def story(work: Work) -> None:
        await work.submit(video)
        executor = work.executor()
        await executor.begin(JOB)
        work.files.drop_medium(JOB)
        assert await executor.do_next(JOB)
        job = work.table.read(JOB)
        assert job is not None
        assert job.error is not None
        assert (job.state, job.error.code) == ("failed", "internal")
        assert "submit it again" in job.error.detail

    with_work(tmp_path, story)


def test_a_request_that_the_release_before_wrote_is_read() -> None:
    text = b"""{"part": {"model": "colors", "version": 1, "start_s": 1.5, "duration_s": null, "mirrored": true},
        "window_s": null, "stride_s": 0.5, "min_duration_s": null, "merge_gap_s": null, "threshold": 0.25,
        "smoothing": "viterbi", "window_named": "clip_duration"}"""
    model = object()
    request = request_of(text, TimelineRequest, Medium("here", 7), model)  # type: ignore[arg-type]
    assert (request.clip.medium, request.clip.start_s, request.clip.duration_s) == (Medium("here", 7), 1.5, None)
    assert request.clip.model is model
    assert (request.clip.mirrored, request.stride_s, request.threshold) == (True, 0.5, 0.25)


def test_work_without_a_medium_begins_anew_after_an_interruption_and_tells_its_progress(tmp_path: Path) -> None:
    began: list[str] = []

    async def half(job: Job, tell: Tell) -> bytes:
        began.append(job.spec.model)
        await tell(0.25)
        await tell(0.5)
        await asyncio.Event().wait()
        return b"never"

    async def whole(_job: Job, tell: Tell) -> bytes:
        await tell(0.75)
        return b'{"done": true}'

    async def story(work: Work) -> None:
        work.files.make_room(JOB)
        work.table.add(JOB, JobSpec("learn", "", "mine", 0, b"{}", b"{}"), 1000)
        first = JobExecutor(work.context, work.table, work.files, StorageCalls(), {"learn": half})
        await first.begin(JOB)
        doing = asyncio.create_task(first.do_next(JOB))
        while not (job := work.table.read(JOB)) or job.progress < 0.5:
            await first.change(1.0)
        first.close()
        with pytest.raises(asyncio.CancelledError):
            await doing
        assert [note.progress for note in work.table.notes(JOB)] == [0.25, 0.5]

        second = JobExecutor(work.context, work.table, work.files, StorageCalls(), {"learn": whole})
        assert not await second.begin(JOB)
        assert await second.do_next(JOB)
        ended = work.table.read(JOB)
        assert ended is not None
        assert (ended.state, ended.progress, ended.attempts) == ("succeeded", 1.0, 2)
        assert [(note.number, note.progress) for note in work.table.notes(JOB)] == [(0, 0.75)]
        assert work.files.answer(JOB, 2) == b'{"done": true}'
        assert began == ["mine"]

    with_work(tmp_path, story)
