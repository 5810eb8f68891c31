package orders

// PostalCodeNeeded is exported for tests.
const PostalCodeNeeded = postalCodeNeeded
