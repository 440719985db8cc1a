package hdf5_test

import (
	"archive/zip"
	"bytes"
	"io"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rnnedge/rnnedge/tools/convert/internal/hdf5"
)

// files reads the files that tools/convert/testdata/make_hdf5.py made.
func files(t testing.TB) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile("../../testdata/hdf5.zip")
	require.NoError(t, err)
	return unzip(t, data)
}

// unzip returns the files in an archive.
func unzip(t testing.TB, data []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	list := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		list[f.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
	return list
}

func open(t testing.TB, data []byte) *hdf5.Group {
	t.Helper()
	f, err := hdf5.Open(data)
	require.NoError(t, err)
	return f.Root()
}

// number is number i of every dataset there, by the formula of make_hdf5.py.
func number(kind string, i int) float64 {
	v := float64(37 * i % 251)
	switch {
	case strings.HasPrefix(kind, "uint"):
		return v
	case strings.HasPrefix(kind, "int"):
		return v - 125
	}
	return (v - 125) / 8
}

// written is how many values of the datasets that are not full were written; the
// fill value is 7.
var written = map[string]int{"partial": 100, "empty": 0}

func checkNumbers(t *testing.T, d *hdf5.Dataset) {
	t.Helper()
	values, err := d.Float32()
	require.NoError(t, err)
	n := 1
	for _, size := range d.Shape() {
		n *= size
	}
	require.Len(t, values, n, d.Path())
	for i, v := range values {
		want := number(d.Type(), i)
		if path.Base(d.Path()) == "extensible_sparse" {
			if want = 7; i%190000 < 3 {
				want = number(d.Type(), i%190000)
			}
		}
		if n, ok := written[path.Base(d.Path())]; ok && i >= n {
			if want = 7; n == 0 {
				want = 0
			}
		}
		require.Equal(t, math.Float32bits(float32(want)), math.Float32bits(v), "%s [%d]: %v, expected %v", d.Path(), i, v, want)
	}
}

// Every dataset of the groups named, in every file that has them.
func TestDatasets(t *testing.T) {
	shapes := map[string][]int{
		"layouts/compact": {3, 5}, "layouts/contiguous": {7, 3}, "layouts/scalar": {}, "layouts/none": {0, 4},
		"layouts/chunked": {7, 5}, "layouts/empty": {6},
		"chunks/single": {4, 6}, "chunks/single_deflate": {4, 6}, "chunks/larger": {5},
		"chunks/implicit": {5, 7}, "chunks/implicit_growing": {5, 7},
		"chunks/fixed": {9, 8}, "chunks/fixed_growing": {9, 8}, "chunks/fixed_paged": {2500}, "chunks/fixed_filtered": {9, 8},
		"chunks/extensible": {40, 6}, "chunks/extensible_second": {6, 40}, "chunks/extensible_deep": {5000},
		"chunks/extensible_filtered": {40, 6}, "chunks/tree": {30, 20}, "chunks/tree_filtered": {30, 20},
		"chunks/shuffle": {33}, "chunks/fletcher32": {33}, "chunks/three": {4, 5, 6}, "chunks/partial": {2500},
		"chunks/masked": {251}, "chunks/extensible_sparse": {200000}, "chunks/edges": {10},
	}
	for name, data := range files(t) {
		t.Run(name, func(t *testing.T) {
			root := open(t, data)
			seen := 0
			for _, group := range []string{"layouts", "chunks"} {
				if !root.Has(group) {
					continue
				}
				g, err := root.Group(group)
				require.NoError(t, err)
				names, err := g.Names()
				require.NoError(t, err)
				for _, name := range names {
					d, err := g.Dataset(name)
					require.NoError(t, err)
					want, ok := shapes[group+"/"+name]
					require.True(t, ok, name)
					if !ok || len(want) != 1 || want[0] < 2500 { // the long ones are shorter in old.h5
						require.Equal(t, want, d.Shape(), name)
					}
					checkNumbers(t, d)
					seen++
				}
			}
			want := map[string]int{"v110.h5": 22, "old.h5": 27, "v18.h5": 28, "latest.h5": 28,
				"userblock.h5": 6, "userblock_latest.h5": 6, "v1.h5": 6}
			require.Equal(t, want[name], seen)
		})
	}
}

// full are the files with every group.
var full = []string{"old.h5", "v18.h5", "latest.h5"}

func TestTypes(t *testing.T) {
	all := files(t)
	for _, name := range full {
		t.Run(name, func(t *testing.T) {
			g, err := open(t, all[name]).Group("types")
			require.NoError(t, err)
			kinds := []string{"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
				"float16", "float32", "float64"}
			for _, kind := range kinds {
				for _, order := range []string{"", "_big"} {
					if order == "_big" && strings.HasSuffix(kind, "int8") {
						continue // one byte has no order, so h5py gave it one name
					}
					d, err := g.Dataset(kind + order)
					require.NoError(t, err)
					require.Equal(t, kind, d.Type())
					checkNumbers(t, d)
				}
			}
			for name, kind := range map[string]string{"bfloat16": "bfloat16", "committed": "float32"} {
				d, err := g.Dataset(name)
				require.NoError(t, err)
				require.Equal(t, kind, d.Type())
				checkNumbers(t, d)
			}
			d, err := g.Dataset("committed")
			require.NoError(t, err)
			a, err := d.Attribute("committed")
			require.NoError(t, err)
			values, err := a.Numbers()
			require.NoError(t, err)
			require.Equal(t, []float64{number("float", 0), number("float", 1), number("float", 2), number("float", 3)}, values)

			for name, says := range map[string]string{
				"compound": "/types/compound: values of type compound are not supported",
				"strings":  "/types/strings: its type is variable-length string, expected numbers",
				"lzf":      "/types/lzf: filter pipeline message: the filter lzf is not supported",
			} {
				d, err := g.Dataset(name)
				require.NoError(t, err)
				_, err = d.Float32()
				require.ErrorContains(t, err, says)
			}
			_, err = g.Dataset("named")
			require.EqualError(t, err, "/types/named: it is not a dataset")
		})
	}
}

func TestAttributes(t *testing.T) {
	all := files(t)
	for _, name := range full {
		t.Run(name, func(t *testing.T) {
			g, err := open(t, all[name]).Group("attributes")
			require.NoError(t, err)
			text := func(g *hdf5.Group, name string, want ...string) {
				t.Helper()
				a, err := g.Attribute(name)
				require.NoError(t, err)
				got, err := a.Strings()
				require.NoError(t, err)
				require.Equal(t, append([]string{}, want...), got, name)
			}
			for _, name := range []string{"fixed", "variable", "terminated", "spaces"} {
				text(g, name, "text")
			}
			text(g, "utf8", "Größe")
			text(g, "list_fixed", "a", "bcd", "")
			text(g, "list_variable", "a", "bcd", "")
			text(g, "empty_list")
			text(g, "null")

			number64 := func(g *hdf5.Group, name string, want ...float64) {
				t.Helper()
				a, err := g.Attribute(name)
				require.NoError(t, err)
				got, err := a.Numbers()
				require.NoError(t, err)
				require.Equal(t, want, got, name)
			}
			few, err := g.Group("few")
			require.NoError(t, err)
			number64(few, "flag", 1)
			number64(few, "int", -3)
			number64(few, "double", 0.1)
			number64(few, "matrix", -125, -88, -51, -14, 23, 60)
			var many []float64
			for i := range 40 {
				many = append(many, number("float", i))
			}
			number64(few, "many", many...)

			crowd, err := g.Group("many")
			require.NoError(t, err)
			for i := range 60 {
				number64(crowd, "number "+strconv.Itoa(i), float64(i))
			}
			long, err := g.Group("long")
			require.NoError(t, err)
			text(long, "long", strings.Repeat("k", 70000))
			if name != "old.h5" {
				text(long, "long_fixed", strings.Repeat("k", 70000))
				text(long, "medium", strings.Repeat("k", 2000))
				for i := range 9 {
					text(long, "short "+strconv.Itoa(i), strings.Repeat("k", i))
				}
			}

			_, err = g.Attribute("none")
			require.ErrorIs(t, err, hdf5.ErrNotExist)
			require.EqualError(t, err, `/attributes: it has no attribute "none"`)
			a, err := g.Attribute("fixed")
			require.NoError(t, err)
			_, err = a.Numbers()
			require.EqualError(t, err, `/attributes: attribute "fixed": its type is string, expected numbers`)
			a, err = few.Attribute("double")
			require.NoError(t, err)
			_, err = a.Strings()
			require.EqualError(t, err, `/attributes/few: attribute "double": its type is float64, expected strings`)
		})
	}
}

func TestLinks(t *testing.T) {
	all := files(t)
	for _, name := range append(full, "v1.h5") {
		t.Run(name, func(t *testing.T) {
			root := open(t, all[name])
			g, err := root.Group("links")
			require.NoError(t, err)
			require.Equal(t, "/links", g.Path())
			names, err := g.Names()
			require.NoError(t, err)
			require.Equal(t, []string{"a", "absolute", "circle", "crowd", "dangling", "dataset", "external", "hard",
				"ordered", "soft", "up"}, names)
			for _, path := range []string{"dataset", "hard", "soft", "absolute", "a/b/c", "/links/dataset", "up/links/up/links/soft"} {
				d, err := g.Dataset(path)
				require.NoError(t, err)
				checkNumbers(t, d)
				a, err := d.Attribute("text")
				require.NoError(t, err)
				text, err := a.Strings()
				require.NoError(t, err)
				require.Equal(t, []string{"text"}, text)
			}
			for path, says := range map[string]string{
				"nothing":       `/links: there is no "nothing" in it`,
				"a/nothing/c":   `/links/a: there is no "nothing" in it`,
				"dataset/below": `/links/dataset: "below" does not exist, as this is not a group`,
				"dangling":      `/links/dangling: a soft link: /: there is no "nowhere" in it`,
			} {
				_, err := g.Dataset(path)
				assert.EqualError(t, err, says)
				assert.ErrorIs(t, err, hdf5.ErrNotExist)
				assert.False(t, g.Has(path))
			}
			_, err = g.Group("circle")
			require.EqualError(t, err, "/links/circle: a soft link: /links/circle: more than 16 soft links, one leading to the next")
			_, err = g.Group("external")
			require.ErrorContains(t, err, "/links/external: a link into another file, which is not supported")
			_, err = g.Group("dataset")
			require.EqualError(t, err, "/links/dataset: it is not a group")
			_, err = g.Dataset("a")
			require.EqualError(t, err, "/links/a: it is not a dataset")

			crowd, err := g.Group("crowd")
			require.NoError(t, err)
			names, err = crowd.Names()
			require.NoError(t, err)
			var want []string
			for i := range 300 {
				name := "member with a name " + strconv.Itoa(i)
				want = append(want, name)
				d, err := crowd.Dataset(name)
				require.NoError(t, err)
				require.Equal(t, []int{5}, d.Shape())
			}
			slices.Sort(want)
			require.Equal(t, want, names)
			ordered, err := g.Group("ordered")
			require.NoError(t, err)
			names, err = ordered.Names()
			require.NoError(t, err)
			require.Len(t, names, 12)
		})
	}
}
