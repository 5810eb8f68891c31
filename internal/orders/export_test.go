package orders

// PostalCodeNeeded is for tests.
const PostalCodeNeeded = postalCodeNeeded
