"""What measured curves can decide: the largest polarisation of a mechanism, and which mechanism they ask for."""
