"""One WebSocket session: a camera's frames in, what is signed in them out, as it happens."""
