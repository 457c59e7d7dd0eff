"""A year of support under the virtual clock, as a proof: stories of customers, callers, machines and staff,
and troubles of the site, drive the real store, worker and templates; all that was promised is checked.

    python -m tests.year seeds 300              many years, the five policies in turn, in two processes
    python -m tests.year seed 17                one of them; --policy NAME, --messages COUNT
    python -m tests.year story FILE             a story from a file of JSON lines, as a failing seed prints it

Read in this order: story.py (what can happen), generator.py (stories from a seed), world.py (the site, its
clock and its surroundings), player.py (what people do, as mail and commands), counter.py (the policies' texts
anew, minutes counted one by one), ledger.py and clerk.py (what ought to have come of it), invariants.py and
promised_words.py (what must be true), shrink.py and run.py. test_judge.py breaks the program in fifty ways,
each of which must be noticed; tales.py has the short stories for that.
"""
