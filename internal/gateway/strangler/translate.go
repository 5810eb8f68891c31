package strangler

// maxSKU is the longest SKU of the services' contract.
const maxSKU = 64
