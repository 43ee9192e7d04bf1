"""The machine: on which device and cores a program computes, how its processes start, and what memory they take."""
