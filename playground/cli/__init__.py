"""The command line. main: every command; data: those about images of one's own."""
