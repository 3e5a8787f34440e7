"""Floor 8, worker: takes inference jobs from a hub, runs them, and answers.

The worker is a client: it asks the hub for jobs over HTTP with an access token and opens no port.
Each model runs in a process of its own (`inside/`), which alone imports the model tower, so that
a crash or a request for too much memory ends that process and nothing else. What stays here is
the wire (`wire.py`), the processes and their memory (`pool.py`, `child.py`) and the way of one
job from one to the other (`relay.py`, `service.py`).
"""
