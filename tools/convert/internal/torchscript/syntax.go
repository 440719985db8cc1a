package torchscript

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits of a program, far beyond what PyTorch writes.
const (
	maxNesting = 200     // of brackets and of blocks
	maxSource  = 1 << 20 // bytes of all files, each of which becomes hundreds in memory
)

// An expression is one of these, or a constant: nil, bool, int64, float64 or string.
type (
	name     string
	selector struct { // x.name
		x    any
		name string
	}
	call struct {
		f       any
		args    []any
		keyword []string // of the last args
	}
	index    struct{ x, i any }
	sequence struct { // a tuple or a list
		items []any
		list  bool
	}
)

// A statement is one of these.
type (
	assign struct {
		to     []any // names and selectors
		unpack bool
		x      any
		line   int
	}
	branch struct {
		condition any
		yes, no   []any
		line      int
	}
	result struct { // return
		x    any
		line int
	}
	block struct{ body []any } // of a with statement
	other struct {             // what is not translated
		what string
		line int
	}
)

// A function is a def.
type function struct {
	file     string
	params   []string
	defaults map[string]any
	body     []any
}

// A class is a module's.
type class struct {
	file       string
	parameters []string       // parameters and buffers
	constants  map[string]any // of Final attributes
	methods    map[string]*function
}

// A parser reads one file of a program. It panics with an error of its own type, which
// parse recovers.
type parser struct {
	file   string
	tokens []token
	at     int
	depth  int
}

type syntaxError struct{ error }

func (p *parser) fail(format string, a ...any) {
	panic(syntaxError{fmt.Errorf("%s:%d: %s", p.file, p.peek().line, fmt.Sprintf(format, a...))})
}

// parse reads the classes and functions of one file, whose module is called module.
func parse(file, module string, src []byte, classes map[string]*class, functions map[string]*function) (err error) {
	p := &parser{file: file}
	s := &scanner{src: string(src), line: 1, fresh: true}
	for {
		t, err := s.next()
		if err != nil {
			return fmt.Errorf("%s:%d: %w", file, s.line, err)
		}
		p.tokens = append(p.tokens, t)
		if t.kind == tokenEnd {
			break
		}
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(syntaxError)
			if !ok {
				panic(r)
			}
			err = e.error
		}
	}()
	for p.peek().kind != tokenEnd {
		switch {
		case p.accept("class"):
			n, c := p.class()
			classes[module+"."+n] = c
		case p.accept("def"):
			n, f := p.function()
			functions[module+"."+n] = f
		default:
			p.skipLine()
		}
	}
	return nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) is(text string) bool {
	t := p.peek()
	return t.text == text && (t.kind == tokenSign || t.kind == tokenName)
}

func (p *parser) accept(text string) bool {
	if p.is(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.fail("want %q, found %.20q", text, p.peek().text)
	}
}

func (p *parser) name() string {
	t := p.next()
	if t.kind != tokenName {
		p.fail("want a name, found %.20q", t.text)
	}
	return t.text
}

func (p *parser) endLine() {
	if t := p.next(); t.kind != tokenLine && t.kind != tokenEnd {
		p.fail("want the end of the line, found %.20q", t.text)
	}
}

func (p *parser) skipLine() {
	for {
		if t := p.next(); t.kind == tokenLine || t.kind == tokenEnd {
			return
		}
	}
}

// deeper guards recursion.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxNesting {
		p.fail("nested deeper than %d levels", maxNesting)
	}
	return func() { p.depth-- }
}

func (p *parser) class() (string, *class) {
	n := p.name()
	p.skipLine()
	c := &class{file: p.file, constants: map[string]any{}, methods: map[string]*function{}}
	for p.peek().indent > 0 {
		switch {
		case p.accept("def"):
			n, f := p.function()
			c.methods[n] = f
		case p.is("__parameters__"), p.is("__buffers__"):
			p.next()
			p.expect("=")
			if list, ok := p.expression().(sequence); ok {
				for _, item := range list.items {
					if s, ok := item.(string); ok {
						c.parameters = append(c.parameters, s)
					}
				}
			}
			p.endLine()
		case p.peek().kind == tokenName && p.tokens[p.at+1].text == ":":
			attribute := p.name()
			p.next()
			p.expression() // its type
			if p.accept("=") {
				c.constants[attribute] = p.expression()
			}
			p.endLine()
		default:
			p.skipLine()
		}
	}
	return n, c
}

