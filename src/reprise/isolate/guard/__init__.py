"""The supervisor of one sandbox: a small program that confines, watches and ends its child.

It runs under `python -I -S` in a process of its own, so that it may fork without threads around
it and outlives a crash of neither side: when the caller goes, everything in the sandbox goes.
Standard library only; modules import each other relatively, because the program loads this folder
under a private name.
"""
