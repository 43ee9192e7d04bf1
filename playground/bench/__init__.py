"""How fast it is, as ratios within one run: beside other libraries, beside busy programs, and on a GPU."""
