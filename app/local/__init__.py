"""The portal on one machine: embedded servers and the processes around them."""
