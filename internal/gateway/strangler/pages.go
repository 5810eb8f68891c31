package strangler

import (
	"cmp"
	"fmt"
	"strconv"
)

// maxPage is the largest page number: for a client that counts pages, the router must read all
// earlier pages.
const maxPage = 50

// pageNumber returns the number in a page parameter of at most maxOldID digits, or false if it is a
// position on the new side.
func pageNumber(page string) (int, bool, error) {
	switch {
	case page == "":
		return 1, true, nil
	case !digits(page):
		return 0, false, badRequest("page must be digits")
	case len(page) > maxOldID:
		return 0, false, nil
	}
	n, err := strconv.Atoi(page)
	if err != nil || n < 1 {
		return 0, false, badRequest("pages begin with 1")
	}
	return n, true, nil
}

// position is where a page of the merged list of orders begins. It does not depend on page numbers,
// so each page costs the same, and the position of a failed side stays.
type position struct {
	// after is the id of the last order of the new side that was listed, or "".
	after string
	// offset is how many orders of the old side were listed.
	offset int
	// newEnded and oldEnded say that a side has no more orders.
	newEnded, oldEnded bool
}

const (
	// offsetDigits is the length of the offset in a position.
	offsetDigits = 9
	allOld       = 999_999_999
	// zeroULID stands for no order.
	zeroULID = "00000000000000000000000000"
	allNew   = "2000000000000000000000000000000000000000"
)

// String returns the page parameter: the order id in the old interface, then the offset.
func (p position) String() string {
	after, offset := allNew, allOld
	if !p.newEnded {
		after, _ = OrderID(cmp.Or(p.after, zeroULID)) // a position has valid ids only
	}
	if !p.oldEnded {
		offset = p.offset
	}
	return fmt.Sprintf("%s%0*d", after, offsetDigits, offset)
}

// parsePosition reads a page parameter that is not a number of a page.
func parsePosition(page string) (position, error) {
	if len(page) != orderDigits+offsetDigits {
		return position{}, errPage
	}
	var p position
	if after := page[:orderDigits]; after == allNew {
		p.newEnded = true
	} else if _, id, ok := OwnerOf(after); !ok {
		return position{}, errPage
	} else if id != zeroULID {
		p.after = id
	}
	p.offset, _ = strconv.Atoi(page[orderDigits:]) // digits
	if p.oldEnded = p.offset == allOld; p.oldEnded {
		p.offset = 0
	}
	return p, nil
}

var errPage = badRequest("there is no such page; use next_page as it was answered")
