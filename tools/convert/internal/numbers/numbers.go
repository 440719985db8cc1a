// Package numbers decodes arrays of numbers in JSON.
package numbers

import (
	"bytes"
	"encoding/json"
	"errors"
)

// errNull: exporters write null for a NaN, and encoding/json would read it as 0.
var errNull = errors.New("null is no number")

// Decode decodes raw, which holds nothing but numbers and arrays, into a slice of float32 or
// of such slices. A null anywhere and a number that float32 does not hold are errors.
func Decode(raw json.RawMessage, into any) error {
	if bytes.Contains(raw, []byte("null")) {
		return errNull
	}
	return json.Unmarshal(raw, into)
}
