package pickle

import (
	"fmt"
	"strconv"
)

// Role says what a pickle may do with a global.
type Role uint8

const (
	// Refused is the zero Role: naming the global is an error.
	Refused Role = iota
	// Name may be mentioned and passed around, but not called.
	Name
	// Callable may be called or instantiated; that makes an [Object].
	Callable
	// Class may be instantiated without being called (NEWOBJ); that makes an [Object], too.
	Class
	// Mapping is a dict by another class; calling it makes a [Dict].
	Mapping
)

// Options tells [Load] what a pickle may hold.
type Options struct {
	// Global is the allow-list. Nil refuses every name.
	Global func(module, name string) Role
	// Persistent stands for an object stored outside the pickle: it gets the
	// decoded id and returns the value to use. Nil refuses such objects.
	Persistent func(id any) (any, error)
}

const (
	// MaxValues is the most values one pickle may make, however long it is.
	MaxValues = 1 << 22
	// MaxStack is the most values that may wait on the machine's stack.
	MaxStack = 1 << 18
	// MaxNesting is the most containers that may be open at once.
	MaxNesting = 1 << 10

	maxName = 1 << 10 // bytes of a module or attribute name
	maxLong = 1 << 8  // bytes of an integer
)

// GlobalError reports a name outside the allow-list.
type GlobalError struct {
	Module, Name string
	Offset       int // of the instruction that names it
}

func (e *GlobalError) Error() string {
	return fmt.Sprintf("offset %d: refused to load %s", e.Offset, Quote(e.Module+"."+e.Name))
}

// Quote quotes text of the input for a message, cut to a readable length.
func Quote(s string) string {
	const most = 120
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}
