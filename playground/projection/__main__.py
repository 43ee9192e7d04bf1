"""`python -m playground.projection`: the process that lays out frames."""

from playground.projection.process import serve

serve()
