"""Built-in evaluators: what a model is asked, and how its answers become what metrics take.

An evaluator has two halves. `read` and `score` see the truth and stay with whoever verifies;
`make` sees the model and the inputs only, and runs in a worker.
"""
