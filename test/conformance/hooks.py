"""What the checks of schemathesis do not look at: why a request that fits the schema was refused."""

import schemathesis
from schemathesis import GenerationMode

# The refusals that no schema can foretell, by status.
REASONS = {
    400: {"InvalidCursor"},
    422: {"UnknownSku", "DuplicateSku", "CurrencyMismatch", "IdempotencyKeyReused", "AmountOutOfRange"},
}


@schemathesis.check
def refused_for_a_known_reason(ctx, response, case):
    """A request that fits the schema is refused for a reason that stands in REASONS."""
    positive = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    if not positive or response.status_code not in REASONS:
        return
    code = response.json().get("code")
    assert code in REASONS[response.status_code], f"a request that fits the schema was refused as {code}"
