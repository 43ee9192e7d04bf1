"""The command line. main: all commands; data: the commands for your own images."""
