"""The private folder of media that are being read."""

import subprocess
import sys
from pathlib import Path

from service.media.spool import spool_folder


def test_the_folder_is_private_and_gone_at_the_end(tmp_path: Path) -> None:
    with spool_folder(tmp_path) as folder:
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "medium").write_bytes(b"x")
    assert not folder.exists()


def test_what_a_killed_process_left_behind_is_removed_and_what_is_in_use_stays(tmp_path: Path) -> None:
    killed = (
        "import os, signal, sys; from pathlib import Path; from service.media.spool import spool_folder\n"
        "with spool_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'medium').write_bytes(b'x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", killed, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    (tmp_path / "sign-somebody-elses").mkdir()
    with spool_folder(tmp_path) as first, spool_folder(tmp_path) as second:
        assert not left.exists()
        assert first.exists()
        assert second.exists()
        assert (tmp_path / "sign-somebody-elses").exists()
