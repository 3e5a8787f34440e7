"""The worker: runs a repo's code in its own interpreter and answers requests.

These files are handed to interpreters that know nothing of Reprise, Python 3.8 or newer; numpy and
torch are used when they are there. Standard library only; modules import each other relatively,
because the program loads this folder under a private name and leaves sys.path alone.
"""
