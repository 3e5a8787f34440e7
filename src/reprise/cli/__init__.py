"""Floor 9: argv, environment and printing. Nobody imports it."""
