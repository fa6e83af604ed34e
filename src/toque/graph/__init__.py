"""The graph: one intermediate representation that every front-end produces and everything else reads."""
