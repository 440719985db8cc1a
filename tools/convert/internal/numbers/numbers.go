// Package numbers decodes arrays of numbers in JSON.
package numbers

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// errNull: exporters write null for a NaN, and encoding/json would read it as 0.
var errNull = errors.New("null is no number")

// maxDims is the largest number of dimensions, that of a two-dimensional convolution.
const maxDims = 4

// Array decodes raw, a number or an array of up to 4 dimensions, row-major. Rows of different
// lengths, a null and a number that float32 does not hold are errors.
//
// The text is gone over twice, once to see that it is JSON, and only the numbers are kept:
// a million empty rows cost no more than they have bytes.
func Array(raw json.RawMessage) (values []float32, shape []int, err error) {
	if !json.Valid(raw) {
		return nil, nil, json.Unmarshal(raw, new(any)) // which says where
	}
	s := scanner{text: raw, values: []float32{}, shape: []int{}, rank: -1}
	if err := s.value(0); err != nil {
		return nil, nil, err
	}
	return s.values, s.shape, nil
}

// A scanner goes over valid JSON.
type scanner struct {
	text   []byte
	at     int
	values []float32
	shape  []int // the length of the first array at each depth, −1 before its end
	rank   int   // the depth of the first number, −1 before it
}

// next returns the byte that comes after blanks, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// value reads a number or an array that lies in so many others.
func (s *scanner) value(depth int) error {
	if s.next() != '[' {
		return s.number(depth)
	}
	switch {
	case depth == maxDims:
		return fmt.Errorf("more than %d dimensions", maxDims)
	case depth == s.rank:
		return errors.New("an array stands beside a number")
	case depth == len(s.shape):
		s.shape = append(s.shape, -1)
	}
	s.at++ // over the bracket, then over each comma
	n := 0
	for s.next() != ']' {
		if err := s.value(depth + 1); err != nil {
			return err
		}
		if n++; s.next() == ',' {
			s.at++
		}
	}
	s.at++
	if first := s.shape[depth]; first >= 0 && first != n {
		return fmt.Errorf("rows of %d and of %d", first, n)
	}
	s.shape[depth] = n
	return nil
}

// number reads what is no array.
func (s *scanner) number(depth int) error {
	if s.rank < 0 && depth == len(s.shape) {
		s.rank = depth
	}
	if depth != s.rank {
		return errors.New("a number stands beside an array")
	}
	from := s.at
	for s.at < len(s.text) && s.text[s.at] != ',' && s.text[s.at] != ']' && s.text[s.at] > ' ' {
		s.at++
	}
	word := string(s.text[from:s.at])
	if word == "null" {
		return errNull
	}
	v, err := strconv.ParseFloat(word, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("%.40s is beyond float32", word)
	case err != nil:
		return fmt.Errorf("%.40q is no number", word)
	}
	s.values = append(s.values, float32(v))
	return nil
}
