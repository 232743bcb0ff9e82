"""A service that says what is signed in a video, and when."""

__version__ = "0.1.0"
