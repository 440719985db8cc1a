package pickle_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/pickle"
	pt "github.com/rnnedge/rnnedge/tools/convert/internal/pickle/pickletest"
)

// options allows what the tests name and hands persistent ids back.
var options = pickle.Options{
	Global: func(module, name string) pickle.Role {
		switch module + "." + name {
		case "collections.OrderedDict", "collections.defaultdict":
			return pickle.Mapping
		case "builtins.dict", "torch.FloatStorage":
			return pickle.Name
		case "net.Module":
			return pickle.Class
		case "_codecs.encode", "builtins.set", "__builtin__.set", "argparse.Namespace":
			return pickle.Callable
		}
		return pickle.Refused
	},
	Persistent: func(id any) (any, error) { return id, nil },
}

func load(t *testing.T, code string) (any, error) {
	t.Helper()
	v, n, err := pickle.Load([]byte(code), options)
	if err == nil {
		require.Equal(t, len(code), n)
	}
	return v, err
}

func get(t *testing.T, v any, key string) any {
	t.Helper()
	require.IsType(t, &pickle.Dict{}, v)
	value, ok := v.(*pickle.Dict).Get(key)
	require.True(t, ok, key)
	return value
}

func TestLoadReadsWhatPythonWrites(t *testing.T) {
	for protocol, code := range golden {
		v, err := load(t, code)
		require.NoError(t, err, "protocol %d", protocol)
		require.Nil(t, get(t, v, "n"))
		require.Equal(t, true, get(t, v, "t"))
		require.Equal(t, 1.5, get(t, v, "f"))
		require.Equal(t, "hé", get(t, v, "s"))

		limit := new(big.Int).Lsh(big.NewInt(1), 63)
		require.Equal(t, []any{
			int64(0), int64(255), int64(65535), int64(-1), int64(math.MaxInt32),
			int64(1 << 40), int64(math.MinInt64), limit,
		}, get(t, v, "i").(*pickle.List).Items)

		one, two, three, four := int64(1), int64(2), int64(3), int64(4)
		require.Equal(t, pickle.Tuple{
			pickle.Tuple(nil), pickle.Tuple{one}, pickle.Tuple{one, two},
			pickle.Tuple{one, two, three}, pickle.Tuple{one, two, three, four},
		}, get(t, v, "tu"))
		require.Equal(t, get(t, v, "tu"), get(t, v, "again"))

		ordered := get(t, v, "o").(*pickle.Dict)
		require.Equal(t, []pickle.Entry{{Key: "x", Value: one}, {Key: "y", Value: two}}, ordered.Entries)

		switch b := get(t, v, "b").(type) {
		case []byte:
			require.Equal(t, []byte{0, 255}, b)
		case *pickle.Object: // protocol 2 has no bytes
			require.Equal(t, "_codecs.encode", b.Class.String())
			require.Equal(t, pickle.Tuple{"\x00ÿ", "latin1"}, b.Args)
		default:
			t.Errorf("protocol %d: bytes are a %T", protocol, b)
		}
		switch s := get(t, v, "set").(type) {
		case *pickle.Set:
			require.Equal(t, []any{int64(7)}, s.Items)
		case *pickle.Object:
			require.Equal(t, []any{int64(7)}, s.Args[0].(*pickle.List).Items)
		default:
			t.Errorf("protocol %d: a set is a %T", protocol, s)
		}
	}
}

func TestLoadValues(t *testing.T) {
	ordered := pt.Global{"collections", "OrderedDict"}
	for name, test := range map[string]struct {
		code string
		want any
	}{
		"empty long":         {"\x8a\x00.", int64(0)},
		"negative long":      {"\x8a\x01\xff.", int64(-1)},
		"long of 9 bytes":    {"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\xff.", big.NewInt(-1)},
		"long4":              {"\x8b\x02\x00\x00\x00\x00\x01.", int64(256)},
		"Python 2 string":    {"U\x02\xff\xfe.", "\xff\xfe"},
		"long Python 2 str":  {"T\x01\x00\x00\x00a.", "a"},
		"bytes 8":            {"\x8e\x01\x00\x00\x00\x00\x00\x00\x00a.", []byte("a")},
		"frozenset":          {"(K\x01\x91.", &pickle.Set{Items: []any{int64(1)}}},
		"pop, dup, pop mark": {"K\x01K\x022(NN10" + "0.", int64(1)},
		"pop takes a mark":   {"K\x01(0.", int64(1)},
		"memo by number":     {"K\x07r\x00\x00\x01\x000j\x00\x00\x01\x00.", int64(7)},
		"persistent":         {string(pt.Encode(pt.Persistent{ID: "x"})), "x"},
		"last key wins":      {string(pt.Encode(pt.Pairs{"a", 1, "a", 2})), &pickle.Dict{Entries: []pickle.Entry{{Key: "a", Value: int64(2)}}}},
		"tuple keys are kept": {"})Ns)Ns.", &pickle.Dict{Entries: []pickle.Entry{
			{Key: pickle.Tuple(nil)}, {Key: pickle.Tuple(nil)}}}},
		"Python 2 ordered dict": {
			string(pt.Encode(pt.Call{Func: ordered, Args: []any{pt.List{pt.List{"a", 1}}}})),
			&pickle.Dict{Entries: []pickle.Entry{{Key: "a", Value: int64(1)}}},
		},
		"copied dict": {
			string(pt.Encode(pt.Call{Func: ordered, Args: []any{pt.Pairs{"a", 1}}})),
			&pickle.Dict{Entries: []pickle.Entry{{Key: "a", Value: int64(1)}}},
		},
		"default dict": {
			string(pt.Encode(pt.Call{Func: pt.Global{"collections", "defaultdict"}, Args: []any{pt.Global{"builtins", "dict"}}})),
			&pickle.Dict{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := load(t, test.code)
			require.NoError(t, err)
			require.Equal(t, test.want, v)
		})
	}
}

func TestLoadKeepsObjectsInert(t *testing.T) {
	v, err := load(t, string(pt.Encode(pt.New{
		Class: pt.Global{"argparse", "Namespace"},
		State: pt.Pairs{"lr", 0.5},
	})))
	require.NoError(t, err)
	object := v.(*pickle.Object)
	require.Equal(t, "argparse.Namespace", object.Class.String())
	require.Equal(t, "argparse.Namespace object", pickle.TypeName(object))
	require.Equal(t, 0.5, get(t, object.State, "lr"))
}

func TestDictOfManyKeys(t *testing.T) {
	var pairs pt.Pairs
	for i := range 3000 {
		pairs = append(pairs, i%1000, i)
	}
	v, err := load(t, string(pt.Encode(pairs)))
	require.NoError(t, err)
	entries := v.(*pickle.Dict).Entries
	require.Len(t, entries, 1000)
	for i, e := range entries {
		require.Equal(t, pickle.Entry{Key: int64(i), Value: int64(2000 + i)}, e)
	}
}

func TestLoadLeavesTheRest(t *testing.T) {
	v, n, err := pickle.Load([]byte("K\x01.K\x02."), options)
	require.NoError(t, err)
	require.Equal(t, int64(1), v)
	require.Equal(t, 3, n)
}

// An instance of a Class is made, a call is not.
func TestClass(t *testing.T) {
	v, err := load(t, "\x80\x02cnet\nModule\n)\x81.")
	require.NoError(t, err)
	require.Equal(t, "net.Module", v.(*pickle.Object).Class.String())
	_, err = load(t, "\x80\x02cnet\nModule\n)R.")
	require.ErrorContains(t, err, `"net.Module" is not to be called`)
}
