package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const magic = "\x93NUMPY"

// header is what precedes the elements of a .npy file:
//
//	0  6  "\x93NUMPY"
//	6  2  major and minor version
//	8  n  length of the text: 2 bytes in version 1, 4 in versions 2 and 3
//	      the text, a Python dict: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
type header struct {
	elem      elem
	bigEndian bool
	fortran   bool
	shape     []int
}

// parseHeader returns the header at the start of b and what follows it.
func parseHeader(b []byte) (h header, rest []byte, err error) {
	if len(b) < len(magic)+2 || string(b[:len(magic)]) != magic {
		return h, nil, fmt.Errorf("offset 0: the file does not start with %q: not a .npy file", magic)
	}
	major, minor := b[6], b[7]
	if major < 1 || major > 3 || minor != 0 {
		return h, nil, fmt.Errorf("offset 6: version %d.%d, want 1.0, 2.0 or 3.0", major, minor)
	}
	lengthSize := 4
	if major == 1 {
		lengthSize = 2
	}
	start := 8 + lengthSize
	if len(b) < start {
		return h, nil, fmt.Errorf("offset 8: the file ends inside the header")
	}
	var field [4]byte
	copy(field[:], b[8:start])
	n := binary.LittleEndian.Uint32(field[:])
	if uint64(n) > uint64(len(b)-start) {
		return h, nil, fmt.Errorf("offset 8: a header of %d bytes in a file of %d", n, len(b))
	}
	rest = b[start+int(n):]
	p := literal{text: string(b[start:][:n])}
	if h, err = p.header(); err != nil {
		return h, nil, fmt.Errorf("offset %d: %w", start+p.at, err)
	}
	return h, rest, nil
}

// literal reads the subset of Python's literals that headers use.
type literal struct {
	text string
	at   int
}

func (p *literal) header() (h header, err error) {
	if err := p.expect('{'); err != nil {
		return h, err
	}
	seen := map[string]bool{}
	for !p.accept('}') {
		key, err := p.quoted()
		if err != nil {
			return h, err
		}
		if seen[key] {
			return h, fmt.Errorf("header key %q twice", key)
		}
		seen[key] = true
		if err := p.expect(':'); err != nil {
			return h, err
		}
		switch key {
		case "descr":
			h.elem, h.bigEndian, err = p.descr()
		case "fortran_order":
			h.fortran, err = p.boolean()
		case "shape":
			h.shape, err = p.tuple()
		default:
			err = fmt.Errorf("unknown header key %q", key)
		}
		if err != nil {
			return h, err
		}
		if !p.accept(',') {
			if err := p.expect('}'); err != nil {
				return h, err
			}
			break
		}
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return h, fmt.Errorf("the header has no %q", key)
		}
	}
	if p.space(); p.at != len(p.text) {
		return h, errors.New("text after the header's }")
	}
	return h, nil
}

func (p *literal) descr() (elem, bool, error) {
	if p.space(); strings.HasPrefix(p.text[p.at:], "[") {
		return elem{}, false, errors.New("a structured dtype is not supported, want one number per element")
	}
	start := p.at
	s, err := p.quoted()
	if err != nil {
		return elem{}, false, err
	}
	e, bigEndian, err := parseDescr(s)
	if err != nil {
		p.at = start
	}
	return e, bigEndian, err
}

func (p *literal) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *literal) accept(c byte) bool {
	if p.space(); p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *literal) expect(c byte) error {
	if p.accept(c) {
		return nil
	}
	return fmt.Errorf("want %q in the header, have %s", c, p.ahead())
}

// ahead quotes what comes next, for errors.
func (p *literal) ahead() string {
	rest := p.text[p.at:]
	if rest == "" {
		return "its end"
	}
	return strconv.QuoteToASCII(rest[:min(len(rest), 16)])
}

func (p *literal) quoted() (string, error) {
	p.space()
	rest := p.text[p.at:]
	if rest == "" || rest[0] != '\'' && rest[0] != '"' {
		return "", fmt.Errorf("want a quoted word in the header, have %s", p.ahead())
	}
	n := strings.IndexByte(rest[1:], rest[0])
	if n < 0 || n > 64 || strings.IndexByte(rest[1:n+1], '\\') >= 0 {
		return "", fmt.Errorf("a quoted word of the header has no end: %s", p.ahead())
	}
	p.at += n + 2
	return rest[1 : n+1], nil
}

func (p *literal) boolean() (bool, error) {
	p.space()
	for _, v := range []struct {
		word  string
		value bool
	}{{"False", false}, {"True", true}} {
		if strings.HasPrefix(p.text[p.at:], v.word) {
			p.at += len(v.word)
			return v.value, nil
		}
	}
	return false, fmt.Errorf("want True or False in the header, have %s", p.ahead())
}

// tuple reads a shape: (), (3,) or (3, 4).
func (p *literal) tuple() ([]int, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	shape := []int{}
	for !p.accept(')') {
		p.space()
		digits := 0
		for p.at+digits < len(p.text) && '0' <= p.text[p.at+digits] && p.text[p.at+digits] <= '9' {
			digits++
		}
		n, err := strconv.Atoi(p.text[p.at:][:digits])
		if err != nil {
			return nil, fmt.Errorf("want a dimension in the header, have %s", p.ahead())
		}
		if len(shape) == MaxDims {
			return nil, fmt.Errorf("more than %d dimensions", MaxDims)
		}
		p.at += digits
		shape = append(shape, n)
		if strings.HasPrefix(p.text[p.at:], "L") { // as Python 2 wrote it
			p.at++
		}
		if !p.accept(',') {
			if err := p.expect(')'); err != nil {
				return nil, err
			}
			if len(shape) == 1 {
				return nil, fmt.Errorf("shape is the number %d, want a tuple", n)
			}
			break
		}
	}
	return shape, nil
}

// Tuple writes a shape as Python does: (), (3,), (3, 4).
func Tuple(shape []int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i, n := range shape {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(n))
	}
	if len(shape) == 1 {
		b.WriteByte(',')
	}
	b.WriteByte(')')
	return b.String()
}
