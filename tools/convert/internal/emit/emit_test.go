package emit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	model "github.com/rnnedge/rnnedge/format"
	"github.com/rnnedge/rnnedge/infer"
)

func net(t *testing.T, backward bool) *model.Model {
	b := model.NewBuilder(1)
	x := model.Input
	if backward {
		x = b.Reverse("", x)
	}
	b.Output(b.RNN("rnn", x, model.Weights{W: []float32{1, 0.5}, R: []float32{0.5, 0, 0, 0.25}}, model.Tanh))
	m, err := b.Model()
	require.NoError(t, err)
	m.Meta = []model.Meta{{Key: "source", Value: "a\nfunc init() { panic(1) } // \u2028.pt"}, {Key: "sample rate", Value: "44100"}, {Key: "labels", Value: "yes, \"no\""}}
	return m
}

// The package builds, for another machine too, and computes what the model does.
func TestEmittedPackage(t *testing.T) {
	root, err := filepath.Abs("../../../..")
	require.NoError(t, err)
	dir := t.TempDir()
	m := net(t, false)
	require.NoError(t, Write(filepath.Join(dir, "my-amp"), m))
	require.NoError(t, Write(filepath.Join(dir, "both"), net(t, true)))
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	_, requires, ok := strings.Cut(string(mod), "\n")
	require.True(t, ok)
	for name, text := range map[string]string{
		"go.mod": fmt.Sprintf("module device\n%s\nrequire github.com/rnnedge/rnnedge v0.0.0\nreplace github.com/rnnedge/rnnedge => %s\n", requires, root),
		"go.sum": string(sum),
		"main.go": `package main

import (
	"fmt"

	_ "device/both"
	myamp "device/my-amp"
)

func main() {
	s, err := myamp.New()
	if err != nil {
		panic(err)
	}
	var y [myamp.Outputs]float32
	for range 3 {
		if err := s.Step(&y, &[myamp.Inputs]float32{0.5}); err != nil {
			panic(err)
		}
	}
	fmt.Print(y, myamp.SampleRate, myamp.Labels[1])
}
`} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	call := func(goarch string, args ...string) string {
		c := exec.Command("go", args...)
		c.Dir, c.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "CGO_ENABLED=0", "GOPROXY=off")
		if goarch != "" {
			c.Env = append(c.Env, "GOARCH="+goarch)
		}
		out, err := c.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	call("arm64", "build", "-o", filepath.Join(dir, "device"), ".")
	call("", "vet", "./...")

	file, err := model.Marshal(m)
	require.NoError(t, err)
	engine, err := infer.FromBytes(file)
	require.NoError(t, err)
	y, s := make([]float32, 2), engine.NewSession()
	for range 3 {
		require.NoError(t, s.Step(y, []float32{0.5}))
	}
	assert.Equal(t, fmt.Sprint(y, 44100, `"no"`), call("", "run", "."))
}

// Only what convert wrote is overwritten.
func TestOverwrite(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Write(dir, net(t, false)))
	require.NoError(t, Write(dir, net(t, true)))
	code, err := os.ReadFile(filepath.Join(dir, goFile))
	require.NoError(t, err)
	assert.Contains(t, string(code), "Run computes a whole sequence")
	assert.NotContains(t, string(code), "\nfunc init")

	windows := strings.ReplaceAll(string(code), "\n", "\r\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, goFile), []byte(windows), 0o600))
	require.NoError(t, Write(dir, net(t, false)), "lines that git checked out with CRLF")

	require.NoError(t, os.WriteFile(filepath.Join(dir, goFile), []byte("package mine\n"), 0o600))
	assert.ErrorContains(t, Write(dir, net(t, false)), "model.go is there and not from convert")
	require.NoError(t, os.Remove(filepath.Join(dir, goFile)))
	assert.ErrorContains(t, Write(dir, net(t, false)), "model.rnn is there and no model.go from convert beside it")
}

func TestPackageName(t *testing.T) {
	for folder, want := range map[string]string{"vad": "vad", "My-Amp 2": "myamp2", "2x": "model", "func": "model", "main": "model", "init": "model", "…": "model"} {
		assert.Equal(t, want, packageName(folder))
	}
}
