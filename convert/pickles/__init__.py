"""Pickles read as data: one interpreter for checkpoints, label files and every other reader; nothing of a file runs."""
