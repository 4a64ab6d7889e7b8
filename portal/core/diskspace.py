"""A full disk, for the portal: the one test and the one sentence. The test itself is the workers' as well."""

from workers.contract.diskspace import SENTENCE, no_space, says_no_space

__all__ = ["SENTENCE", "no_space", "says_no_space"]
