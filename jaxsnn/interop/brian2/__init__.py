"""Networks of Brian2: read as a description, plain data that can be saved, from which a network is made.

Reference: Stimberg, Brette and Goodman, eLife 8:e47314 (2019).
"""
