"""Scores over time → segments, tension and highlights. Pure functions and objects that are fed window by window."""
