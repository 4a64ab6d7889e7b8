"""The portal's test and sentence for a full disk. The test is shared with the workers."""

from workers.contract.diskspace import SENTENCE, no_space, says_no_space

__all__ = ["SENTENCE", "no_space", "says_no_space"]