func (p *parser) function() (string, *function) {
	n := p.name()
	f := &function{file: p.file, defaults: map[string]any{}}
	p.expect("(")
	for !p.accept(")") {
		param := p.name()
		f.params = append(f.params, param)
		if p.accept(":") {
			p.expression() // its type
		}
		if p.accept("=") {
			f.defaults[param] = p.expression()
		}
		if !p.is(")") {
			p.expect(",")
		}
	}
	if p.accept("->") {
		p.expression()
	}
	p.expect(":")
	f.body = p.block()
	return n, f
}

// block reads the lines that are indented deeper than the one before.
func (p *parser) block() (body []any) {
	defer p.deeper()()
	p.endLine()
	indent := p.peek().indent
	if indent <= 0 {
		p.fail("want a block")
	}
	for p.peek().kind != tokenEnd && p.peek().indent == indent {
		body = append(body, p.statement(indent))
	}
	return body
}

func (p *parser) statement(indent int) any {
	line := p.peek().line
	switch {
	case p.accept("pass"):
		p.endLine()
		return block{}
	case p.accept("return"):
		r := result{line: line}
		if p.peek().kind != tokenLine {
			r.x = p.expression()
		}
		p.endLine()
		return r
	case p.accept("if"):
		b := branch{condition: p.expression(), line: line}
		p.expect(":")
		b.yes = p.block()
		if p.peek().indent == indent && p.accept("else") {
			p.expect(":")
			b.no = p.block()
		}
		return b
	case p.accept("with"):
		for !p.is(":") && p.peek().kind != tokenLine && p.peek().kind != tokenEnd {
			p.next()
		}
		p.expect(":")
		return block{p.block()}
	case p.is("for"), p.is("while"):
		what := "a " + p.next().text + " loop"
		for p.peek().kind != tokenLine && p.peek().kind != tokenEnd {
			p.next()
		}
		p.block()
		return other{what, line}
	}
	x := p.expressions()
	if p.accept(":") { // a type
		p.expression()
	}
	if !p.accept("=") {
		p.endLine()
		return assign{x: x, line: line}
	}
	a := assign{to: []any{x}, x: p.expressions(), line: line}
	if s, ok := x.(sequence); ok {
		a.to, a.unpack = s.items, true
	}
	p.endLine()
	return a
}

// expressions reads one, or a tuple without brackets, which may end in a comma.
func (p *parser) expressions() any {
	x := p.expression()
	if !p.is(",") {
		return x
	}
	s := sequence{items: []any{x}}
	for p.accept(",") {
		if p.is("=") || p.peek().kind == tokenLine {
			break
		}
		s.items = append(s.items, p.expression())
	}
	return s
}

// list reads what stands up to a closing bracket.
func (p *parser) list(end string) (items []any, comma bool) {
	for !p.accept(end) {
		items = append(items, p.expression())
		if comma = p.accept(","); !comma {
			p.expect(end)
			break
		}
	}
	return items, comma
}

func (p *parser) expression() any {
	defer p.deeper()()
	var x any
	switch t := p.next(); {
	case t.kind == tokenText:
		x = t.text
	case t.kind == tokenNumber:
		x = p.number(t.text)
	case t.text == "-":
		switch v := p.expression().(type) {
		case int64:
			return -v
		case float64:
			return -v
		}
		p.fail("want a number after -")
	case t.text == "(":
		items, comma := p.list(")")
		if x = any(sequence{items: items}); len(items) == 1 && !comma {
			x = items[0]
		}
	case t.text == "[":
		items, _ := p.list("]")
		x = sequence{items: items, list: true}
	case t.kind == tokenName:
		switch t.text {
		case "None":
			x = nil
		case "True":
			x = true
		case "False":
			x = false
		default:
			x = name(t.text)
		}
	default:
		p.fail("want an expression, found %.20q", t.text)
	}
	for {
		switch {
		case p.accept("."):
			x = selector{x, p.name()}
		case p.accept("["):
			items, _ := p.list("]")
			if len(items) == 1 {
				x = index{x, items[0]}
			} else {
				x = index{x, sequence{items: items}}
			}
		case p.accept("("):
			c := call{f: x}
			for !p.accept(")") {
				if p.peek().kind == tokenName && p.at+1 < len(p.tokens) && p.tokens[p.at+1].text == "=" && p.tokens[p.at+1].kind == tokenSign {
					c.keyword = append(c.keyword, p.next().text)
					p.next()
				} else if len(c.keyword) > 0 {
					p.fail("an argument after one with a name")
				}
				c.args = append(c.args, p.expression())
				if !p.is(")") {
					p.expect(",")
				}
			}
			x = c
		default:
			return x
		}
	}
}

func (p *parser) number(text string) any {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.ContainsAny(text, "xX_nNiI") {
		p.fail("%.20q is no number", text)
	}
	return f
}
