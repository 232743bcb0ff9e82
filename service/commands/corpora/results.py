"""Results: what a corpus has brought so far, in parts that are there whole or not at all, and at the end in one file.

A medium is done when its rows lie in a part; there is no other record of it, so nothing can be lost or counted twice
whenever the program ends. Where two parts have the same medium (two runs at once), the first one counts.
"""

import json
import time
import uuid
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from service.commands.corpora.rows import Row, schema, table_of
from service.commands.environment import misused
from service.commands.outputs import write_whole

if TYPE_CHECKING:
    import pyarrow as pa

RESULT: Final = "results.parquet"
_PARTS: Final = "parts"
_FILES: Final = "files"
_RUN: Final = "run.json"
_FLUSH_S: Final = 10.0
_FLUSH_ROWS: Final = 20_000


class Results:
    """The output folder of one corpus."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def claim(self, asked: dict[str, Any]) -> None:
        """Say what is asked of the corpus; ends the program in words where the folder is another's."""
        place = self.folder / _RUN
        if place.exists():
            if (held := json.loads(place.read_text())) != asked:
                differ = ", ".join(f"{name} {held.get(name)!r}" for name in asked if held.get(name) != asked[name])
                raise misused(f"{self.folder} was begun with {differ}; go on with that, or name another --output.")
            return
        if self.folder.exists() and any(self.folder.iterdir()):
            raise misused(f"{self.folder} holds something else; name a new --output.")
        write_whole(place, json.dumps(asked, indent=2, sort_keys=True).encode())

    def done(self) -> set[str]:
        """The names of the media whose rows are there."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

        found: set[str] = set()
        for path in self._sources():
            found.update(pq.read_table(path, columns=["file"]).column(0).to_pylist())
        return found

    def add(self, rows: Sequence[Row]) -> None:
        """Keep the rows of media that are done, all or none of them."""
        self._write(table_of(rows), self.folder / _PARTS / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.parquet")

    def file_of(self, place: PurePosixPath, ending: str) -> Path:
        """Where a medium's own file lies."""
        return self.folder / _FILES / place.with_name(place.name + ending)

    def merge(self) -> tuple[int, int]:
        """All rows into one file, by medium and time, and the parts away; how many media and rows these are."""
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.compute as pc  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        sources = self._sources()
        seen: set[str] = set()
        tables = [schema().empty_table()]
        for path in sources:
            table = pq.read_table(path)
            files = table.column("file").to_pylist()
            tables.append(table.filter(pa.array([name not in seen for name in files], pa.bool_())))
            seen.update(files)
        whole = pa.concat_tables(tables)
        whole = whole.take(pc.sort_indices(whole, sort_keys=[("file", "ascending"), ("start_s", "ascending")]))
        self._write(whole, self.folder / RESULT)
        for path in sources:
            if path.name != RESULT:
                path.unlink(missing_ok=True)
        return len(seen), whole.num_rows

    def _sources(self) -> list[Path]:
        """What holds rows, the first that counts first."""
        result = self.folder / RESULT
        return [*([result] if result.exists() else []), *sorted((self.folder / _PARTS).glob("*.parquet"))]

    @staticmethod
    def _write(table: "pa.Table", path: Path) -> None:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415

        sink = pa.BufferOutputStream()
        pq.write_table(table, sink)
        write_whole(path, sink.getvalue().to_pybytes())


class Keeper:
    """Gathers rows and writes a part every few seconds, the first at once; what is lost of it is done again."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._rows: list[Row] = []
        self._written_s = float("-inf")

    def keep(self, rows: Sequence[Row]) -> None:
        """The rows of one medium; all of them."""
        self._rows += rows
        if time.monotonic() - self._written_s >= _FLUSH_S or len(self._rows) >= _FLUSH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        if self._rows:
            self._results.add(self._rows)
        self._rows, self._written_s = [], time.monotonic()
