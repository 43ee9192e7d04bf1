"""Runs: what is recorded of them (store), the process that trains one (worker), and who gets which worker when (pool)."""
