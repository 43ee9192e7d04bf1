"""`python -m playground.projection`: the process that computes layouts."""

from playground.projection.process import main

if __name__ == "__main__":
    main()
