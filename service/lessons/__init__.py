"""Lessons: what callers teach, kept for each key, and made into a model by a job."""
