// Package numbers decodes arrays of numbers in JSON.
package numbers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// maxDims is the largest number of dimensions, that of a two-dimensional convolution.
const maxDims = 4

// Array decodes raw, a number or an array of up to 4 dimensions, row-major. Rows of different
// lengths, a null and a number that float32 does not hold are errors.
func Array(raw json.RawMessage) (values []float32, shape []int, err error) {
	dims := 0
	for _, c := range raw {
		if c == '[' {
			dims++
		} else if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			break
		}
	}
	switch dims {
	case 0:
		values = make([]float32, 1)
		return values, []int{}, Decode(raw, &values[0])
	case 1:
		err = Decode(raw, &values)
		return values, []int{len(values)}, err
	}
	if dims > maxDims {
		return nil, nil, fmt.Errorf("%d dimensions, want at most %d", dims, maxDims)
	}
	var rows []json.RawMessage
	if err := json.Unmarshal(raw, &rows); err != nil {
		return nil, nil, err
	}
	for i, row := range rows {
		v, s, err := Array(row)
		switch {
		case err != nil:
			return nil, nil, err
		case i == 0:
			shape = append([]int{len(rows)}, s...)
		case !slices.Equal(s, shape[1:]):
			return nil, nil, fmt.Errorf("rows of %v and of %v", plain(shape[1:]), plain(s))
		}
		values = append(values, v...)
	}
	return values, shape, nil
}

// plain is a shape for a message: a number if it is one.
func plain(shape []int) any {
	if len(shape) == 1 {
		return shape[0]
	}
	return shape
}
