"""The machine: devices and cores for computing, how processes start, and how much memory they use."""
