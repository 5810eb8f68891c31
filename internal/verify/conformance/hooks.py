"""A check that schemathesis lacks: why a request that fits the schema was refused."""

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

# Values for our own formats, which api/openapi.yaml describes. The tests of package api try invalid
# ones.
WORDS = st.from_regex(r"\A[A-Za-z0-9]{1,12}\Z", fullmatch=True)  # too short for a card number, and fits all patterns
VISIBLE = st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Nd"], exclude_characters="\ufffd"), max_size=200)
schemathesis.openapi.format("one-line-text", st.tuples(WORDS, VISIBLE).map("".join))
schemathesis.openapi.format("no-card-number", WORDS)
schemathesis.openapi.format("sku", WORDS)


@schemathesis.serializer("application/proto", "application/grpc-web+proto", "application/grpc-web-text+proto")
def opaque(_, value):
    """Messages of RPC are opaque to the schema."""
    return value if isinstance(value, bytes) else str(value).encode()


# Refusals that no schema can express, by status.
REASONS = {
    400: {"InvalidCursor"},
    422: {"UnknownSku", "PostalCodeRequired", "DuplicateSku", "CurrencyMismatch", "IdempotencyKeyReused", "AmountOutOfRange"},
    429: {"TooManyOpenOrders", "TooManyDeclinedPayments"},
}


@schemathesis.check
def refused_for_a_known_reason(ctx, response, case):
    """A request that fits the schema is only refused with a code of REASONS."""
    positive = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    if case.method.upper() == "HEAD":  # without a body there is no code
        return
    if case.operation.path.startswith("/v1/rpc/"):  # its codes are those of the protocol
        return
    if not positive or response.status_code not in REASONS:
        return
    body = response.json()
    if case.operation.path.startswith("/legacy/") and response.status_code == 400:  # the old interface has one code
        assert body.get("error", {}).get("code") == "invalid_request", f"a request that fits the schema got {body}"
        return
    code = body.get("code")
    assert code in REASONS[response.status_code], f"a request that fits the schema was refused as {code}"
