"""Put the recognizer where ELAN finds it: `python integrations/elan/install.py FOLDER`, which is ELAN's `extensions`.

ELAN starts what it runs without the user's environment, so the start files name this Python: run it with the one in
which the service is installed, or with any where a server is asked.
"""

import shutil
import stat
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAME = "sign-service"
FILES = ("sign-service.cmdi", "sign-service.html", "recognizer.py")
UNIX = "#!/bin/sh\nexport SIGN_SERVICE_ROOT={root}\nexec {python} ./recognizer.py\n"
WINDOWS = '@echo off\r\nset "SIGN_SERVICE_ROOT={root}"\r\n"{python}" "%~dp0recognizer.py"\r\n'


def install(extensions: Path, python: Path, root: Path) -> Path:
    """Copy the recognizer into a folder of its own there, and write what starts it.

    root: the folder in which the command is run, where its model store lies. Returns the new folder.
    """
    folder = extensions / NAME
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(HERE / name, folder / name)
    run = folder / "run.sh"
    run.write_text(UNIX.format(root=_quoted(root), python=_quoted(python)), encoding="utf-8", newline="")
    run.chmod(run.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    (folder / "run.bat").write_text(WINDOWS.format(root=root, python=python), encoding="utf-8", newline="")
    return folder


def _quoted(path: Path) -> str:
    """For a POSIX shell."""
    return "'" + str(path).replace("'", "'\\''") + "'"


def main(arguments: list[str]) -> int:
    """Install into the folder that is named."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("Name ELAN's folder `extensions`: sign-service.html says where it is.", file=sys.stderr)
        return 2
    folder = install(Path(arguments[0]), Path(sys.executable), HERE.parents[1])
    print(f"{folder} is there. Start ELAN again: tab Recognizers, “sign-service”.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
