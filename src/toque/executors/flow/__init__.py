"""The flow executor: runs bodies of `@flow`, whose task calls are durable steps, without holding a worker.

A body is replayed after any loss: it runs anew, and steps that have ended answer from their record, in the
order in which they ended. What makes that exact: each async body has an event loop of its own that knows no
time and no I/O but the answers it is given, one after the other (`body_loop`); each sync body takes answers
only while it waits (`sync_body`); and names of steps depend on nothing but the code (`scopes`).
"""
