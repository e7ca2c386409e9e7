"""A z/OS stack that does not exist, and the packets of its traffic.

Nothing here is of zerttap's code: packets follow the RFCs, records the tables in tests/spec.
"""
