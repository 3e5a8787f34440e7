"""Floor 2: other people's code in a process of its own.

`environments` builds what it needs from a lock, `sandbox` limits what it may touch, `client`
talks to it. The folders `guard` and `inside` run as programs of their own and therefore import
nothing but the standard library and themselves.
"""
