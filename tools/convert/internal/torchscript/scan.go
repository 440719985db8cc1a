package torchscript

import "errors"

// The kinds of tokens.
const (
	tokenEnd = iota
	tokenName
	tokenNumber
	tokenText
	tokenSign
	tokenLine // the end of a logical line
)

type token struct {
	kind   int
	text   string
	line   int
	indent int // of the first token of a line, else −1
}

// A scanner cuts source into tokens; brackets join lines.
type scanner struct {
	src   string
	at    int
	line  int
	depth int
	fresh bool // at the start of a logical line
}

func isLetter(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// next cuts off the next token: the end of a logical line and of the source are tokens, too.
func (s *scanner) next() (token, error) {
	indent := -1
	if s.fresh {
		indent = 0
	}
	for ; s.at < len(s.src); s.at++ {
		c := s.src[s.at]
		if c == '#' {
			for s.at+1 < len(s.src) && s.src[s.at+1] != '\n' {
				s.at++
			}
			continue
		}
		if c == '\n' {
			s.line++
			if s.depth == 0 && !s.fresh {
				s.at++
				s.fresh = true
				return token{kind: tokenLine, line: s.line - 1, indent: -1}, nil
			}
			if s.fresh {
				indent = 0
			}
			continue
		}
		if c != ' ' && c != '\t' && c != '\r' {
			break
		}
		if s.fresh {
			indent++
		}
	}
	if s.at == len(s.src) {
		if !s.fresh {
			s.fresh = true
			return token{kind: tokenLine, line: s.line, indent: -1}, nil
		}
		return token{kind: tokenEnd, line: s.line}, nil
	}
	s.fresh = false
	t := token{line: s.line, indent: indent}
	from, c := s.at, s.src[s.at]
	switch {
	case isLetter(c):
		for s.at < len(s.src) && (isLetter(s.src[s.at]) || isDigit(s.src[s.at])) {
			s.at++
		}
		t.kind = tokenName
	case isDigit(c) || c == '.' && s.at+1 < len(s.src) && isDigit(s.src[s.at+1]):
		for s.at < len(s.src) && (isLetter(s.src[s.at]) || isDigit(s.src[s.at]) || s.src[s.at] == '.' ||
			(s.src[s.at] == '-' || s.src[s.at] == '+') && (s.src[s.at-1] == 'e' || s.src[s.at-1] == 'E')) {
			s.at++
		}
		t.kind = tokenNumber
	case c == '"' || c == '\'':
		s.at++
		for s.at < len(s.src) && s.src[s.at] != c {
			if s.src[s.at] == '\n' {
				return t, errors.New("a text without an end")
			}
			if s.src[s.at] == '\\' {
				s.at++
			}
			s.at++
		}
		if s.at >= len(s.src) {
			return t, errors.New("a text without an end")
		}
		s.at++
		t.kind, t.text = tokenText, s.src[from+1:s.at-1]
		return t, nil
	default:
		s.at++
		t.kind = tokenSign
		if c == '-' && s.at < len(s.src) && s.src[s.at] == '>' {
			s.at++
		}
		switch c {
		case '(', '[', '{':
			s.depth++
		case ')', ']', '}':
			s.depth--
		}
		if s.depth < 0 || s.depth > maxNesting {
			return t, errors.New("brackets do not match or are nested too deeply")
		}
	}
	t.text = s.src[from:s.at]
	return t, nil
}
