"""Comparing: a person's own feature vectors of a clip beside those that a published model is given."""
