"""`python -m playground.projection`: the process that lays out frames."""

from playground.projection.process import main

if __name__ == "__main__":
    main()
