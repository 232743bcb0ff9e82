"""Confinement: a process that reads strangers' files keeps what it needs for that, and gives all else away for good.

As far as the system allows: no network, no file but those that are named, no other program, no privileges. What it
does not allow is said in words, never passed over. Imports nothing heavy: a process confines itself before it loads
anything else.
"""
