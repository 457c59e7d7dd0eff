"""The shell around the pure core: claim a job, load facts, decide, apply, finish."""
