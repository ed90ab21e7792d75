"""Parts of tools/bench. Standard library only.

processes  children, deadlines          bank       what is measured, started when first wanted
                                        figures  medians, ratios, spread
ask        one question to a daemon     table    the lines of the table, by name
flare      clusters of ours             compare  lines that are loads, in interleaved rounds
peers      memcached, redis, nutcracker events   lines that are happenings: build, start, stop, failover, map change
load       flare-bench                  tail     gets while something else goes on; idle connections
goals      the lines of "Reach"         report   docs/benchmarks.md
density    many idle tenants            self_test  of what needs no servers
growth     cost along four axes         plot       as SVG
long       minutes of sets              write_back of the kernel, meanwhile
sections   growth and long, on the page command_line
"""
