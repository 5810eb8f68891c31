package dynamo

import (
	"unicode/utf8"

	"orderflow/internal/catalog"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/money"
)

type product struct {
	ddb.Stamp
	ddb.Money
	SKU      string `dynamodbav:"sk"`
	Name     string `dynamodbav:"name"`
	Text     string `dynamodbav:"text,omitempty"`
	ImageURL string `dynamodbav:"imageUrl,omitempty"`
	Category string `dynamodbav:"category,omitempty"`
	Unlisted bool   `dynamodbav:"unlisted,omitempty"`
	Words    string `dynamodbav:"words,omitempty"`
}

type entry struct {
	SK    string `dynamodbav:"sk"`
	Words string `dynamodbav:"words"`
}

const products = "products"

var productItems = ddb.Versioned[catalog.Product, product]{
	Key: func(sku string) (pk, sk string) { return products, sku }, Missing: catalog.ErrNoProduct,
	Encode: fromDomain, Decode: product.domain,
}

func fromDomain(p catalog.Product) product {
	return product{
		Stamp: ddb.Stamp{Version: p.Version, UpdatedAt: p.UpdatedAt}, Money: ddb.Money(p.Price),
		SKU: p.SKU, Name: p.Name, Text: p.Text, ImageURL: p.ImageURL, Category: p.Category,
		Unlisted: p.Unlisted, Words: p.Words,
	}
}

func (item product) domain(sku string) catalog.Product {
	return catalog.Product{
		SKU: sku, Name: item.Name, Price: money.Money(item.Money), Text: item.Text, ImageURL: item.ImageURL,
		Category: item.Category, Unlisted: item.Unlisted, Words: item.Words,
		Version: item.Version, UpdatedAt: item.UpdatedAt,
	}
}

// entryKey returns the key of an entry. Words have no #.
func entryKey(word, sku string) (pk, sk string) {
	_, size := utf8.DecodeRuneInString(word)
	return "words#" + word[:size], word + "#" + sku
}
