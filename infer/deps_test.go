package infer

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a device links is the engine, the standard library, cpuid and x/sys.
func TestEngineDependencies(t *testing.T) {
	const module = "github.com/rnnedge/rnnedge/"
	allowed := map[string]bool{
		module + "asm": true, module + "quant": true, module + "format": true, module + "infer": true,
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to list dependencies with: ", err)
	}
	list := exec.Command(goTool, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")
	out, err := list.Output()
	require.NoError(t, err)
	packages := strings.Fields(string(out))
	assert.Contains(t, packages, module+"asm")
	for _, p := range packages {
		assert.True(t, allowed[p] || strings.HasPrefix(p, "golang.org/x/sys/") || strings.HasPrefix(p, "github.com/klauspost/cpuid/v2"), "the engine imports %s", p)
	}

	// Imports point one way: asm ← quant ← format ← infer.
	order := []string{"asm", "quant", "format", "infer"}
	for i, p := range order {
		out, err := exec.Command(goTool, "list", "-f", "{{join .Imports \" \"}}", module+p).Output()
		require.NoError(t, err)
		for _, later := range order[i+1:] {
			assert.NotContains(t, strings.Fields(string(out)), module+later, "%s imports %s", p, later)
		}
	}
}
