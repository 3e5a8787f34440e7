"""Where rows come from: one module per kind of file, none of which runs anybody's code."""
