"""WS /stream."""

from fastapi import APIRouter, WebSocket

from service.live.live import Live

router = APIRouter()


@router.websocket("/stream")
async def stream(socket: WebSocket) -> None:
    """Live frames: docs/stream.md has the messages."""
    live: Live = socket.app.state.live
    await live.serve(socket)
