"""`make fuzz`: media, model files, and all that comes through a running service's doors, each for a share of the time.

Each part is a process of its own and prints what came of its inputs; one that dies is said with its last input kept.
"""

import subprocess
import sys

from tests.fuzz.findings import read_budget

SHARES = {"media": 0.25, "models": 0.25, "doors": 0.5}


def main() -> int:
    """Run the parts one after the other; 1 where something went wrong in one."""
    budget, status = read_budget(), 0
    for part, share in SHARES.items():
        command = [sys.executable, "-m", f"tests.fuzz.{part}", "--seconds", f"{budget.seconds * share:g}"]
        command += ["--seed", str(budget.seed), "--keep", str(budget.keep)]
        code = subprocess.run(command, check=False).returncode
        if code not in (0, 1):
            sys.stdout.write(f"{part} DIED with {code}; its last input is {budget.keep / f'{part}-last'}\n")
        status |= code != 0
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
