"""Stand-ins for the systems that the RevOps example talks to, on this machine."""
