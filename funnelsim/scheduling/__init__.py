"""Reports that make themselves: jobs, the slots when they are due, the ledger, the runner.

A *job* (`jobs`) says which report, from what, when and for whom. Its *schedule* gives *slots*
(`slots`): local wall times, each accounted for exactly once in the *ledger*. The *runner* makes
what is due in a child process, the *gate* judges the draft, *delivery* takes it to people.
"""
