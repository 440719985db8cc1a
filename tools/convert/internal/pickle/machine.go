package pickle

import (
	"errors"
	"fmt"
)

// machine is the state of one Load: a stack, the open marks in it, and a memo.
type machine struct {
	in    input
	opt   Options
	left  int // values that may still be made
	stack []any
	marks []int // stack heights
	memo  map[uint32]any
}

// spend counts n values against the limit.
func (m *machine) spend(n int) error {
	if n > m.left {
		return fmt.Errorf("more values than the input can hold (limit %d)", min(len(m.in.data), MaxValues))
	}
	m.left -= n
	return nil
}

// push puts a new value on the stack.
func (m *machine) push(v any) error {
	if len(m.stack) == MaxStack {
		return fmt.Errorf("more than %d values on the stack", MaxStack)
	}
	if err := m.spend(1); err != nil {
		return err
	}
	m.stack = append(m.stack, v)
	return nil
}

// floor is the stack height below which the innermost mark forbids to pop.
func (m *machine) floor() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

// pop takes the top of the stack.
func (m *machine) pop() (any, error) {
	v, err := m.top()
	if err == nil {
		m.stack = m.stack[:len(m.stack)-1]
	}
	return v, err
}

// top returns the top of the stack without taking it.
func (m *machine) top() (any, error) {
	if len(m.stack) == 0 {
		return nil, errors.New("the stack is empty")
	}
	if len(m.stack) == m.floor() {
		return nil, errors.New("a mark is on top of the stack")
	}
	return m.stack[len(m.stack)-1], nil
}

// popMark takes everything above the innermost mark, and the mark. The slice is
// valid until the next push.
func (m *machine) popMark() ([]any, error) {
	if len(m.marks) == 0 {
		return nil, errors.New("no mark is open")
	}
	at := m.floor()
	items := m.stack[at:]
	m.stack = m.stack[:at]
	m.marks = m.marks[:len(m.marks)-1]
	return items, nil
}

// open runs MARK.
func (m *machine) open() error {
	if len(m.marks) == MaxNesting {
		return fmt.Errorf("more than %d containers nested in each other", MaxNesting)
	}
	m.marks = append(m.marks, len(m.stack))
	return nil
}

// drop runs POP, which takes a value or a mark.
func (m *machine) drop() error {
	if len(m.marks) > 0 && len(m.stack) == m.floor() {
		m.marks = m.marks[:len(m.marks)-1]
		return nil
	}
	_, err := m.pop()
	return err
}

// dup runs DUP.
func (m *machine) dup() error {
	v, err := m.top()
	if err != nil {
		return err
	}
	return m.push(v)
}

// stop runs STOP: one value, and nothing else, must be left.
func (m *machine) stop() (any, error) {
	v, err := m.pop()
	switch {
	case err != nil:
		return nil, err
	case len(m.marks) > 0:
		return nil, errors.New("a mark is still open")
	case len(m.stack) > 0:
		return nil, fmt.Errorf("%d values are left under the result", len(m.stack))
	}
	return v, nil
}

// get pushes a value out of the memo.
func (m *machine) get(width int) error {
	i, err := m.in.uint(width)
	if err != nil {
		return err
	}
	v, ok := m.memo[uint32(i)]
	if !ok {
		return fmt.Errorf("nothing is stored under %d", i)
	}
	return m.push(v)
}

// put stores the top of the stack in the memo.
func (m *machine) put(width int) error {
	i, err := m.in.uint(width)
	if err != nil {
		return err
	}
	return m.store(uint32(i))
}

// memoize stores the top of the stack under the next number.
func (m *machine) memoize() error {
	return m.store(uint32(len(m.memo)))
}

// store stores the top of the stack in the memo, which costs a value.
func (m *machine) store(i uint32) error {
	v, err := m.top()
	if err != nil {
		return err
	}
	if err := m.spend(1); err != nil {
		return err
	}
	m.memo[i] = v
	return nil
}
