"""The runtime: the loop that drains the inbox, decides, commits, and only then acts."""
