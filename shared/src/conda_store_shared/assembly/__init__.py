"""Opens what services stand on, as the configuration says, and runs commands over it.

One module per part, so that a service imports only what it declares: the solver has no database, auth no object store.
"""
