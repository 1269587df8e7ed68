"""One module a command of `make`."""
