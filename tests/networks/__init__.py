"""What is answered of small whole networks, however it is asked; `TABLES` gives a line for each question.

It stands in ``tests/told/networks/``; ``python -m tests.telling`` writes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.networks.answers import answers
from tests.networks.asked import asked
from tests.networks.bounded import bounded
from tests.networks.budgets import budgets
from tests.networks.composed import composed
from tests.networks.converted import converted
from tests.networks.converted_ends import converted_ends
from tests.networks.demonstrated import demonstrated
from tests.networks.facts import facts
from tests.networks.files import files
from tests.networks.fitted import fitted
from tests.networks.functions import functions
from tests.networks.memory import memory
from tests.networks.moments import moments
from tests.networks.pictures import pictures
from tests.networks.pieces import pieces
from tests.networks.placed import placed
from tests.networks.pools import pools
from tests.networks.printed import printed
from tests.networks.refused import refused
from tests.networks.slopes import slopes
from tests.networks.verified import verified
from tests.networks.walks import walks
from tests.networks.written import written_networks

__all__ = ["TABLES"]

TABLES: Mapping[str, Callable[[], Iterator[tuple[str, str]]]] = {
    "answers": answers,
    "asked": asked,
    "bounded": bounded,
    "budgets": budgets,
    "composed": composed,
    "converted": converted,
    "converted_ends": converted_ends,
    "demonstrated": demonstrated,
    "facts": facts,
    "files": files,
    "fitted": fitted,
    "functions": functions,
    "memory": memory,
    "moments": moments,
    "pictures": pictures,
    "pieces": pieces,
    "placed": placed,
    "pools": pools,
    "printed": printed,
    "refused": refused,
    "slopes": slopes,
    "verified": verified,
    "walks": walks,
    "written": written_networks,
}
