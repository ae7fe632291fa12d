"""Work that can be killed at any moment, with everything it started: a pool of child processes.

    service ──socket──► zygote (imports once, forks) ──fork──► child ──► whatever the child starts
       └────────────── one socket and one log pipe per child ─────┘

Parent side: ``pool`` (the public part), ``launcher``, ``child_process``, ``channel``, ``log_pipe``.
Child side: ``zygote``, ``calls``.  Both: ``report``, ``protocol``, ``processes``.
"""
