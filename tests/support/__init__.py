"""What tests of several folders need: a disk, a page, a server, a pool of runs, a small training, and a way to wait for them."""
