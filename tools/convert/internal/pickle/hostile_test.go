package pickle_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hostiletest"
	"github.com/rnnedge/rnnedge/tools/convert/internal/pickle"
	pt "github.com/rnnedge/rnnedge/tools/convert/internal/pickle/pickletest"
)

func TestLoadRefuses(t *testing.T) {
	const million = 1_000_000
	for name, test := range map[string]struct{ code, want string }{
		"nothing":               {"", `offset 0: the pickle ends without STOP`},
		"no STOP":               {"N", `offset 1: the pickle ends without STOP`},
		"protocol 9":            {"\x80\x09N.", `offset 0: PROTO: protocol 9 is not one of 2 to 5`},
		"unknown instruction":   {"\x80\x02\xfeN.", `offset 2: 0xfe: unknown instruction`},
		"text instruction":      {"I1\n.", `offset 0: INT: this instruction is not supported`},
		"extension":             {"\x82\x01.", `offset 0: EXT1: this instruction is not supported`},
		"os.system":             {"cos\nsystem\nU\x02ls\x85R.", `offset 0: refused to load "os.system"`},
		"os.system, protocol 4": {"\x8c\x02os\x8c\x06system\x93.", `offset 12: refused to load "os.system"`},
		"eval":                  {"cbuiltins\neval\n.", `offset 0: refused to load "builtins.eval"`},
		"name without end":      {"cos", `offset 0: GLOBAL: no end of line within 2 bytes`},
		"endless name":          {"c" + strings.Repeat("a", million), `offset 0: GLOBAL: no end of line within 1025 bytes`},
		"call of a name":        {"ctorch\nFloatStorage\n)R.", `offset 21: REDUCE: "torch.FloatStorage" is not to be called`},
		"call of a number":      {"K\x01)R.", `offset 3: REDUCE: expected a class, found int`},
		"call without tuple":    {"K\x01NR.", `offset 3: REDUCE: expected a tuple of arguments, found None`},
		"ordered dict of an int": {
			string(pt.Encode(pt.Call{Func: pt.Global{"collections", "OrderedDict"}, Args: []any{1}})),
			`offset 39: REDUCE: expected a dict or list of pairs, found int`},
		"huge string":        {"X\xff\xff\xff\xffabc.", `offset 0: BINUNICODE: needs 4294967295 bytes where 4 are left`},
		"huge string 8":      {"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", `offset 0: BINUNICODE8: needs 18446744073709551615 bytes where 1 are left`},
		"huge bytes":         {"\x8e\x00\x00\x00\x00\x00\x00\x00\x80.", `offset 0: BINBYTES8: needs 9223372036854775808 bytes where 1 are left`},
		"huge frame":         {"\x95\xff\xff\xff\xff\xff\xff\xff\x7f.", `offset 0: FRAME: a frame of 9223372036854775807 bytes where 1 are left`},
		"huge integer":       {"\x8b\xff\xff\xff\x7f.", `offset 0: LONG4: needs 2147483647 bytes where 1 are left`},
		"long integer":       {"\x8b\x01\x01\x00\x00" + strings.Repeat("a", 257) + ".", `offset 0: LONG4: an integer of 257 bytes is longer than 256`},
		"broken text":        {"X\x01\x00\x00\x00\xff.", `offset 0: BINUNICODE: the text is not UTF-8`},
		"empty stack":        {".", `offset 0: STOP: the stack is empty`},
		"two results":        {"NN.", `offset 2: STOP: 1 values are left under the result`},
		"open mark":          {"(N.", `offset 2: STOP: a mark is still open`},
		"pop under a mark":   {"N(.", `offset 2: STOP: a mark is on top of the stack`},
		"no mark":            {"Nt.", `offset 1: TUPLE: no mark is open`},
		"short tuple":        {"N(N\x86.", `offset 3: TUPLE2: needs 2 values on the stack, found 1`},
		"append to a dict":   {"}Na.", `offset 2: APPEND: expected a list, found dict`},
		"item of a list":     {"]NNs.", `offset 3: SETITEM: expected a dict, found list`},
		"odd items":          {"}(NNNu.", `offset 5: SETITEMS: 3 values are not keys and values`},
		"empty memo":         {"h\x05.", `offset 0: BINGET: nothing is stored under 5`},
		"state of a number":  {"K\x01Nb.", `offset 3: BUILD: expected an object, found int`},
		"million marks":      {strings.Repeat("(", million) + ".", `offset 1024: MARK: more than 1024 containers nested in each other`},
		"million open lists": {strings.Repeat("](", million), `offset 2049: MARK: more than 1024 containers nested in each other`},
		"tall stack":         {strings.Repeat("N", 2*million), `offset 262144: NONE: more than 262144 values on the stack`},
		"copied over and over": {
			"](" + strings.Repeat("]NaNa", 2000) + "eq\x00" + strings.Repeat("ccollections\nOrderedDict\nh\x00\x85R", 2000),
			`more values than the input can hold`},
	} {
		t.Run(name, func(t *testing.T) {
			err := hostiletest.Read(t, func() error {
				_, err := load(t, test.code)
				return err
			})
			require.ErrorContains(t, err, test.want)
			require.Less(t, len(err.Error()), 300)
		})
	}
}

func TestGlobalErrorNamesTheGlobal(t *testing.T) {
	_, err := load(t, "N0cos\nsystem\n.")
	var refused *pickle.GlobalError
	require.True(t, errors.As(err, &refused))
	require.Equal(t, pickle.GlobalError{Module: "os", Name: "system", Offset: 2}, *refused)
}

func TestNothingIsAllowedByDefault(t *testing.T) {
	_, _, err := pickle.Load([]byte("ccollections\nOrderedDict\n."), pickle.Options{})
	require.ErrorContains(t, err, `refused to load "collections.OrderedDict"`)
	_, _, err = pickle.Load([]byte("NQ."), pickle.Options{})
	require.ErrorContains(t, err, "objects outside the pickle are not supported here")
}

// Containers that close before they are put into each other open no marks; such
// towers are built without recursion.
func TestDeepTowersAreBuilt(t *testing.T) {
	const depth = 500_000
	for name, code := range map[string]string{
		"tuples": ")" + strings.Repeat("\x85", depth) + ".",
		"lists":  "N" + strings.Repeat("q\x000]h\x00a", depth) + ".",
		"dicts":  "N" + strings.Repeat("q\x000}Nh\x00s", depth) + ".",
		"states": "N" + strings.Repeat("q\x000}h\x00b", depth) + ".",
		"shared": ")" + strings.Repeat("2\x86", depth) + ".",
		"cycle":  "]q\x00h\x00a.",
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, hostiletest.Read(t, func() error {
				_, err := load(t, code)
				return err
			}))
		})
	}
}

func TestDamagedPickles(t *testing.T) {
	for _, code := range golden {
		read := func(data []byte) error {
			_, _, err := pickle.Load(data, options)
			return err
		}
		hostiletest.Truncations(t, []byte(code), read)
		hostiletest.Flips(t, []byte(code), read, nil)
	}
}

func FuzzLoad(f *testing.F) {
	for _, code := range golden {
		f.Add([]byte(code))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, n, err := pickle.Load(data, options)
		if err == nil && (n < 1 || n > len(data)) {
			t.Fatalf("read %d of %d bytes", n, len(data))
		}
	})
}
