"""The messages' JSON Schemas as docs/stream.md shows them.

`python -m service.live.schema docs/stream.md` writes them there.
"""

import json
import sys
from pathlib import Path

from service.contract.messages import CLIENT_MESSAGES, SERVER_MESSAGES, ClientMessage, ServerMessage

BEGIN, END = "<!-- schemas -->", "<!-- end of schemas -->"


def with_schemas(page: str) -> str:
    """The page with the present schemas between its two marks. ValueError where it lacks them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    parts = ["### From the client", *map(_part, CLIENT_MESSAGES), "### From the service", *map(_part, SERVER_MESSAGES)]
    return "\n".join([f"{before}{BEGIN}\n", "\n\n".join(parts), f"\n{END}{after}"])


def _part(message: type[ClientMessage] | type[ServerMessage]) -> str:
    schema = message.model_json_schema()
    kind = schema["properties"]["type"]["const"]
    return f"#### `{kind}`\n\n```json\n{json.dumps(schema, indent=1, ensure_ascii=False)}\n```"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(with_schemas(page.read_text()))
