"""Inside the process of a model: reads jobs from a pipe, runs them, writes answers to a pipe.

One thread reads messages, another computes. Jobs of tasks that came while a batch ran become the
next batch (`batching.py`); texts are written in one running batch that jobs join and leave between
two tokens (`writing.py`).
"""
