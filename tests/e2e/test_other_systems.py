"""A system that gives less than Linux: what Linux offers is hidden from the service and all its processes."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.confinement.confine import NO_CALLS, NO_FILES
from tests.running import SAMPLES, RunningService, running_service, wait_until

LETTER = SAMPLES / "letter_a_right_light.mp4"

HIDE = """
import mmap, os, signal, sys, sysconfig
sysconfig.get_config_vars()  # of this Python, before it takes the machine for another
sys.modules["resource"] = sys.modules["fcntl"] = None
for owner, names in {
    os: ("memfd_create", "pidfd_open", "sched_getaffinity", "O_NOFOLLOW"),
    signal: ("pidfd_send_signal",),
    mmap: ("MADV_REMOVE",),
}.items():
    for name in names:
        delattr(owner, name)
def sysconf(name, known=os.sysconf):
    if name == "SC_PHYS_PAGES":
        raise ValueError(name)
    return known(name)
os.sysconf = sysconf
if hasattr(os, "process_cpu_count"):  # since Python 3.13: without an affinity it counts them all
    os.process_cpu_count = os.cpu_count
sys.platform = "freebsd14"  # one for which the standard library takes no modules of its own
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "sitecustomize.py").write_text(HIDE)
    with running_service(folder, PYTHONPATH=str(folder), SIGN_SLOTS="1", SIGN_MEDIA_DIR=str(folder)) as running:
        yield running


def test_the_service_says_at_its_start_what_it_lacks(service: RunningService) -> None:
    (said,) = [line for line in service.log.read_text().splitlines() if "less_confined" in line]
    lacks = json.loads(said)["lacks"]
    assert [sentence.split()[0] for sentence in lacks] == ["Memory,", "Pictures", "A", "Folders", "The", "The"]
    assert list(lacks[-2:]) == [NO_FILES, NO_CALLS]


def test_it_answers_as_on_linux(service: RunningService) -> None:
    body = service.predict(LETTER).json()
    assert (body["predicted_class_name"], body["declined"]) == ("A", False)


def test_a_process_that_dies_is_replaced(service: RunningService) -> None:
    (first,) = service.workers()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: bool(set(service.workers()) - {first}), 60, "no process took its place")
    assert service.predict(LETTER).json()["predicted_class_name"] == "A"


def test_its_processes_end_with_it(service: RunningService) -> None:
    workers = service.workers()
    assert workers
    service.process.kill()
    service.process.wait()
    wait_until(lambda: not any(_runs(worker) for worker in workers), 20, f"{workers} outlived the service")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
