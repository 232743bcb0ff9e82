"""Answers → files that people open: vtt, srt, eaf, csv, aihub, edl, png. Pure functions, one file a format."""
