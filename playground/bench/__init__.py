"""Speed, as ratios within one run: compared with other libraries, next to busy programs, and on a GPU; and what a visit takes."""
