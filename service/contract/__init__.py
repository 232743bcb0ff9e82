"""What HTTP, WebSocket and the command line share: options, answers' bodies, live messages, the three use cases."""
